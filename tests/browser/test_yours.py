"""The browser's own WebSocket talks to a server out of the learner's functions."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from labserver.exercises.e12_frame_decoder.exercise import FrameDecoder
from labserver.learner_server.handle import LearnerServer, serve_yours
from labserver.runtime import server as runtime
from labserver.wire.message import Kind
from labserver.wire.websocket_accept import GUID

pytestmark = pytest.mark.browser

# Says one thing after the other when an answer has come, closes, and returns all that happened.
TALK = """
([url, sizes]) => new Promise((resolve) => {
  const heard = [], socket = new WebSocket(url);
  const words = ["Grüße 👋", ...sizes.map((size) => new Uint8Array(size).fill(7))];
  const go_on = () => words.length ? socket.send(words.shift()) : socket.close(1000, "done");
  socket.binaryType = "arraybuffer";
  socket.onopen = go_on;
  socket.onerror = () => heard.push("error");
  socket.onmessage = ({data}) => {
    const bytes = typeof data === "string" ? null : new Uint8Array(data);
    heard.push(bytes ? [bytes.length, bytes.every((one) => one === 7)] : data);
    go_on();
  };
  socket.onclose = ({code, reason, wasClean}) => resolve([...heard, {code, reason, wasClean}]);
})
"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page."""
    page = browser.new_page()
    yield page
    page.close()
    runtime.stop_all()


def talk(page: Page, yours: LearnerServer) -> list[Any]:
    heard: list[Any] = page.evaluate(TALK, [yours.url, [0, 70_000]])
    return heard


def test_it_echoes_text_and_binary_and_closes_cleanly(page: Page) -> None:
    def mine(key: str) -> str:
        return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()

    yours = serve_yours(accept_key=mine)
    *heard, end = talk(page, yours)
    assert heard == ["Grüße 👋", [0, True], [70_000, True]]
    assert (end["code"], end["wasClean"]) == (1000, True)
    assert yours.errors == []
    frames = list(yours.trace.only(kind=Kind.WEBSOCKET_FRAME))
    assert [one.error for one in frames if one.error] == []
    assert len(frames) == 8, "three messages and a close frame, each way"


def test_it_refuses_a_wrong_accept_key(page: Page) -> None:
    heard = talk(page, serve_yours(accept_key=lambda key: key))
    assert heard == ["error", {"code": 1006, "reason": "", "wasClean": False}]


def test_it_is_told_what_went_wrong_in_a_part(page: Page) -> None:
    class Breaks(FrameDecoder):
        def feed(self, data: bytes) -> Any:
            raise KeyError("oh")

    (end,) = talk(page, serve_yours(decoder=Breaks))
    assert (end["code"], end["wasClean"]) == (1011, True)
    assert end["reason"].startswith("E12 FrameDecoder raised KeyError: 'oh'")
