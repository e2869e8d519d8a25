import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BACKOFF_BASE_MS,
  BACKOFF_CAP_MS,
  Backoff,
  STEADY_MS,
} from "../../labserver/widgets/backoff.mjs";

test("the longest possible delay doubles up to the cap", () => {
  const backoff = new Backoff(() => 1);
  const delays = Array.from({ length: 8 }, () => backoff.delayAfter(0));
  assert.deepEqual(delays.slice(0, 3), [250, 500, 1000]);
  assert.equal(delays.at(-1), BACKOFF_CAP_MS);
});

test("jitter is full: a delay lies anywhere between nothing and the longest", () => {
  for (const share of [0, 0.25, 0.999]) {
    assert.equal(new Backoff(() => share).delayAfter(0), share * BACKOFF_BASE_MS);
  }
});

test("after a steady connection the delays begin anew", () => {
  const backoff = new Backoff(() => 1);
  backoff.delayAfter(0);
  assert.equal(backoff.delayAfter(STEADY_MS), 2 * BACKOFF_BASE_MS);
  assert.equal(backoff.delayAfter(STEADY_MS + 1), BACKOFF_BASE_MS);
});
