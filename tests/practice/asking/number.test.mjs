import assert from "node:assert/strict";
import { test } from "node:test";

import { readNumber } from "../../../labserver/practice/asking/number.mjs";

const SHARE = { unit: "%", low: 0, high: 100, wanted: "a number between 0 and 100 %" };
const SIZE = { unit: "bytes", low: null, high: null, wanted: "a number" };

test("a number is read as people type it", () => {
  const typed = { 50: 50, " 50 %": 50, "2,5": 2.5, ".5": 0.5, "5.": 5, "1e1": 10, "+7": 7 };
  for (const [text, value] of Object.entries(typed)) {
    assert.deepEqual(readNumber(text, SHARE), { value }, text);
  }
  assert.deepEqual(readNumber("65 536 Bytes", SIZE), { value: 65536 });
  assert.deepEqual(readNumber("-3", SIZE), { value: -3 });
});

test("nothing, words and half numbers are told what to type", () => {
  assert.equal(readNumber(" ", SHARE).problem, "Type a number between 0 and 100 %.");
  assert.equal(readNumber("%", SHARE).problem, "Type a number between 0 and 100 %.");
  for (const text of ["many", "1.2.3", "5-6", "0x10", "Infinity", "1e", "--1", "."]) {
    assert.match(readNumber(text, SHARE).problem, /is not a number: type a number between/, text);
  }
});

test("a number out of range is told the range", () => {
  for (const text of ["100.5", "-1", "1e400"]) {
    assert.equal(
      readNumber(text, SHARE).problem,
      `${text} is out of range: type a number between 0 and 100 %.`,
    );
  }
  assert.match(readNumber("1e400", SIZE).problem, /out of range/);
});

test("a comma before three digits could mean two numbers", () => {
  assert.match(readNumber("65,536", SIZE).problem, /Type 65536 or 65\.536: a comma can be read/);
  assert.match(readNumber("1,000,000", SIZE).problem, /Type 1000000: /);
  assert.deepEqual(readNumber("65,53", SIZE), { value: 65.53 });
});
