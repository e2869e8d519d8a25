// The client, which is the same for every technique: it reconnects, resumes, and sends a message
// again until the server has answered. It draws nothing, and knows no document; the times in its
// log are those of performance.now().

import { BACKOFF_BASE_MS, Backoff } from "./backoff.mjs";
import { ByHand, failureOf, GaveUp, Lost, Refused, Untrusted } from "./browser_failures.mjs";
import { holdConnection, poolIsFull, waitingFor } from "./browser_route.mjs";
import { ANSWER_MS } from "./browser_techniques.mjs";
import { readTyped } from "./commands.mjs";

const PROBE_MS = 3000;
const ECHO_MS = 5000; // for a message that was accepted to come back from the room
const SLOW_MS = 1500; // after this long without an answer the pane says what it waits for
const POOL_MS = 60_000; // for a connection that others of the page hold
const REPORT_MS = 150; // the log goes to Python in batches
const LINES_MAX = 200;
const SEEN_MAX = 10_000;
const SKIPPED = "skipped: its certificate was not accepted";

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(8)); // randomUUID is for https only
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * One user's client in one room; it connects at once.
 *
 * @param technique one of TECHNIQUES.
 * @param url the server's URL, as the kernel knows it.
 * @param routes where to look for the server, as `routesTo` returns them.
 * @param token returns a promise of a JWT, for each connection a new one.
 * @param report gets the rows of the log, in batches.
 * @param changed is called when there is something new to draw.
 */
export class BrowserClient {
  constructor({ user, room, technique, url, routes, token, report, changed }) {
    Object.assign(this, { user, room, technique, url, routes, report, changed });
    this.newToken = token;
    this.backoff = new Backoff();
    this.session = newId();
    this.state = "connecting"; // open, waiting, closed (by hand, or EventSource gave up), refused
    this.reason = "";
    this.byHand = false; // whether it is closed because somebody pressed Disconnect
    this.untrusted = false; // whether the browser may not have accepted the certificate
    this.skipped = false; // whether somebody did not want to accept it
    this.since = 0; // when it was last open, in milliseconds since 1970
    this.retryAt = 0;
    this.retry = 0;
    this.route = null;
    this.cursor = null;
    this.epoch = null;
    this.lines = [];
    this.people = new Set();
    this.pending = new Map(); // id → what was sent and is not answered yet
    this.seen = new Set(); // messages that were heard: "SENDER ID"
    this.waiting = new Set(); // for what no answer has come for a while, by server
    this.rows = [];
    this.requests = 0;
    this.sent = this.received = 0; // messages that the server has accepted, and those of others
    this.roundTrip = null; // ms, from sending a message to hearing it
    this.speak = null; // sends JSON; null unless the connection is open
    this.ended = false;
    this.connect = () => {};
    this.run();
  }

  say(text) {
    const { to, content, hint, problem } = readTyped(text);
    if (content === undefined) {
      this.add({ who: "", text: hint ?? problem, state: hint ? "hint" : "notice" });
      return;
    }
    const id = newId();
    const data = { content, id, ...(to && { recipientId: to }) };
    const line = { id, who: this.user, to, text: content, state: "sending", said: Date.now() };
    this.add(line);
    this.pending.set(id, { line, json: JSON.stringify({ type: "CHAT_MESSAGE", data }) });
    this.deliver(id);
  }

  /** Leave the room, and stay away until `connect` is called. */
  disconnect() {
    this.stop.abort(new ByHand());
  }

  /** Do without the server, whose certificate the reader does not want to accept. */
  skip() {
    this.skipped = true;
    if (this.state !== "waiting") return;
    clearTimeout(this.retry);
    this.become("closed", SKIPPED);
  }

  /** Leave the room for good. */
  end(reason = "") {
    this.become("closed", reason);
    this.ended = true;
    this.disconnect();
    this.connect();
  }

  // The connection's life

  async run() {
    while (!this.ended) {
      this.stop = new AbortController();
      const began = performance.now();
      const thrown = await this.live(this.stop.signal).catch((error) => error);
      this.speak = null;
      const error = this.stop.signal.reason ?? thrown;
      const reason = error.message;
      this.log("closed", { code: thrown instanceof Lost ? thrown.code : null, detail: reason });
      const lasted = performance.now() - began;
      this.byHand = error instanceof ByHand;
      this.untrusted = error instanceof Untrusted;
      await new Promise((again) => {
        this.connect = () => {
          this.skipped = false;
          again();
        };
        if (this.ended) again();
        else if (error instanceof Refused) this.become("refused", reason);
        else if (error instanceof GaveUp) this.become("closed", reason);
        else if (this.skipped) this.become("closed", SKIPPED);
        else {
          const delay = this.backoff.delayAfter(lasted);
          this.retryAt = performance.now() + delay;
          this.become("waiting", reason);
          this.retry = setTimeout(again, delay);
        }
      });
    }
  }

