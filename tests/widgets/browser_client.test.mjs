import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { test } from "node:test";
import { BrowserClient } from "../../labserver/widgets/browser_client.mjs";
import { Lost } from "../../labserver/widgets/browser_failures.mjs";

globalThis.crypto ??= webcrypto; // Node 18 has it in a module only

const immediately = globalThis.setImmediate; // before a test replaces the timers
const settled = () => new Promise((resolve) => immediately(resolve));
const DIRECT = { name: "direct", base: "http://127.0.0.1:4711" };
const PROXY = { name: "through the proxy", base: "https://hub.example.org/proxy/4711" };

/**
 * A client whose technique, server and clock the test plays.
 *
 * Each connection that it makes is in `connections`: `end` ends it, `said` is what was sent on it.
 */
async function begin(t, { fetch, routes = [DIRECT], url = DIRECT.base } = {}) {
  let now = 1000;
  t.mock.timers.enable();
  t.mock.method(performance, "now", () => now);
  t.mock.method(Date, "now", () => now);
  t.mock.method(Math, "random", () => 1);
  t.mock.method(globalThis, "fetch", fetch ?? (async () => Response.json({ ticket: "t1" })));
  const connections = [];
  const logged = [];
  const technique = {
    credential: "a ticket",
    receipts: true,
    travel: (_client, connection) =>
      new Promise((_resolve, end) => {
        connections.push({ ...connection, end, said: [] });
        connection.signal.addEventListener("abort", () => end(connection.signal.reason));
      }),
  };
  const client = new BrowserClient({
    user: "alice",
    room: "lobby",
    technique,
    url,
    routes,
    token: async () => "a JWT",
    report: (rows) => logged.push(...rows),
    changed: () => {},
  });
  t.after(() => client.end());
  const open = async () => {
    await settled();
    const connection = connections.at(-1);
    client.opened((json) => connection.said.push(JSON.parse(json)));
    client.hear({ type: "HELLO", data: { cursor: "e-7" } });
    return connection;
  };
  const tick = (ms) => {
    now += ms;
    t.mock.timers.tick(ms);
  };
  return { client, connections, logged, open, tick };
}

function shown(client) {
  return client.lines.map(({ who, text, state }) => [who, text, state]);
}

test("it shows a token for a ticket, connects with it, and is open", async (t) => {
  const { client, connections, open } = await begin(t);
  await open();
  const [url, { method, headers }] = globalThis.fetch.mock.calls[0].arguments;
  assert.equal(url, `${DIRECT.base}/tickets`);
  assert.deepEqual([method, headers.Authorization], ["POST", "Bearer a JWT"]);
  assert.equal(connections[0].ticket, "t1");
  assert.deepEqual([client.state, client.route], ["open", DIRECT]);
});

test("an incomplete direct message is sent to nobody, and the pane says so", async (t) => {
  const { client, open } = await begin(t);
  const connection = await open();
  client.say("/dm bob");
  assert.deepEqual(connection.said, []);
  const text = "Nothing was sent: write /dm, the name of one person, and the text.";
  assert.deepEqual(shown(client), [["", text, "notice"]]);
});

test("a message is sent at once, and is sent once the server has answered", async (t) => {
  const { client, open } = await begin(t);
  const connection = await open();
  client.say("hi");
  const [{ type, data }] = connection.said;
  assert.deepEqual([type, data.content], ["CHAT_MESSAGE", "hi"]);
  assert.deepEqual(shown(client), [["alice", "hi", "sending"]]);
  client.hear({ type: "ACK", data: { id: data.id, offset: 8, status: "delivered" } });
  assert.deepEqual(shown(client), [["alice", "hi", "sent"]]);
});

test("what was said while offline is sent as soon as a connection is open", async (t) => {
  const { client, open } = await begin(t);
  client.say("early");
  const connection = await open();
  assert.deepEqual(
    connection.said.map(({ data }) => data.content),
    ["early"],
  );
  assert.equal(client.sent, 0, "nobody has confirmed it yet");
  client.hear({ type: "ACK", data: { id: connection.said[0].data.id, status: "delivered" } });
  assert.equal(client.sent, 1);
});

test("how long our message took counts from when it was written, not from when it was sent", async (t) => {
  const { client, open, tick } = await begin(t);
  client.say("early");
  tick(3000);
  const connection = await open();
  tick(40);
  const { id } = connection.said[0].data;
  const data = { id, senderId: "alice", content: "early" };
  client.hear({ type: "CHAT_MESSAGE", offset: 9, data });
  const [{ said, at }] = client.lines;
  assert.equal(at - said, 3040);
});

