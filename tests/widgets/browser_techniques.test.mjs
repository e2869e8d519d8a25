import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { GaveUp, Lost } from "../../labserver/widgets/browser_failures.mjs";
import { ANSWER_MS, TECHNIQUES } from "../../labserver/widgets/browser_techniques.mjs";

const BASE = "http://127.0.0.1:4711";
const immediately = globalThis.setImmediate; // before a test replaces the timers
const settled = () => new Promise((resolve) => immediately(resolve));

/** What a technique uses of a client; it writes down how it is used. */
class Client {
  constructor() {
    this.requests = 0;
    this.cursor = null;
    this.polls = [];
    this.heard = [];
    this.pauses = [];
    this.speak = null;
    this.waiting = 0;
  }

  waits() {
    this.waiting += 1;
    let over = false;
    return () => {
      this.waiting -= over ? 0 : 1;
      over = true;
    };
  }

  query(more) {
    return new URLSearchParams({ room: "lobby", ...more });
  }

  opened(speak) {
    this.speak = speak;
  }

  paused(reason) {
    this.pauses.push(reason);
  }

  hear(event, cursor = "") {
    this.heard.push([event.type, cursor]);
  }

  async poll(_base, _token, query, headers, timeoutMs) {
    if (this.polls.length === 3) throw new Lost("no answer");
    this.polls.push({ query, headers, timeoutMs });
    return this.polls.length;
  }

  async read(answer) {
    this.cursor = `e-${answer}`;
  }
}

/** The browser's WebSocket or EventSource; the test plays the other end. */
class Connection {
  static CLOSED = 2;

  constructor(url) {
    this.url = new URL(url);
    this.listeners = {};
    this.sent = [];
    Connection.last = this;
  }

  addEventListener(type, listener) {
    this.listeners[type] = listener;
  }

  send(text) {
    this.sent.push(text);
  }

  close(code) {
    this.closed = true;
    this.onclose?.({ code, reason: "" });
  }
}

function travel(name) {
  const client = new Client();
  const stop = new AbortController();
  const connection = { base: BASE, token: "a JWT", ticket: "t1", signal: stop.signal };
  const ended = TECHNIQUES[name].travel(client, connection).catch((error) => error);
  return { client, stop, ended };
}

afterEach(() => {
  delete globalThis.EventSource;
});

test("a WebSocket carries the ticket, speaks both ways, and ends with its close code", async (t) => {
  const { WebSocket } = globalThis; // newer versions of Node have one
  globalThis.WebSocket = Connection;
  t.after(() => {
    globalThis.WebSocket = WebSocket;
  });
  const { client, ended } = travel("websocket");
  const socket = Connection.last;
  assert.equal(socket.url.href, "ws://127.0.0.1:4711/ws/chat?room=lobby&ticket=t1&hello=1");
  socket.onopen();
  client.speak('{"type":"PING"}');
  assert.deepEqual(socket.sent, ['{"type":"PING"}']);
  socket.onmessage({ data: '{"type":"PONG"}' });
  assert.deepEqual(client.heard, [["PONG", ""]]);
  socket.onclose({ code: 1013, reason: "too slow" });
  const error = await ended;
  assert.deepEqual([error.constructor, error.code], [Lost, 1013]);
  assert.equal(error.message, "closed with 1013 too slow");
});

test("an EventSource hands over each event with its id, and says when it reconnects", async () => {
  globalThis.EventSource = Connection;
  const { client, stop, ended } = travel("sse");
  const source = Connection.last;
  assert.equal(source.url.searchParams.get("token"), "a JWT");
  source.listeners.CHAT_MESSAGE({ data: '{"type":"CHAT_MESSAGE"}', lastEventId: "e-3" });
  assert.deepEqual(client.heard, [["CHAT_MESSAGE", "e-3"]]);
  source.readyState = 0;
  source.onerror();
  assert.deepEqual([client.pauses.length, client.requests], [1, 2]);
  assert.equal(client.waiting, 1);
  stop.abort(new GaveUp("by hand"));
  assert.equal((await ended).message, "by hand");
  assert.ok(source.closed);
  assert.equal(client.waiting, 0);
});

test("an EventSource that gave up is not tried again", async () => {
  globalThis.EventSource = Connection;
  const { ended } = travel("sse");
  Connection.last.readyState = Connection.CLOSED;
  Connection.last.onerror();
  assert.equal((await ended).constructor, GaveUp);
});

test("a first long poll is answered at once, and the next ones wait", async () => {
  const { client, ended } = travel("long_polling");
  assert.equal((await ended).message, "no answer");
  const queries = client.polls.map(({ query }) => query);
  assert.deepEqual(queries, [{ hello: "1" }, { wait: 25 }, { wait: 25 }]);
  assert.equal(client.polls[0].timeoutMs, ANSWER_MS + 25_000);
});

test("a short poll names what it has, so that the server may answer 304", async (t) => {
  t.mock.timers.enable();
  const { client, stop, ended } = travel("short_polling");
  await settled();
  t.mock.timers.tick(999);
  await settled();
  assert.equal(client.polls.length, 1);
  t.mock.timers.tick(1);
  await settled();
  const headers = client.polls.map((poll) => poll.headers);
  assert.deepEqual(headers, [{}, { "If-None-Match": '"e-1"' }]);
  stop.abort(new GaveUp("by hand"));
  assert.equal((await ended).message, "by hand");
});
