// How a browser reaches a server that runs on the kernel's machine: directly on loopback, or
// through Jupyter's proxy.

import { GaveUp } from "./browser_failures.mjs";

const POOL = 6; // connections that a browser opens to one host over HTTP/1.1
const HELD_MAX = 4; // of those to Jupyter's host

function isLoopback(host) {
  return /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(host);
}

/**
 * Where to look for a server, the best place first.
 *
 * @param url the server's URL, as the kernel knows it.
 * @param page the name of the host that the page came from, and Jupyter's base URL (a `URL`), or
 *   null if the page is not Jupyter's.
 * @returns a list of `{name, base}`.
 */
export function routesTo(url, { hostname, jupyter }) {
  const routes = [];
  // On a page from elsewhere 127.0.0.1 is the reader's own machine, and not the kernel's.
  if (isLoopback(hostname) || jupyter === null) routes.push({ name: "direct", base: url });
  // To the kernel's ports the proxy speaks plain HTTP.
  if (jupyter !== null && !url.startsWith("https:")) {
    const { href } = new URL(`proxy/${new URL(url).port}`, jupyter);
    routes.push({ name: "through the proxy", base: href });
  }
  return routes;
}

/** Jupyter's base URL, if this page is JupyterLab's or Notebook's; otherwise null. */
export function jupyterUrl() {
  const config = document.getElementById("jupyter-config-data");
  return config && new URL(JSON.parse(config.textContent).baseUrl, location.href);
}

/** What the panes of this page hold of the connections to a server. */
function heldTo(base) {
  globalThis.labserverHeld ??= new Map(); // of all panes, each of which is a module of its own
  const { origin } = new URL(base);
  if (!globalThis.labserverHeld.has(origin)) globalThis.labserverHeld.set(origin, new Set());
  return globalThis.labserverHeld.get(origin);
}

/** Whether the panes hold every connection that a browser opens to a server over HTTP/1.1. */
export function poolIsFull(base) {
  return base.startsWith("http:") && heldTo(base).size >= POOL;
}

/** What a request waits for that has had no answer for a while. */
export function waitingFor(base) {
  const { host } = new URL(base);
  if (!poolIsFull(base)) return `no answer yet from ${host}`;
  const most = "as many as a browser opens over HTTP/1.1";
  return `waiting for a connection: this page already holds six to ${host}, ${most}`;
}

/**
 * Take one of the page's connections to a server. Of those to Jupyter's host, Jupyter needs some.
 *
 * @returns a function that gives the connection back.
 */
export function holdConnection(route, technique) {
  if (!technique.holds) return () => {};
  const { nextHopProtocol } = performance.getEntriesByType("navigation")[0] ?? {};
  const shared = route.name !== "direct" && nextHopProtocol !== "h2";
  const held = heldTo(route.base);
  if (shared && held.size >= HELD_MAX) {
    throw new GaveUp(
      `${HELD_MAX} panes hold a connection to Jupyter, which needs the others: disconnect one.`,
    );
  }
  const mine = {};
  held.add(mine);
  return () => held.delete(mine);
}