test("our message moves to where the room has it, is shown once, and its round trip is known", async (t) => {
  const { client, open, tick } = await begin(t);
  const connection = await open();
  client.say("hi");
  const { id } = connection.said[0].data;
  tick(40);
  client.hear({
    type: "CHAT_MESSAGE",
    offset: 8,
    data: { id: "b1", senderId: "bob", content: "1" },
  });
  for (const _ of [1, 2]) {
    client.hear({
      type: "CHAT_MESSAGE",
      offset: 9,
      data: { id, senderId: "alice", content: "hi" },
    });
  }
  assert.deepEqual(shown(client), [
    ["bob", "1", "received"],
    ["alice", "hi", "received"],
  ]);
  assert.equal(client.roundTrip, 40);
});

test("after a cut it waits, connects again, resumes from its cursor, and sends again", async (t) => {
  const { client, connections, open, tick } = await begin(t);
  const first = await open();
  client.hear({ type: "PRESENCE", offset: 8, data: { userId: "bob", status: "online" } });
  client.say("hi");
  first.end(new Lost("closed with 1006", 1006));
  await settled();
  assert.deepEqual([client.state, client.reason], ["waiting", "closed with 1006"]);
  tick(249);
  await settled();
  assert.equal(connections.length, 1);
  tick(1);
  const second = await open();
  assert.equal(client.query({}).get("after"), "e-8");
  assert.deepEqual(second.said, first.said);
});

test("a server that is away is tried again, each time after a longer delay", async (t) => {
  const failing = async () => {
    throw new TypeError("fetch failed");
  };
  const { client, tick } = await begin(t, { fetch: failing });
  for (const delay of [250, 500, 1000]) {
    await settled();
    assert.equal(client.state, "waiting");
    assert.match(client.reason, /^The server was not found: direct: no answer to POST tickets/);
    const before = client.requests;
    tick(delay - 1);
    await settled();
    assert.equal(client.requests, before);
    tick(1);
    await settled();
    assert.equal(client.requests, before + 1);
  }
});

test("where one route leads nowhere the next is taken", async (t) => {
  const fetch = async (url) =>
    url.startsWith(PROXY.base) ? Response.json({ ticket: "t2" }) : Response.error();
  const { client, open } = await begin(t, { fetch, routes: [DIRECT, PROXY] });
  const connection = await open();
  assert.equal(client.route, PROXY);
  assert.deepEqual([connection.base, connection.ticket], [PROXY.base, "t2"]);
});

test("without any route it says so and does not try again", async (t) => {
  const { client, connections, tick } = await begin(t, { routes: [] });
  await settled();
  assert.equal(client.state, "closed");
  assert.match(client.reason, /tls=True/);
  tick(60_000);
  await settled();
  assert.equal(connections.length, 0);
});

test("a client that is refused stays so until somebody connects again", async (t) => {
  let status = 401;
  const fetch = async () =>
    status === 401
      ? Response.json({ data: { code: "expired", message: "The token has expired." } }, { status })
      : Response.json({ ticket: "t1" });
  const { client, open, tick } = await begin(t, { fetch });
  await settled();
  assert.deepEqual([client.state, client.reason], ["refused", "The token has expired."]);
  tick(60_000);
  await settled();
  assert.equal(client.requests, 1);
  status = 200;
  client.connect();
  await open();
  assert.equal(client.state, "open");
});

test("disconnected by hand it stays away; ended, it cannot come back", async (t) => {
  const { client, connections, open, tick } = await begin(t);
  await open();
  client.disconnect();
  await settled();
  assert.deepEqual([client.state, client.reason], ["closed", "disconnected by you"]);
  client.connect();
  await open();
  client.end("the cell was run again");
  await settled();
  client.connect();
  tick(60_000);
  await settled();
  assert.equal(connections.length, 2);
  assert.deepEqual([client.state, client.reason], ["closed", "the cell was run again"]);
});

test("a direct message is acknowledged, so that it leaves the mailbox", async (t) => {
  const { client, open } = await begin(t);
  const connection = await open();
  const data = { id: "b1", senderId: "bob", content: "psst", recipientId: "alice" };
  client.hear({ type: "CHAT_MESSAGE", offset: 12, data });
  assert.deepEqual(connection.said, [{ type: "ACK", data: { offset: 12 } }]);
});

test("after a RESET it says what happened and reads on from the newest offset", async (t) => {
  const { client, open } = await begin(t);
  await open();
  client.hear({ type: "RESET", data: { epoch: "f", oldest: 1, newest: 3 } });
  assert.equal(client.query({}).get("after"), "f-3");
  assert.deepEqual(
    client.lines.map(({ state }) => state),
    ["notice"],
  );
});

