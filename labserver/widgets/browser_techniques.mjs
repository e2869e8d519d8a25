// How the chat travels between a browser and a server: over WebSocket, EventSource or fetch. Each
// is one function, which connects, hands what arrives to the client, and throws when that ends.

import { GaveUp, Lost } from "./browser_failures.mjs";

const POLL_INTERVAL_MS = 1000;
const WAIT_S = 25; // how long the server may hold a long poll
export const ANSWER_MS = 10_000; // for a response that the server does not hold back
const STREAMED = ["CHAT_MESSAGE", "TYPING_START", "TYPING_STOP", "PRESENCE", "RESET", "ERROR"];

function overWebSocket(client, { base, ticket, signal }) {
  return new Promise((_, end) => {
    const query = client.query({ ticket, hello: "1" });
    const socket = new WebSocket(`${base.replace(/^http/, "ws")}/ws/chat?${query}`);
    client.requests += 1;
    socket.onopen = () => client.opened((json) => socket.send(json));
    socket.onmessage = ({ data }) => client.hear(JSON.parse(data));
    socket.onclose = ({ code, reason }) => {
      end(new Lost(`closed with ${code} ${reason}`.trim(), code));
    };
    signal.addEventListener("abort", () => socket.close(1000));
  });
}

function overEventSource(client, { base, token, signal }) {
  return new Promise((_, end) => {
    const source = new EventSource(`${base}/events?${client.query({ token })}`);
    client.requests += 1;
    let answered = client.waits(base);
    source.onopen = () => {
      answered();
      client.opened((json, id) => client.post(base, token, json, id));
    };
    for (const type of STREAMED) {
      source.addEventListener(type, ({ data, lastEventId }) => {
        client.hear(JSON.parse(data), lastEventId);
      });
    }
    source.onerror = () => {
      answered();
      if (source.readyState === EventSource.CLOSED) {
        end(new GaveUp("EventSource gave up: the response was not an event stream"));
        return;
      }
      client.requests += 1;
      answered = client.waits(base);
      client.paused("the stream ended; EventSource reconnects by itself");
    };
    signal.addEventListener("abort", () => {
      answered();
      source.close();
      end(signal.reason);
    });
  });
}

async function overLongPolling(client, { base, token, signal }) {
  let query = { hello: "1" }; // the first request is answered at once
  for (;;) {
    const answer = await client.poll(base, token, query, {}, ANSWER_MS + 1000 * WAIT_S, signal);
    client.opened((json, id) => client.post(base, token, json, id));
    await client.read(answer);
    query = { wait: WAIT_S };
  }
}

async function overShortPolling(client, { base, token, signal }) {
  for (;;) {
    const known = client.cursor === null ? {} : { "If-None-Match": `"${client.cursor}"` };
    const answer = await client.poll(base, token, {}, known, ANSWER_MS, signal);
    client.opened((json, id) => client.post(base, token, json, id));
    await client.read(answer);
    await pause(POLL_INTERVAL_MS, signal);
  }
}

function pause(ms, signal) {
  return new Promise((done, end) => {
    const stop = () => end(signal.reason);
    signal.addEventListener("abort", stop);
    setTimeout(() => {
      signal.removeEventListener("abort", stop);
      done();
    }, ms);
  });
}

export const TECHNIQUES = {
  websocket: {
    travel: overWebSocket,
    receipts: true, // direct messages are acknowledged; a poll's cursor does that by itself
    credential: "a ticket in the URL, valid once",
    why: "WebSocket cannot set headers",
  },
  sse: {
    travel: overEventSource,
    holds: true, // it keeps a connection busy over HTTP/1.1
    receipts: true,
    credential: "the token in the URL",
    why: "EventSource cannot set headers, and reconnects to the same URL; a ticket is valid only once",
  },
  long_polling: {
    travel: overLongPolling,
    holds: true,
    credential: "the token in the Authorization header",
    why: "fetch can set headers",
  },
  short_polling: {
    travel: overShortPolling,
    credential: "the token in the Authorization header",
    why: "fetch can set headers",
  },
};
