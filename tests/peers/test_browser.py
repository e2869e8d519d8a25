"""A page's own EventSource, fetch and WebSocket, from another origin, in a real Chromium."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from labserver.runtime import server as runtime
from labserver.runtime.config import ServerConfig
from labserver.runtime.server import Server
from labserver.wire.message import Kind
from tests.peers.conftest import Serve, Shared
from tests.served import Served, serving
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

Start = Callable[..., Server]


class Blank(BaseHTTPRequestHandler):
    """Serves one empty page."""

    def do_GET(self) -> None:
        body = b"<!doctype html><title>a page of its own</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Do not log."""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """Another origin on loopback: `http://127.0.0.1:PORT`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Blank) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser, elsewhere: str) -> Iterator[Page]:
    page = browser.new_page()
    page.goto(elsewhere)
    yield page
    page.close()


def message(content: str) -> str:
    return json.dumps({"type": "CHAT_MESSAGE", "data": {"content": content}})


POST = """async ([url, token, room, body]) => {
  const answer = await fetch(`${url}/messages?room=${room}`, {
    method: "POST",
    headers: {Authorization: `Bearer ${token}`, "Content-Type": "application/json"},
    body,
  });
  return [answer.status, await answer.json()];
}"""

POLL = """async ([url, token, query]) => {
  const answer = await fetch(`${url}/messages?${query}`, {
    headers: {Authorization: `Bearer ${token}`},
  });
  return [answer.status, answer.status === 200 ? await answer.json() : null,
          answer.headers.get("ETag")];
}"""


def said(events: list[dict[str, Any]]) -> list[str]:
    return [event["data"]["content"] for event in events if event["type"] == "CHAT_MESSAGE"]


def test_fetch_polls(shared: Shared, page: Page, room: str) -> None:
    served = shared("short_polling")
    token = served.token("alice")
    with served.client("short_polling", "bob", room) as bob:
        status, ack = page.evaluate(POST, [served.url, token, room, message("from the page ☕")])
        assert (status, ack["type"]) == (202, "ACK")
        event = bob.receive(10, type="CHAT_MESSAGE")
        assert event is not None
        assert event.data["content"] == "from the page ☕"
        bob.send("from Python")
    status, answer, tag = page.evaluate(POLL, [served.url, token, f"room={room}&after=0"])
    assert status == 200
    assert said(answer["events"]) == ["from the page ☕", "from Python"]
    assert tag, "a page may read the ETag"


def test_fetch_waits_in_a_long_poll(shared: Shared, page: Page, room: str) -> None:
    served = shared("long_polling")
    token = served.token("alice")
    with served.client("long_polling", "bob", room) as bob:
        status, ack = page.evaluate(POST, [served.url, token, room, message("from the page")])
        assert status == 202
        after = ack["data"]["offset"]
        page.evaluate(
            f"(given) => {{ window.polled = ({POLL})(given) }}",
            [served.url, token, f"room={room}&after={after}&wait=20"],
        )
        page.wait_for_timeout(300)
        bob.send("from Python")
        status, answer, _ = page.evaluate("() => window.polled")
    assert status == 200
    assert said(answer["events"]) == ["from Python"]


LISTEN = """([url, after]) => new Promise((done, failed) => {
  window.heard = [];
  window.errors = 0;
  window.source = new EventSource(`${url}${after}`);
  window.source.addEventListener("CHAT_MESSAGE", (event) => {
    window.heard.push({id: event.lastEventId, ...JSON.parse(event.data)});
  });
  window.source.onerror = () => { window.errors += 1; };
  window.source.onopen = done;
  setTimeout(() => failed(new Error("not open")), 10000);
})"""


def heard(page: Page, count: int) -> list[dict[str, Any]]:
    page.wait_for_function(f"() => window.heard.length >= {count}", timeout=30_000)
    events: list[dict[str, Any]] = page.evaluate("() => window.heard")
    return events


def test_an_event_source_and_posts_make_a_chat(shared: Shared, page: Page, room: str) -> None:
    served = shared("sse")
    token = served.token("alice")
    page.evaluate(LISTEN, [served.url, f"/events?room={room}&token={token}"])
    with served.client("sse", "bob", room) as bob:
        bob.send("one")
        (one,) = heard(page, 1)
        assert one["data"]["content"] == "one"
        assert one["id"].endswith(f"-{one['offset']}")
        status, _ = page.evaluate(POST, [served.url, token, room, message("from the page")])
        assert status == 202
        event = bob.receive(10, type="CHAT_MESSAGE")
        while event is not None and event.data["content"] != "from the page":
            event = bob.receive(10, type="CHAT_MESSAGE")
        assert event is not None
        assert said(heard(page, 2)) == ["one", "from the page"]
    assert page.evaluate("() => window.errors") == 0
    page.evaluate("() => window.source.close()")


def test_an_event_source_comes_back_to_a_server_that_was_away(
    serve: Serve, page: Page, tmp_path: Path
) -> None:
    served = serve("sse")
    page.evaluate(LISTEN, [served.url, f"/events?token={served.token('alice')}"])
    with served.client("sse", "bob") as bob:
        bob.send("one")
        heard(page, 1)
    page.evaluate(
        """() => window.source.addEventListener("RESET", ({data}) => {
          window.reset = JSON.parse(data).data;
        })"""
    )
    assert served.stop() == 0
    with serving("sse", "--port", str(served.port), state=tmp_path / "state") as again:
        page.wait_for_function("() => window.reset", timeout=30_000)
        assert page.evaluate("() => window.reset.newest") == 0
        with again.client("sse", "bob") as bob:
            bob.send("two")
            assert said(heard(page, 2)) == ["one", "two"]
    page.evaluate("() => window.source.close()")


RETRY_S = 0.3


class Turns(BaseHTTPRequestHandler):
    """`/503` is an event stream that ends, and a 503 for whoever comes back to it."""

    asked: ClassVar[dict[str, list[tuple[float, str | None]]]]  # when, and the Last-Event-ID

    def do_GET(self) -> None:
        asked = self.asked.setdefault(self.path, [])
        asked.append((time.monotonic(), self.headers["Last-Event-ID"]))
        self.send_response(200 if len(asked) == 1 else int(self.path[1:]))
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(f"retry: {1000 * RETRY_S:.0f}\nid: 7\ndata: hi\n\nid: 8\nda".encode())

    def log_message(self, *args: object) -> None:
        """Do not log."""


@pytest.mark.parametrize("status", [200, 204, 500, 503])
def test_an_event_source_comes_back_after_retry_and_goes_for_good_at_any_status_but_200(
    page: Page, status: int
) -> None:
    Turns.asked = {}
    with ThreadingHTTPServer(("127.0.0.1", 0), Turns) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/{status}"
        page.evaluate("(url) => { window.source = new EventSource(url); }", url)
        closed = "() => window.source.readyState === EventSource.CLOSED"
        if status == 200:
            wait_until(lambda: len(Turns.asked.get("/200", [])) >= 3, "a third request")
            assert not page.evaluate(closed)
        else:
            page.wait_for_function(closed, timeout=30_000)
            page.wait_for_timeout(1000 * 3 * RETRY_S)
        page.evaluate("() => window.source.close()")
        server.shutdown()
        thread.join()
    (began, at_first), (came_back, then), *more = Turns.asked[f"/{status}"]
    assert (at_first, then) == (None, "7"), "the event that was cut off does not count"
    assert came_back - began >= RETRY_S
    assert bool(more) == (status == 200)


CONNECTIONS_MAX = 6  # of Chromium to one host, over HTTP/1.1

LISTEN_TOGETHER = """([url, count]) => {
  window.heard = [];
  window.sources = Array.from({length: count}, (_, number) => {
    const source = new EventSource(url);
    source.addEventListener("CHAT_MESSAGE", () => window.heard.push(number));
    return source;
  });
}"""

STATES = "window.sources.map((source) => source.readyState)"
CONNECTING, OPEN = 0, 1


def wait_until_open(page: Page, count: int) -> None:
    enough = f"() => {STATES}.filter((state) => state === {OPEN}).length >= {count}"
    page.wait_for_function(enough, timeout=30_000)


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts servers in this process, and stops those that are left."""
    yield lambda technique, **options: runtime.start(ServerConfig(technique=technique, **options))
    runtime.stop_all()


