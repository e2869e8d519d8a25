import assert from "node:assert/strict";
import { test } from "node:test";
import {
  csv,
  MessageRows,
  PACKET_MS,
  PATIENCE_MS,
} from "../../labserver/widgets/inspector_rows.mjs";

/** As much of a widget's model as the rows use; the test plays the kernel. */
class Model {
  constructor(total = 0) {
    this.total = total;
    this.sent = [];
    this.listeners = new Map();
  }

  get(name) {
    return name === "total" ? this.total : undefined;
  }

  on(event, listener) {
    this.listeners.set(event, listener);
  }

  off(event, listener) {
    if (this.listeners.get(event) === listener) this.listeners.delete(event);
  }

  send(message) {
    this.sent.push(message);
  }

  push(start, end) {
    const rows = Array.from({ length: end - start }, (_, index) => [start + index]);
    this.listeners.get("msg:custom")({ start, rows });
  }

  grow(total) {
    this.total = total;
    this.listeners.get("change:total change:full")();
  }
}

function numbers(rows) {
  return rows.all.map(([number]) => number);
}

test("rows that are pushed in order are kept in order, and nothing is asked for", (t) => {
  t.mock.timers.enable();
  const model = new Model();
  const rows = new MessageRows(model);
  let draws = 0;
  rows.views.add(() => {
    draws += 1;
  });
  model.push(0, 2);
  model.push(2, 3);
  model.grow(3);
  t.mock.timers.tick(10 * PATIENCE_MS);
  assert.deepEqual(numbers(rows), [0, 1, 2]);
  assert.deepEqual(model.sent, []);
  assert.equal(draws, 3);
});

test("a packet after a gap is not used, and what is missing is asked for once", () => {
  const model = new Model();
  const rows = new MessageRows(model);
  model.push(0, 2);
  model.total = 6;
  model.push(4, 5);
  model.push(5, 6);
  assert.deepEqual(model.sent, [{ from: 2 }]);
  assert.deepEqual(numbers(rows), [0, 1]);
  rows.end();
});

test("rows that overlap with those that are here are kept once", () => {
  const model = new Model();
  const rows = new MessageRows(model);
  model.push(0, 3);
  model.push(1, 5);
  model.push(0, 5);
  assert.deepEqual(numbers(rows), [0, 1, 2, 3, 4]);
});

test("after a reload all rows are asked for, packet after packet", (t) => {
  t.mock.timers.enable();
  const model = new Model(5);
  const rows = new MessageRows(model);
  assert.deepEqual(model.sent, [{ from: 0 }]);
  model.push(0, 2);
  t.mock.timers.tick(PACKET_MS);
  model.push(2, 4);
  t.mock.timers.tick(PACKET_MS);
  model.push(4, 5);
  t.mock.timers.tick(10 * PATIENCE_MS);
  assert.deepEqual(model.sent, [{ from: 0 }, { from: 2 }, { from: 4 }]);
  assert.deepEqual(numbers(rows), [0, 1, 2, 3, 4]);
});

test("a packet that was dropped is noticed by the total; the patience doubles", (t) => {
  t.mock.timers.enable();
  const model = new Model();
  const rows = new MessageRows(model);
  model.grow(2);
  t.mock.timers.tick(PATIENCE_MS);
  assert.deepEqual(model.sent, [{ from: 0 }]);
  t.mock.timers.tick(PATIENCE_MS);
  assert.equal(model.sent.length, 1);
  t.mock.timers.tick(PATIENCE_MS);
  assert.equal(model.sent.length, 2);
  rows.end();
});

test("once it has ended it listens to nothing and asks for nothing", (t) => {
  t.mock.timers.enable();
  const model = new Model();
  const rows = new MessageRows(model);
  model.grow(1);
  rows.end();
  t.mock.timers.tick(10 * PATIENCE_MS);
  assert.deepEqual(model.sent, []);
  assert.equal(model.listeners.size, 0);
});

test("CSV keeps commas, quotation marks and line breaks", () => {
  const [head, row] = csv([[1, 'say "hi", twice\r\nplease']]).split(/\r\n(?=")/);
  assert.equal(head, "number,ms,connection,direction,kind,bytes,payload,summary,error");
  assert.equal(row, '"1","say ""hi"", twice\r\nplease"');
});
