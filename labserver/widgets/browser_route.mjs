// How a browser reaches a server that runs on the kernel's machine: directly on loopback, or
// through Jupyter's proxy.

import { GaveUp } from "./browser_failures.mjs";

const HELD_MAX = 4; // of the six connections that HTTP/1.1 gives a page to Jupyter's host

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

/**
 * Take one of the page's connections to Jupyter's host, of which Jupyter itself needs some.
 *
 * @returns a function that gives the connection back.
 */
export function holdConnection(route, technique) {
  const { nextHopProtocol } = performance.getEntriesByType("navigation")[0] ?? {};
  if (route.name === "direct" || !technique.holds || nextHopProtocol === "h2") return () => {};
  globalThis.labserverHeld ??= new Set(); // by all panes of the page
  const held = globalThis.labserverHeld;
  if (held.size >= HELD_MAX) {
    throw new GaveUp(
      `${HELD_MAX} panes hold a connection to Jupyter, which needs the others: disconnect one.`,
    );
  }
  const mine = {};
  held.add(mine);
  return () => held.delete(mine);
}
