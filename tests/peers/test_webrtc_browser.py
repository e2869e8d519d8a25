"""A browser's own RTCPeerConnection: with the hub, and with another browser through the relay."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aioice.ice import get_host_addresses
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from labserver.runtime import server as runtime
from labserver.runtime.config import ServerConfig
from labserver.runtime.server import Server

Talk = Callable[[Browser, str], Page]

pytestmark = pytest.mark.browser

# Chromium as a person has it hides its addresses behind .local names, and has none to offer
# where there is no network. With these flags, and a page that may use the (fake) microphone,
# it shows all of them, loopback too.
FLAGS = [
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
ASK_FOR_MICROPHONE = (
    "navigator.mediaDevices.getUserMedia({audio: true}).then(() => true, () => false)"
)

SCRIPT = """
window.Talk = class {
  constructor(url) {
    this.heard = [];
    this.byes = [];
    this.signals = new WebSocket(url);
    this.signals.onmessage = ({data}) => this.take(JSON.parse(data));
    this.ready = new Promise((done, failed) => {
      this.signals.onopen = done;
      this.signals.onerror = failed;
    });
    this.opened = new Promise(done => { this.onopen = done; });
  }
  meet(to, session) {
    this.peer = new RTCPeerConnection({iceServers: []});
    this.say = (type, data) => this.signals.send(JSON.stringify({type, to, session, data}));
    this.peer.onicecandidate = ({candidate}) => this.say("candidate", candidate);
    this.peer.ondatachannel = ({channel}) => this.adopt(channel);
  }
  adopt(channel) {
    this.channel = channel;
    channel.onmessage = ({data}) => this.heard.push(JSON.parse(data));
    channel.onopen = () => this.onopen(performance.now());
    if (channel.readyState === "open") this.onopen(performance.now());
  }
  async call(to, more) {
    await this.ready;
    const began = performance.now();
    this.meet(to);
    this.adopt(this.peer.createDataChannel("chat"));
    await this.peer.setLocalDescription();
    this.say("offer", {...this.peer.localDescription.toJSON(), ...more});
    return await this.opened - began;
  }
  async take({type, from, session, data}) {
    if (type === "offer") {
      this.meet(from, session);
      await this.peer.setRemoteDescription(data);
      await this.peer.setLocalDescription();
      this.say("answer", this.peer.localDescription);
    } else if (type === "answer") {
      await this.peer.setRemoteDescription(data);
    } else if (type === "candidate" && data) {
      await this.peer.addIceCandidate(data);
    } else if (type === "bye") {
      this.byes.push(from);
    } else if (type === "ERROR") {
      this.heard.push({type, data});
    }
  }
  send(type, data) {
    this.channel.send(JSON.stringify({type, data}));
  }
  async receive(type) {
    for (;;) {
      while (this.heard.length) {
        const event = this.heard.shift();
        if (event.type === type) return event;
      }
      await new Promise(done => setTimeout(done, 5));
    }
  }
};
"""


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Playwright, for this module only: its event loop must not meet that of others."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(params=["plain", "loopback"])
def any_browser(
    request: pytest.FixtureRequest, playwright: Playwright, chromium: str
) -> Iterator[Browser]:
    """Chromium as people use it, and one that needs no network."""
    if request.param == "plain" and not get_host_addresses(use_ipv4=True, use_ipv6=True):
        pytest.skip("Chromium without flags does no WebRTC on a machine without a network.")
    with launch(playwright, chromium, FLAGS if request.param == "loopback" else []) as browser:
        yield browser


@pytest.fixture
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    """Chromium that needs no network."""
    with launch(playwright, chromium, FLAGS) as browser:
        yield browser


@pytest.fixture
def server() -> Iterator[Server]:
    """A WebRTC server in this process."""
    with runtime.start(ServerConfig(technique="webrtc")) as started:
        yield started
    runtime.stop_all()


def launch(playwright: Playwright, chromium: str, flags: list[str]) -> Any:
    """Run a Chromium for the duration of a block."""
    return playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", *flags])


class EmptyPage(BaseHTTPRequestHandler):
    """Answers with an empty page."""

    def do_GET(self) -> None:
        """Answer a request."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>chat</title>")

    def log_message(self, *args: object) -> None:
        """Do not log."""


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """A page of a loopback origin that is not the server's, as JupyterLab's is.

    From a real server: Chromium lets no page that came from elsewhere reach loopback.
    """
    with ThreadingHTTPServer(("127.0.0.1", 0), EmptyPage) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/"
        http.shutdown()
        thread.join()


