from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from labserver.runtime.loop import lab_loop
from labserver.widgets.inspector import RAW_MAX, ROWS_MAX, Inspector, bits, detail, row
from labserver.wire.message import Kind, Message, Part
from labserver.wire.tape import Direction


def frame(number: int, payload: bytes = b"Hello") -> Message:
    return Message(
        number=number,
        kind=Kind.WEBSOCKET_FRAME,
        connection=1,
        direction=Direction.DOWN,
        began=number / 1000,
        sent=number / 1000,
        arrived=number / 1000,
        raw=b"\x81" + bytes([len(payload) & 0x7F]) + payload,
        payload=len(payload),
        summary=f"text <b>{number}</b>",
        parts=(
            Part("FIN, RSV, opcode", 0, 1, "final text"),
            Part("mask, length", 1, 2, "5 bytes"),
            Part("payload", 2, 2 + len(payload), "Hello", is_payload=True),
        ),
        detail={"opcode": "text", "raw": b"\x01\x02"},
    )


class Growing:
    """A trace that grows."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def __len__(self) -> int:
        return len(self.messages)

    def __getitem__(self, index: slice) -> Sequence[Message]:
        return self.messages[index]


class Browser:
    """The other end: it keeps what it gets, and asks for what it lacks, as the script does."""

    def __init__(self, inspector: Inspector, drop_every: int = 0) -> None:
        self.rows: list[list[Any]] = []
        self.details: list[dict[str, Any]] = []
        self._inspector = inspector
        self._drop_every = drop_every
        self._packets = 0
        inspector.send = self._on_message  # type: ignore[method-assign]

    def ask(self) -> None:
        self._inspector._handle_custom_msg({"from": len(self.rows)}, [])

    def _on_message(self, content: dict[str, Any], buffers: Any = None) -> None:
        self._packets += 1
        if self._drop_every and self._packets % self._drop_every == 0:
            return
        if "rows" in content and content["start"] == len(self.rows):
            self.rows += content["rows"]
        elif "detail" in content:
            self.details.append(content["detail"])


@pytest.fixture
def trace() -> Iterator[Growing]:
    yield Growing()
    lab_loop.stop()


def test_no_message_is_lost_even_where_packets_are(trace: Growing) -> None:
    trace.messages = [frame(number) for number in range(1, 10_001)]
    inspector = Inspector(trace, "test")
    browser = Browser(inspector, drop_every=3)
    asked = 0
    while len(browser.rows) < inspector.total:
        browser.ask()
        asked += 1
    assert [one[0] for one in browser.rows] == list(range(1, 10_001))
    assert asked < 2 * 10_000 / ROWS_MAX
    inspector.close()


def test_it_notices_what_is_new(trace: Growing) -> None:
    inspector = Inspector(trace)
    trace.messages.append(frame(1))
    until = time.monotonic() + 5
    while inspector.total != 1:
        assert time.monotonic() < until
        time.sleep(0.01)
    inspector.close()


def test_a_click_gets_the_bytes_and_what_they_mean(trace: Growing) -> None:
    trace.messages = [frame(1), frame(2)]
    inspector = Inspector(trace)
    browser = Browser(inspector)
    inspector._handle_custom_msg({"open": 1}, [])
    inspector._handle_custom_msg({"open": 99}, [])
    (shown,) = browser.details
    assert shown["raw"] == "810548656c6c6f"
    assert shown["bits"] == ["10000001", "00000101"]
    assert shown["parts"][2] == ["payload", 2, 7, "Hello", True]
    assert shown["fields"] == [["opcode", "text"], ["raw", "01 02"]]
    inspector.close()


def test_a_row_is_what_the_list_shows() -> None:
    assert row(frame(3)) == [3, 3.0, 1, "down", "WebSocket frame", 7, 5, "text <b>3</b>", False]


def test_a_long_message_is_shown_in_part() -> None:
    shown = detail(frame(1, b"x" * 10_000))
    assert len(shown["raw"]) == 2 * RAW_MAX
    assert shown["size"] == 10_002


def test_only_frames_have_bits() -> None:
    assert bits(frame(1)) == ["10000001", "00000101"]
    text = Message(1, Kind.HTTP_REQUEST, 1, Direction.UP, 0, 0, 0, b"GET")
    assert bits(text) == []
