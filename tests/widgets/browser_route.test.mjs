import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { GaveUp } from "../../labserver/widgets/browser_failures.mjs";
import {
  holdConnection,
  poolIsFull,
  routesTo,
  waitingFor,
} from "../../labserver/widgets/browser_route.mjs";

const HTTP = "http://127.0.0.1:4711";
const HTTPS = "https://127.0.0.1:4711";
const LOCAL = new URL("http://localhost:8888/");
const REMOTE = new URL("https://hub.example.org/user/alice/");

afterEach(() => {
  delete globalThis.labserverHeld;
});

test("on loopback the direct route comes first, and Jupyter's proxy second", () => {
  for (const hostname of ["localhost", "lab.localhost", "127.0.0.1", "[::1]"]) {
    assert.deepEqual(routesTo(HTTP, { hostname, jupyter: LOCAL }), [
      { name: "direct", base: HTTP },
      { name: "through the proxy", base: "http://localhost:8888/proxy/4711" },
    ]);
  }
});

test("a remote page has only the proxy, below Jupyter's prefix", () => {
  assert.deepEqual(routesTo(HTTP, { hostname: "hub.example.org", jupyter: REMOTE }), [
    { name: "through the proxy", base: "https://hub.example.org/user/alice/proxy/4711" },
  ]);
});

test("a server with TLS cannot be reached through the proxy", () => {
  assert.deepEqual(routesTo(HTTPS, { hostname: "hub.example.org", jupyter: REMOTE }), []);
  assert.deepEqual(routesTo(HTTPS, { hostname: "localhost", jupyter: LOCAL }), [
    { name: "direct", base: HTTPS },
  ]);
});

test("a page that is not Jupyter's has only the direct route", () => {
  const page = { hostname: "127.0.0.1.example.org", jupyter: null };
  assert.deepEqual(routesTo(HTTP, page), [{ name: "direct", base: HTTP }]);
});

test("four panes may hold a connection through the proxy, and a fifth waits for one of them", () => {
  const proxy = { name: "through the proxy", base: "http://localhost:8888/proxy/4711" };
  const streaming = { holds: true };
  const releases = [1, 2, 3, 4].map(() => holdConnection(proxy, streaming));
  assert.throws(() => holdConnection(proxy, streaming), GaveUp);
  holdConnection(proxy, {}); // a technique that holds none
  holdConnection({ name: "direct", base: HTTP }, streaming);
  releases[0]();
  releases[0](); // giving it back twice frees one place only
  holdConnection(proxy, streaming);
  assert.throws(() => holdConnection(proxy, streaming), /4 panes hold a connection/);
});

test("six streams to a server take all connections of HTTP/1.1, and that is said", () => {
  const direct = { name: "direct", base: HTTP };
  const releases = [1, 2, 3, 4, 5, 6].map(() => {
    assert.equal(poolIsFull(HTTP), false);
    return holdConnection(direct, { holds: true });
  });
  assert.equal(poolIsFull(`${HTTP}/tickets`), true);
  assert.match(waitingFor(HTTP), /^waiting for a connection: .* six to 127\.0\.0\.1:4711, /);
  assert.equal(waitingFor("http://127.0.0.1:4712"), "no answer yet from 127.0.0.1:4712");
  releases[0]();
  assert.equal(poolIsFull(HTTP), false);
});

test("over TLS the server may speak HTTP/2, so nothing is said of six connections", () => {
  for (let n = 0; n < 7; n++) holdConnection({ name: "direct", base: HTTPS }, { holds: true });
  assert.equal(poolIsFull(HTTPS), false);
});