@pytest.fixture
def talk(origin: str, server: Server) -> Talk:
    """Opens a page for a user, with its signals connected."""
    return lambda browser, user: open_page(browser, origin, server, user)


def open_page(browser: Browser, origin: str, server: Server, user: str) -> Page:
    """Open a page with its signals connected."""
    page = browser.new_page()
    page.goto(origin)
    page.evaluate(ASK_FOR_MICROPHONE)
    page.add_script_tag(content=SCRIPT)
    url = f"{server.url.replace('http', 'ws')}/ws/signal?token={server.token(user)}"
    page.evaluate("async url => { window.talk = new Talk(url); await talk.ready; }", url)
    return page


def test_a_browser_talks_with_the_hub(any_browser: Browser, server: Server, talk: Talk) -> None:
    bob = server.client("bob")
    page = talk(any_browser, "alice")
    opened_ms = page.evaluate("talk.call('@hub', {hello: true})")
    assert opened_ms < 5000  # a check of ICE that has to be repeated takes longer
    assert page.evaluate("talk.receive('HELLO')")["data"]["cursor"].endswith("-0")
    assert page.evaluate("talk.peer.sctp.maxMessageSize") == 64 * 1024

    page.evaluate("talk.send('CHAT_MESSAGE', {content: '<img src=x> ✓', id: 'm1'})")
    ack = page.evaluate("talk.receive('ACK')")
    assert (ack["data"]["id"], ack["data"]["status"]) == ("m1", "delivered")
    heard = bob.receive(type="CHAT_MESSAGE")
    assert heard is not None
    assert heard.data == {"senderId": "alice", "content": "<img src=x> ✓", "id": "m1"}

    bob.send("hello browser")
    event = page.evaluate("async () => [await talk.receive('CHAT_MESSAGE'), talk.heard]")[0]
    assert (event["data"]["content"], event["offset"]) == ("hello browser", 2)

    page.evaluate("talk.channel.send('{')")
    assert page.evaluate("talk.receive('ERROR')")["data"]["code"] == "bad_json"
    page.evaluate("talk.send('PING')")
    assert page.evaluate("talk.receive('PONG')") == {"type": "PONG"}


def test_a_browser_resumes_after_its_cursor(browser: Browser, server: Server, talk: Talk) -> None:
    bob = server.client("bob")
    for n in range(1, 91):
        bob.send(str(n))
    page = talk(browser, "alice")
    page.evaluate("talk.call('@hub', {after: 30})")
    contents = page.evaluate(
        """async () => {
          const found = [];
          while (found.length < 60) found.push((await talk.receive('CHAT_MESSAGE')).data.content);
          return found;
        }"""
    )
    assert contents == [str(n) for n in range(31, 91)]


def test_two_browsers_talk_directly_once_the_relay_has_introduced_them(
    browser: Browser, talk: Talk
) -> None:
    alice, bob = talk(browser, "alice"), talk(browser, "bob")
    alice.evaluate("talk.call('bob')")
    bob.evaluate("talk.opened")
    alice.evaluate("talk.send('CHAT_MESSAGE', {content: 'from peer to peer'})")
    event = bob.evaluate("talk.receive('CHAT_MESSAGE')")
    assert event == {"type": "CHAT_MESSAGE", "data": {"content": "from peer to peer"}}
    bob.evaluate("talk.send('CHAT_MESSAGE', {content: 'and back'})")
    assert alice.evaluate("talk.receive('CHAT_MESSAGE')")["data"]["content"] == "and back"
    alice.close()
    bob.wait_for_function("talk.byes.includes('alice')")


def test_a_browser_that_calls_nobody_is_told_so(browser: Browser, talk: Talk) -> None:
    page = talk(browser, "alice")
    page.evaluate("() => { talk.call('nobody'); }")
    assert page.evaluate("talk.receive('ERROR')")["data"]["code"] == "no_such_member"