  /** One connection, from the search for the server until it ends, which is always an error. */
  async live(signal) {
    this.become("connecting");
    const token = await this.newToken();
    const { route, ticket } = await this.find(token, signal);
    this.route = route;
    const release = holdConnection(route, this.technique);
    try {
      await this.technique.travel(this, { base: route.base, token, ticket, signal });
    } finally {
      release();
    }
  }

  /** Find the first route that leads to our server, which is the one that gives us a ticket. */
  async find(token, signal) {
    const tried = [];
    for (const route of this.routes) {
      const headers = { Authorization: `Bearer ${token}` };
      try {
        const init = { method: "POST", headers };
        const answer = await this.ask(`${route.base}/tickets`, init, PROBE_MS, signal);
        return { route, ticket: (await answer.json()).ticket };
      } catch (error) {
        if (error instanceof Refused) this.route = route;
        if (error instanceof Refused || signal.aborted) throw error;
        tried.push(`${route.name}: ${error.message}`);
      }
    }
    if (tried.length === 0) {
      throw new GaveUp(
        "A server with tls=True can only be reached from a browser on the kernel's machine.",
      );
    }
    if (this.url.startsWith("https:")) {
      throw new Untrusted(`Open ${this.url}/healthz in another tab, and accept its certificate.`);
    }
    throw new Lost(`The server was not found: ${tried.join("; ")}.`);
  }

  opened(speak) {
    if (this.speak !== null) return;
    this.speak = speak;
    this.people = new Set();
    this.untrusted = this.byHand = false;
    this.become("open");
    this.log("opened", { detail: `${this.route.name}, with ${this.technique.credential}` });
    for (const id of this.pending.keys()) this.deliver(id);
  }

  /** Note that the connection is lost for a moment, and comes back without our help. */
  paused(reason) {
    if (this.speak !== null) this.log("closed", { detail: reason });
    this.speak = null;
    this.become("connecting", reason);
  }

  become(state, reason = "") {
    if (this.ended) return;
    if (this.state === "open" && state !== "open") this.since = Date.now();
    this.state = state;
    this.reason = reason;
    this.changed();
  }

  // HTTP

  query(more) {
    const after = this.cursor === null ? {} : { after: this.cursor };
    return new URLSearchParams({ room: this.room, ...after, ...more });
  }

  /**
   * Say what is waited for, should it take long.
   *
   * @param id of the message that is on its way, if it is one.
   * @returns the function to call when the waiting is over.
   */
  waits(base, id = null) {
    const wait = { base };
    const timer = setTimeout(() => {
      this.waiting.add(wait);
      this.remark(id, poolIsFull(base) ? "no connection is free" : "no answer yet");
    }, SLOW_MS);
    return () => {
      clearTimeout(timer);
      if (this.waiting.delete(wait)) this.remark(id, "");
    };
  }

  /** What it waits for, in a few words; empty unless that takes long. */
  get waitsFor() {
    const [wait] = this.waiting;
    return wait === undefined ? "" : waitingFor(wait.base);
  }

  async ask(url, init, timeoutMs, signal, { held = false, id = null } = {}) {
    const request = `${init.method ?? "GET"} ${new URL(url).pathname.split("/").pop()}`;
    this.requests += 1;
    this.log("asked", { detail: request });
    const patience = poolIsFull(url) ? Math.max(POOL_MS, timeoutMs) : timeoutMs;
    const until = AbortSignal.any([signal, AbortSignal.timeout(patience)]);
    const answered = held ? () => {} : this.waits(url, id);
    const answer = await fetch(url, { ...init, signal: until })
      .catch(() => {
        throw new Lost(`no answer to ${request}`);
      })
      .finally(answered);
    this.log("answered", { code: answer.status, detail: request });
    if (answer.ok || answer.status === 304) return answer;
    throw await failureOf(answer);
  }

  poll(base, token, query, known, timeoutMs, signal) {
    const headers = { Authorization: `Bearer ${token}`, ...known };
    const asked = this.query({ session: this.session, ...query });
    const held = "wait" in query; // the server answers when there is something to tell
    return this.ask(`${base}/messages?${asked}`, { headers }, timeoutMs, signal, { held });
  }

  async read(answer) {
    if (answer.status !== 200) return; // 204, 304: nothing new
    const { events, cursor } = await answer.json();
    for (const event of events) this.hear(event);
    this.cursor = cursor;
  }

