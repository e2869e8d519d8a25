import assert from "node:assert/strict";
import { test } from "node:test";
import { length, placed, sized } from "../../labserver/widgets/live_strokes.mjs";

test("a stroke stands where its time is between ten seconds ago and now", () => {
  const strokes = [
    [1780, 1, 0], // 89 s
    [1900, 1, 0], // 95 s
    [2000, 0, 2], // 100 s
  ];
  assert.deepEqual(
    placed(strokes, 100, 10, 0.05).map(({ x, up, down }) => [x, up, down]),
    [
      [0.5, 1, 0],
      [1, 0, 2],
    ],
  );
});

test("nothing is left to move when the last message is older than the window", () => {
  assert.deepEqual(placed([[1780, 1, 0]], 100, 10, 0.05), []);
});

test("a stroke is longer for more messages, and never longer than its half of the lane", () => {
  assert.equal(length(0), 0);
  assert.ok(length(1) < length(2));
  assert.equal(length(10_000), 1);
});

test("bytes have three digits and a unit", () => {
  assert.deepEqual([0, 999, 12_345, 7_654_321].map(sized), ["0 B", "999 B", "12.3 kB", "7.65 MB"]);
});