@pytest.fixture
def trusting_page(browser: Browser, elsewhere: str) -> Iterator[Page]:
    """A page whose browser accepts any certificate, as after a click on "proceed"."""
    page = browser.new_page(ignore_https_errors=True)
    page.goto(elsewhere)
    yield page
    page.close()


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_over_http_1_the_seventh_event_source_waits_for_one_to_close(
    start: Start, trusting_page: Page, tls: bool
) -> None:
    page = trusting_page
    server = start("sse", tls=tls)
    url = f"{server.url}/events?token={server.token('alice')}"
    page.evaluate(LISTEN_TOGETHER, [url, CONNECTIONS_MAX + 1])
    wait_until_open(page, CONNECTIONS_MAX)
    with server.client("bob") as bob:
        bob.send("who hears me?")
    heard(page, CONNECTIONS_MAX)
    states = page.evaluate(f"() => {STATES}")
    assert sorted(states) == [CONNECTING] + [OPEN] * CONNECTIONS_MAX
    page.evaluate("(open) => window.sources[open].close()", states.index(OPEN))
    waiting = states.index(CONNECTING)
    page.wait_for_function(f"() => {STATES}[{waiting}] === {OPEN}", timeout=30_000)


def test_over_http_2_all_event_sources_open(start: Start, trusting_page: Page) -> None:
    page = trusting_page
    server = start("sse", tls=True, http2=True)
    url = f"{server.url}/events?token={server.token('alice')}"
    page.evaluate(LISTEN_TOGETHER, [url, 3 * CONNECTIONS_MAX])
    wait_until_open(page, 3 * CONNECTIONS_MAX)
    with server.client("bob") as bob:
        bob.send("who hears me?")
        heard(page, 3 * CONNECTIONS_MAX)
        page.evaluate("() => window.sources[0].close()")
        bob.send("and now?")
        heard(page, 3 * CONNECTIONS_MAX + 3 * CONNECTIONS_MAX - 1)
    assert page.evaluate("() => window.heard.filter((number) => number === 0).length") == 1


