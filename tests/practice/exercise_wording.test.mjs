import assert from "node:assert/strict";
import { test } from "node:test";
import { proseAndCode, stateLine } from "../../labserver/practice/exercise_wording.mjs";

const line = (state) =>
  stateLine({ outcome: "not attempted", points: 0, most: 2, used: 0, hints: 3, ...state });

test("the state says what was earned, and how many hints it took", () => {
  assert.equal(line({}), "Not attempted · 2 points");
  assert.equal(line({ most: 1, used: 1 }), "Not attempted · 1 point · 1 of 3 hints used");
  assert.equal(line({ outcome: "wrong" }), "Wrong · 0 of 2 points");
  assert.equal(
    line({ outcome: "pass", points: 2, used: 2 }),
    "Passed · 2 of 2 points · 2 of 3 hints used",
  );
});

test("what stands between backticks is code", () => {
  assert.deepEqual(proseAndCode("a `b` <c>"), [
    { piece: "a ", code: false },
    { piece: "b", code: true },
    { piece: " <c>", code: false },
  ]);
  assert.deepEqual(proseAndCode(""), [{ piece: "", code: false }]);
});
