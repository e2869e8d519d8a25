import assert from "node:assert/strict";
import { test } from "node:test";
import { addressed } from "../../labserver/widgets/direct_message.mjs";

test("what is typed goes to the room", () => {
  assert.deepEqual(addressed("hi"), { to: "", content: "hi" });
});

test("/dm NAME text goes to one person, line breaks included", () => {
  assert.deepEqual(addressed("/dm bob one\ntwo"), { to: "bob", content: "one\ntwo" });
});

test("/dm without a valid name or without a text goes to nobody", () => {
  for (const text of ["/dm", "/dm bob", "/dm b/o/b hi", `/dm ${"x".repeat(65)} hi`]) {
    assert.equal(addressed(text), null);
  }
});

test("/dm that is not the first word is text", () => {
  for (const text of ["say /dm bob hi", "/dmitri bob hi"]) {
    assert.deepEqual(addressed(text), { to: "", content: text });
  }
});