def test_without_tls_a_browser_stays_with_http_1(start: Start, trusting_page: Page) -> None:
    page = trusting_page
    server = start("sse", http2=True)
    page.evaluate(LISTEN_TOGETHER, [f"{server.url}/events?token={server.token('alice')}", 1])
    wait_until_open(page, 1)
    kinds = {each.kind for each in server.trace}
    assert Kind.HTTP_REQUEST in kinds
    assert Kind.HTTP2_FRAME not in kinds


CONVERSE = """([url, protocol]) => new Promise((done, failed) => {
  window.heard = [];
  window.ended = null;
  window.socket = new WebSocket(url, protocol ? [protocol] : []);
  window.socket.onmessage = ({data}) => {
    const event = JSON.parse(data);
    if (event.type === "PONG") done(window.socket.protocol);
    if (event.type === "CHAT_MESSAGE") window.heard.push(event);
  };
  window.socket.onopen = () => window.socket.send('{"type":"PING"}');
  window.socket.onclose = ({code, reason, wasClean}) => {
    window.ended = {code, reason, wasClean};
    failed(new Error(`closed with ${code}`));
  };
})"""


def converse(served: Served, page: Page, room: str, credentials: str, protocol: str = "") -> None:
    url = f"ws://{served.address}/ws/chat?room={room}&{credentials}"
    assert page.evaluate(CONVERSE, [url, protocol]) == protocol
    with served.client("websocket", "bob", room) as bob:
        page.evaluate("(text) => window.socket.send(text)", message("from the page ☕"))
        event = bob.receive(10, type="CHAT_MESSAGE")
        assert event is not None
        assert event.data["senderId"] == "alice"
        assert event.data["content"] == "from the page ☕"
        bob.send("from Python")
        assert said(heard(page, 2)) == ["from the page ☕", "from Python"]


def test_a_websocket_with_a_token(shared: Shared, page: Page, room: str) -> None:
    served = shared("websocket")
    converse(served, page, room, f"token={served.token('alice')}", "chat.v1")


def test_a_websocket_with_a_ticket(shared: Shared, page: Page, room: str) -> None:
    served = shared("websocket")
    ticket = page.evaluate(
        """async ([url, token]) => {
          const headers = {Authorization: `Bearer ${token}`};
          const answer = await fetch(`${url}/tickets`, {method: "POST", headers});
          return (await answer.json()).ticket;
        }""",
        [served.url, served.token("alice")],
    )
    converse(served, page, room, f"ticket={ticket}")
    closed = page.evaluate(
        """(url) => new Promise((done) => {
          const socket = new WebSocket(url);
          socket.onclose = ({code}) => done(code);
        })""",
        f"ws://{served.address}/ws/chat?ticket={ticket}",
    )
    assert closed == 1006, "it works once"


def test_the_page_sees_1001_when_the_server_stops(serve: Serve, page: Page) -> None:
    served = serve("websocket")
    url = f"ws://{served.address}/ws/chat?token={served.token('alice')}"
    page.evaluate(CONVERSE, [url, ""])
    assert served.stop() == 0
    page.wait_for_function("() => window.ended !== null", timeout=30_000)
    closed = page.evaluate("() => window.ended")
    assert (closed["code"], closed["wasClean"]) == (1001, True)


FAILS = """async ([url, token]) => {
  const tried = (path, init) => fetch(url + path, init).then((a) => a.status, () => "blocked");
  const headers = {Authorization: `Bearer ${token}`};
  const socket = (url) => new Promise((done) => {
    const tried = new WebSocket(url);
    tried.onopen = () => { tried.close(); done("open"); };
    tried.onerror = () => done("blocked");
  });
  return [
    await tried("/tickets", {method: "POST", headers}),
    await socket(`${url.replace("http", "ws")}/ws/chat?token=${token}`),
  ];
}"""


def test_a_page_of_an_origin_that_is_not_allowed_gets_nothing(
    serve: Serve, page: Page, elsewhere: str
) -> None:
    served = serve("websocket", "--allow-origin", "https://lab.example")
    assert page.evaluate(FAILS, [served.url, served.token("alice")]) == ["blocked", "blocked"]


def test_a_page_of_an_origin_that_is_allowed_by_name_comes_in(
    serve: Serve, page: Page, elsewhere: str
) -> None:
    served = serve("websocket", "--allow-origin", elsewhere)
    assert page.evaluate(FAILS, [served.url, served.token("alice")]) == [201, "open"]


def test_a_page_reads_why_its_token_was_refused(shared: Shared, page: Page, room: str) -> None:
    served = shared("short_polling")
    status, answer = page.evaluate(POST, [served.url, "nonsense", room, message("hi")])
    assert status == 401
    assert answer["data"]["code"] == "bad_token"