test("a message over the rate limit is sent again when the server says", async (t) => {
  const { client, open, tick } = await begin(t);
  const connection = await open();
  client.say("too fast");
  const { id } = connection.said[0].data;
  client.hear({ type: "ERROR", data: { code: "rate_limited", id, retryAfter: 2 } });
  tick(1999);
  assert.equal(connection.said.length, 1);
  tick(1);
  assert.equal(connection.said.length, 2);
  assert.equal(connection.said[1].data.id, id);
});

test("a message that the server does not accept says why", async (t) => {
  const { client, open } = await begin(t);
  const connection = await open();
  client.say("x".repeat(5000));
  const { id } = connection.said[0].data;
  client.hear({ type: "ERROR", data: { code: "too_long", id, message: "Too long." } });
  assert.deepEqual(
    client.lines.map(({ state, why }) => [state, why]),
    [["failed", "Too long."]],
  );
});

test("a message that was accepted but does not come back means that the stream is dead", async (t) => {
  const { client, open, tick } = await begin(t);
  const connection = await open();
  client.say("hello?");
  const [said] = connection.said;
  t.mock.method(globalThis, "fetch", async () =>
    Response.json({ type: "ACK", data: { id: said.data.id, offset: 9, status: "delivered" } }),
  );
  await client.post(DIRECT.base, "a JWT", JSON.stringify(said), said.data.id);
  tick(5000);
  await settled();
  assert.deepEqual([client.state, client.reason], ["waiting", "nothing arrives any more"]);
});

test("a post that the server refuses fails its message", async (t) => {
  const { client, open } = await begin(t);
  const connection = await open();
  client.say("hi");
  const [said] = connection.said;
  t.mock.method(globalThis, "fetch", async () =>
    Response.json({ data: { code: "bad_name", message: "No such name." } }, { status: 400 }),
  );
  await client.post(DIRECT.base, "a JWT", JSON.stringify(said), said.data.id);
  assert.deepEqual(
    client.lines.map(({ state, why }) => [state, why]),
    [["failed", "No such name."]],
  );
});

test("a message that no connection is free for says so, and goes out once one is", async (t) => {
  const { client, open, tick } = await begin(t);
  await open();
  client.say("hi");
  const [{ id }] = client.lines;
  let answer;
  t.mock.method(
    globalThis,
    "fetch",
    () =>
      new Promise((done) => {
        answer = done;
      }),
  );
  const posted = client.post(DIRECT.base, "a JWT", "{}", id);
  tick(1499);
  assert.equal(client.waitsFor, "");
  tick(1);
  assert.equal(client.waitsFor, "no answer yet from 127.0.0.1:4711");
  assert.equal(client.lines[0].why, "no answer yet");
  answer(Response.json({ type: "ACK", data: { id, offset: 8, status: "delivered" } }));
  await posted;
  assert.deepEqual([client.waitsFor, client.lines[0].state, client.lines[0].why], ["", "sent", ""]);
});

test("a server whose certificate is not wanted is skipped until somebody connects", async (t) => {
  const url = "https://127.0.0.1:4711";
  const failing = async () => {
    throw new TypeError("fetch failed");
  };
  const routes = [{ name: "direct", base: url }];
  const { client, tick } = await begin(t, { fetch: failing, routes, url });
  await settled();
  assert.deepEqual([client.state, client.untrusted], ["waiting", true]);
  assert.match(client.reason, /accept its certificate/);
  client.skip();
  tick(60_000);
  await settled();
  assert.deepEqual([client.state, client.requests], ["closed", 1]);
  client.connect();
  await settled();
  assert.deepEqual([client.state, client.requests], ["waiting", 2]);
});

test("what is said and heard has the time at which that was here", async (t) => {
  const { client, open } = await begin(t);
  const connection = await open();
  const before = Date.now();
  const data = { id: "b1", senderId: "bob", content: "psst", recipientId: "alice" };
  client.hear({ type: "CHAT_MESSAGE", offset: 12, data, ts: "2026-12-01T10:00:00.000Z" });
  client.say("/dm bob hush");
  const { id } = connection.said.at(-1).data;
  client.hear({ type: "ACK", data: { id, offset: 13, status: "queued" } });
  const [heard, said] = client.lines;
  assert.ok(heard.at >= before && said.at >= heard.at);
  assert.deepEqual([heard.otherClock, said.why], [false, "kept for bob, who was offline"]);
  assert.deepEqual([client.sent, client.received], [1, 1]);
});

test("the log is reported in batches, each row with its time", async (t) => {
  const { client, logged, open, tick } = await begin(t);
  await open();
  tick(100);
  client.say("hi");
  assert.deepEqual(logged, []);
  tick(50);
  assert.deepEqual(
    logged.map(([ms, what]) => [ms, what]),
    [
      [1000, "asked"],
      [1000, "answered"],
      [1000, "opened"],
      [1100, "sent"],
    ],
  );
});
