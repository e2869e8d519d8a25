import assert from "node:assert/strict";
import { test } from "node:test";
import {
  counted,
  delayed,
  deliveryNote,
  peopleNotice,
  timeOfDay,
  typingNotice,
} from "../../labserver/widgets/wording.mjs";

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
  assert.equal(deliveryNote({ state: "received" }, true), "");
  assert.equal(deliveryNote({ state: "sending" }, true), "sending…");
  assert.equal(
    deliveryNote({ state: "sending", why: "six are taken" }, true),
    "sending… six are taken",
  );
  assert.equal(deliveryNote({ state: "sending" }, false), "waits for the connection");
  assert.equal(deliveryNote({ state: "sent", why: "kept" }, false), "kept");
  assert.equal(deliveryNote({ state: "failed", why: "too long" }, true), "not sent: too long");
  assert.equal(deliveryNote({ state: "sent", why: "kept" }, true), "kept");
});

test("a delay is read at a glance, and is never negative", () => {
  assert.deepEqual([-0.4, 2.6, 999, 1000, 59_900, 60_000, 7_200_000].map(delayed), [
    "+0 ms",
    "+3 ms",
    "+999 ms",
    "+1.0 s",
    "+59.9 s",
    "+1 min",
    "+120 min",
  ]);
});

test("a moment is a time of day, to a tenth of a second", () => {
  assert.equal(timeOfDay(new Date(2026, 11, 1, 9, 3, 5, 870)), "09:03:05.8");
});

test("without a connection nobody is said to be online", () => {
  const since = new Date(2026, 11, 1, 14, 3, 5).getTime();
  assert.equal(peopleNotice({ open: true, people: ["ada", "bob"], since }), "online: ada, bob");
  assert.equal(
    peopleNotice({ open: false, people: ["bob"], since }),
    "not connected since 14:03:05.0; online then: bob",
  );
  assert.equal(peopleNotice({ open: false, people: [], since }), "not connected since 14:03:05.0");
  assert.equal(peopleNotice({ open: false, people: [], since: 0 }), "not connected yet");
});
