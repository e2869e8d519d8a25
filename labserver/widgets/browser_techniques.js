// How a browser reaches a server of the lab, and how the chat travels from there: WebSocket,
// EventSource and fetch, each in one function, which connects, hands over what it hears, and
// fails when that ends.

const POLL_INTERVAL_MS = 1000;
const WAIT_S = 25; // how long the server may hold a long poll
const ANSWER_MS = 10_000; // for an answer that is not held back
const HELD_MAX = 4; // of the six connections that HTTP/1.1 gives a page to Jupyter's host
const STREAMED = ["CHAT_MESSAGE", "TYPING_START", "TYPING_STOP", "PRESENCE", "RESET", "ERROR"];

/** The connection ended, or did not come about; trying again may help. */
class Lost extends Error {
  constructor(reason, code = null) {
    super(reason);
    this.code = code; // a close code or an HTTP status
  }
}

/** The server will not have this client. */
class Refused extends Lost {}

/** It is not tried again until somebody presses Connect. */
class GaveUp extends Lost {}

// Where the server is

function isLoopback(host) {
  return /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(host);
}

/** Where to look for a server that the kernel knows as `url`, the best place first. */
function waysTo(url) {
  const page = document.getElementById("jupyter-config-data"); // JupyterLab's and Notebook's
  const ways = [];
  // On a page from elsewhere 127.0.0.1 is the reader's own machine, and not the kernel's.
  if (isLoopback(location.hostname) || !page) ways.push({ name: "direct", base: url });
  if (page && !url.startsWith("https:")) { // to the kernel's ports it speaks plain HTTP
    const jupyter = new URL(JSON.parse(page.textContent).baseUrl, location.href);
    const { href } = new URL(`proxy/${new URL(url).port}`, jupyter);
    ways.push({ name: "through the proxy", base: href });
  }
  return ways;
}

/** Take one of the connections through the proxy, of which Jupyter needs some; returns its end. */
function hold(way, technique) {
  const { nextHopProtocol } = performance.getEntriesByType("navigation")[0] ?? {};
  if (way.name === "direct" || !technique.holds || nextHopProtocol === "h2") return () => {};
  const held = (globalThis.labserverHeld ??= new Set()); // by all panes of the page
  if (held.size >= HELD_MAX) {
    throw new GaveUp(
      `${HELD_MAX} panes hold a connection to Jupyter, which needs the others: disconnect one.`,
    );
  }
  const mine = {};
  held.add(mine);
  return () => held.delete(mine);
}

function remedy(code) {
  if (code === "misdirected") {
    return `Start the server with allowed_hosts=["${location.hostname}"]: so this page calls it.`;
  }
  if (code === "forbidden_origin") {
    return `Start the server with allowed_origins=["${location.origin}"]: this page is from there.`;
  }
  return null;
}

/** What to throw for an HTTP answer that is an error. */
async function failure(answer) {
  try {
    const { code, message } = (await answer.json()).data;
    const forGood = answer.status < 500 && ![408, 425, 429].includes(answer.status);
    return new (forGood ? Refused : Lost)(remedy(code) ?? message, answer.status);
  } catch {
    return new Lost(`answered ${answer.status}, and is not our server`, answer.status);
  }
}

// How it travels

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
    source.onopen = () => client.opened((json, id) => client.post(base, token, json, id));
    for (const type of STREAMED) {
      source.addEventListener(type, ({ data, lastEventId }) => {
        client.hear(JSON.parse(data), lastEventId);
      });
    }
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) {
        end(new GaveUp("EventSource gave up: the answer was not an event stream"));
        return;
      }
      client.requests += 1;
      client.paused("the stream ended; EventSource comes back by itself");
    };
    signal.addEventListener("abort", () => {
      source.close();
      end(signal.reason);
    });
  });
}

async function overLongPolling(client, { base, token, signal }) {
  let query = { hello: "1" }; // the first is answered at once
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

const TECHNIQUES = {
  websocket: {
    travel: overWebSocket,
    receipts: true, // for direct messages; a poll's cursor says as much
    credential: "a ticket in the URL, good once",
    why: "WebSocket cannot set headers",
  },
  sse: {
    travel: overEventSource,
    holds: true, // a connection, over HTTP/1.1
    receipts: true,
    credential: "the token in the URL",
    why: "EventSource cannot set headers, and comes back with the same URL: a ticket is good once",
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
