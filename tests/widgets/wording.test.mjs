import assert from "node:assert/strict";
import { test } from "node:test";
import { counted, deliveryNote, typingNotice } from "../../labserver/widgets/wording.mjs";

test("a count has its noun in the right number", () => {
  assert.deepEqual(
    [0, 1, 2000].map((n) => counted(n, "byte")),
    ["0 bytes", "1 byte", "2,000 bytes"],
  );
});

test("up to three people who are typing are named", () => {
  assert.equal(typingNotice([]), "");
  assert.equal(typingNotice(["bob"]), "bob is typing…");
  assert.equal(typingNotice(["bob", "carol", "dave"]), "bob, carol, dave are typing…");
  assert.equal(typingNotice(["a", "b", "c", "d"]), "4 people are typing…");
});

test("a line says what became of it", () => {
  assert.equal(deliveryNote({ state: "received" }), "");
  assert.equal(deliveryNote({ state: "sending" }), "sending…");
  assert.equal(deliveryNote({ state: "failed", why: "too long" }), "not sent: too long");
  assert.equal(deliveryNote({ state: "sent", why: "kept" }), "kept");
});
