import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readTyped } from "../../labserver/widgets/commands.mjs";

const CASES = JSON.parse(readFileSync(new URL("typed.json", import.meta.url), "utf-8"));

for (const { typed, done } of CASES) {
  test(`what becomes of ${JSON.stringify(typed)}`, () => {
    assert.deepEqual(readTyped(typed), done);
  });
}