  async post(base, token, json, id) {
    const url = `${base}/messages?${new URLSearchParams({ room: this.room })}`;
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
    const init = { method: "POST", headers, body: json };
    try {
      const answer = await this.ask(url, init, ANSWER_MS, this.stop.signal, { id });
      this.expectEcho(id, this.stop);
      this.hear(await answer.json());
    } catch (error) {
      if (error instanceof Refused) this.settle(id, "failed", error.message);
      // Nobody knows whether it arrived. The server recognises a second copy by the message's id.
      else setTimeout(() => this.deliver(id), BACKOFF_BASE_MS * (1 + Math.random()));
    }
  }

  /** A proxy may lose the server without telling us, so what we send must come back to us. */
  expectEcho(id, stop) {
    if (!this.pending.has(id) || this.pending.get(id).line.to) return;
    setTimeout(() => {
      if (!this.seen.has(`${this.user} ${id}`)) stop.abort(new Lost("nothing arrives any more"));
    }, ECHO_MS);
  }

  // What is said and heard

  deliver(id) {
    const said = this.pending.get(id);
    if (said === undefined || this.speak === null) return;
    said.line.sentAt = performance.now();
    this.log("sent", { id });
    this.speak(said.json, id);
  }

  hear({ type, data = {}, offset = null, ts = "" }, cursor = "") {
    if (type === "HELLO") {
      this.epoch = data.cursor.split("-")[0];
      this.cursor ??= data.cursor; // a cursor that we have stays valid until a RESET
      return;
    }
    if (type === "ACK") {
      this.log("acked", { id: data.id, offset: data.offset });
      const why =
        data.status === "queued" ? `kept for ${this.recipient(data.id)}, who was offline` : "";
      this.settle(data.id, "sent", why);
      return;
    }
    this.log("received", { id: data.id ?? "", offset, detail: type });
    if (type === "RESET") this.cursor = `${data.epoch}-${data.newest}`;
    else if (cursor) this.cursor = cursor;
    else if (offset !== null && this.epoch !== null) this.cursor = `${this.epoch}-${offset}`;
    if (type === "CHAT_MESSAGE") this.hearMessage(data, offset, ts);
    else if (type === "RESET")
      this.notice("Some messages are missing: the server no longer has them.");
    else if (type === "PRESENCE" && data.status === "online") this.people.add(data.userId);
    else if (type === "PRESENCE") this.people.delete(data.userId);
    else if (type === "ERROR" && data.retryAfter) {
      setTimeout(() => this.deliver(data.id), 1000 * data.retryAfter);
    } else if (type === "ERROR" && this.pending.has(data.id)) {
      this.settle(data.id, "failed", data.message);
    } else if (type === "ERROR") this.notice(data.message);
  }

  hearMessage({ id, senderId, content, recipientId = "" }, offset, ts) {
    if (recipientId && offset && this.technique.receipts) {
      this.speak?.(JSON.stringify({ type: "ACK", data: { offset } })); // so it leaves the mailbox
    }
    const key = `${senderId} ${id}`;
    if (this.seen.has(key)) return;
    this.seen.add(key);
    if (this.seen.size > SEEN_MAX) this.seen.delete(this.seen.values().next().value);
    const own = this.lines.find((line) => line.sentAt && line.id === id && senderId === this.user);
    if (own) this.roundTrip = performance.now() - own.sentAt;
    else this.received += 1;
    this.lines = this.lines.filter((line) => line !== own); // it moves to its place in the room
    this.settle(id, "sent");
    // The server's clock is this machine's only if it is reached directly.
    const otherClock = this.route?.name !== "direct";
    const heard = { id, who: senderId, to: recipientId, text: content, state: "received" };
    this.add({ ...heard, ts, said: own?.said, at: Date.now(), otherClock });
  }

  recipient(id) {
    return this.pending.get(id)?.line.to ?? "";
  }

  /** Put a remark behind a message that is on its way. */
  remark(id, why) {
    const said = this.pending.get(id);
    if (said !== undefined) {
      const line = { ...said.line, why };
      this.lines = this.lines.map((one) => (one === said.line ? line : one));
      said.line = line;
    }
    this.changed();
  }

  settle(id, state, why = "") {
    const said = this.pending.get(id);
    if (said === undefined) return;
    this.pending.delete(id);
    if (state === "sent") this.sent += 1;
    const settled = { ...said.line, state, why, ...(state === "sent" && { at: Date.now() }) };
    this.lines = this.lines.map((line) => (line === said.line ? settled : line));
    this.changed();
  }

  notice(text) {
    this.add({ who: "", text, state: "notice" });
  }

  add(line) {
    this.lines = [...this.lines, line].slice(-LINES_MAX);
    this.changed();
  }

  log(what, { id = "", offset = null, code = null, detail = "" } = {}) {
    if (this.rows.length === 0) setTimeout(() => this.report(this.rows.splice(0)), REPORT_MS);
    this.rows.push([performance.now(), what, id, offset, code, detail]);
    this.changed();
  }
}
