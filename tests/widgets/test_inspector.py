from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

import labserver as lab
from labserver.figures.frame_colours import FRAME_COLOURS
from labserver.runtime.loop import lab_loop
from labserver.widgets.inspector import (
    PAYLOAD_BITS_MAX,
    RAW_MAX,
    ROWS_MAX,
    Inspector,
    bits,
    detail,
    row,
)
from labserver.wire.http1_message import HttpMessage
from labserver.wire.message import Kind, Message, Part
from labserver.wire.tape import Direction
from labserver.wire.tls import TlsRecord
from tests.waiting import wait_until


@dataclass(frozen=True)
class Text:
    """A text frame whose fields say more than a real one's."""

    payload_: bytes

    kind = Kind.WEBSOCKET_FRAME
    http_head = opaque = 0
    error = ""
    summary = "text <b>3</b>"

    @property
    def raw(self) -> bytes:
        return b"\x81" + bytes([len(self.payload_) & 0x7F]) + self.payload_

    @property
    def size(self) -> int:
        return len(self.raw)

    @property
    def payload(self) -> int:
        return len(self.payload_)

    def parts(self) -> tuple[Part, ...]:
        return (
            Part("FIN, RSV, opcode", 0, 1, "final text"),
            Part("mask, length", 1, 2, "5 bytes"),
            Part("payload", 2, self.size, "Hello", is_payload=True),
        )

    def detail(self) -> dict[str, Any]:
        return {"opcode": "text", "raw": b"\x01\x02", "text": "Hello"}


def frame(number: int, payload: bytes = b"Hello") -> Message:
    at = 1_000_000 * number
    return Message(number, 1, Direction.DOWN, at, at, at, Text(payload))


class Growing:
    """A trace that grows."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.full = False

    def __len__(self) -> int:
        return len(self.messages)

    def __getitem__(self, index: slice) -> Sequence[Message]:
        return self.messages[index]


class Browser:
    """The other end: it keeps what follows on what it has, and asks, as the script does."""

    def __init__(self, inspector: Inspector, drop_every: int = 0) -> None:
        self.rows: list[list[Any]] = []
        self.details: list[dict[str, Any]] = []
        self._inspector = inspector
        self._drop_every = drop_every
        self._packets = 0
        self._turn = threading.Lock()  # rows are pushed from another thread
        inspector.send = self._on_message  # type: ignore[method-assign]

    def ask(self) -> None:
        self._inspector._handle_custom_msg({"from": len(self.rows)}, [])

    def has(self, messages: int) -> None:
        """Wait until it has so many."""
        wait_until(lambda: len(self.rows) >= messages)

    def _on_message(self, content: dict[str, Any], buffers: Any = None) -> None:
        with self._turn:
            self._packets += 1
            if self._drop_every and self._packets % self._drop_every == 0:
                return
            if "rows" in content and content["start"] <= len(self.rows):
                self.rows += content["rows"][len(self.rows) - content["start"] :]
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
    while len(browser.rows) < 10_000:
        browser.ask()
    assert [one[0] for one in browser.rows] == list(range(1, 10_001))
    inspector.close()


def test_what_is_new_comes_without_being_asked_for(trace: Growing) -> None:
    inspector = Inspector(trace)
    browser = Browser(inspector)
    trace.messages += [frame(number) for number in range(1, ROWS_MAX + 2)]
    browser.has(ROWS_MAX + 1)
    assert [one[0] for one in browser.rows] == list(range(1, ROWS_MAX + 2))
    inspector.close()


def test_what_was_said_last_comes_when_all_is_stopped(trace: Growing) -> None:
    inspector = Inspector(trace)
    browser = Browser(inspector)
    trace.messages += [frame(number) for number in range(1, 4)]
    trace.full = True
    lab_loop.stop()
    assert [one[0] for one in browser.rows] == [1, 2, 3]
    assert (inspector.total, inspector.full) == (3, True)


def test_it_answers_when_all_is_stopped(trace: Growing) -> None:
    trace.messages.append(frame(1))
    inspector = Inspector(trace)
    lab_loop.stop()
    browser = Browser(inspector)  # the page is reloaded
    browser.ask()
    assert len(browser.rows) == 1


def test_a_closed_one_looks_no_more(trace: Growing) -> None:
    inspector = Inspector(trace)
    browser = Browser(inspector)
    trace.messages.append(frame(1))
    browser.has(1)
    inspector.close()
    trace.messages.append(frame(2))
    lab_loop.stop()
    assert len(browser.rows) == 1


def test_a_click_gets_the_bytes_and_what_they_mean(trace: Growing) -> None:
    trace.messages = [frame(1), frame(2)]
    inspector = Inspector(trace)
    browser = Browser(inspector)
    inspector._handle_custom_msg({"open": 1}, [])
    inspector._handle_custom_msg({"open": 99}, [])
    (shown,) = browser.details
    assert shown["raw"] == "810548656c6c6f"
    octets = [octet for octet, _ in shown["bits"]]
    assert octets[:2] == ["10000001", "00000101"]
    assert bytes(int(octet, 2) for octet in octets[2:]) == b"Hello"
    assert shown["text"] == "Hello"
    assert shown["parts"][2] == ["payload", 2, 7, "Hello", "payload"]
    assert shown["fields"] == [["raw", "01 02"]]
    inspector.close()


def test_a_row_is_what_the_list_shows() -> None:
    assert row(frame(3)) == [3, 3.0, 1, "down", "WebSocket frame", 7, 5, "text <b>3</b>", False]


def test_a_long_message_is_shown_in_part() -> None:
    shown = detail(frame(1, b"x" * 10_000))
    assert len(shown["raw"]) == 2 * RAW_MAX
    assert shown["size"] == 10_002


def test_the_fields_of_a_head_are_its_bits() -> None:
    octets = bits(frame(1))
    assert octets[0] == [
        "10000001",
        [
            ["FIN", 1, "flag"],
            ["RSV1", 1, "flag"],
            ["RSV2", 1, "flag"],
            ["RSV3", 1, "flag"],
            ["opcode", 4, "opcode"],
        ],
    ]
    assert octets[1] == ["00000101", [["MASK", 1, "mask"], ["payload length", 7, "length"]]]
    assert octets[2] == ["01001000", [["payload 48", 8, "payload"]]]
    assert all(sum(width for _, width, _ in fields) == 8 for _, fields in octets)


def test_every_part_has_a_colour_of_the_bit_figure() -> None:
    with lab.start("websocket") as server, server.client("alice") as alice:
        alice.send("x" * 200)
        shown = [detail(message) for message in server.trace if message.raw]
    looks = {look for each in shown for *_, look in each["parts"]}
    looks |= {look for each in shown for _, fields in each["bits"] for *_, look in fields}
    assert looks == set(FRAME_COLOURS)
    assert all(f'[data-look="{look}"]' in str(Inspector._css) for look in looks)


def test_length_and_key_are_named_too() -> None:
    with lab.start("websocket") as server, server.client("alice") as alice:
        alice.send("x" * 200)
        sent = server.trace.only(kind=Kind.WEBSOCKET_FRAME, direction=Direction.UP)[0]
        names = [fields[0][0] for _, fields in bits(sent)]
    assert names[2:8] == ["extended payload length"] * 2 + ["masking key"] * 4
    assert len(names[8:]) == PAYLOAD_BITS_MAX


def test_a_masked_payload_is_shown_without_its_mask_too() -> None:
    with lab.start("websocket") as server, server.client("alice") as alice:
        alice.send("hi")
        up, down = (server.trace.only(kind="WebSocket frame", direction=d) for d in ("up", "down"))
        shown, other = detail(up[0]), detail(down[0])
    assert bytes.fromhex(shown["unmasked"]).decode() == shown["text"]
    assert shown["unmasked"] not in shown["raw"]
    assert other["unmasked"] == ""


def test_what_is_encrypted_is_not_called_overhead() -> None:
    record = Message(1, 1, Direction.UP, 0, 0, 0, TlsRecord(b"\x17\x03\x03\x00\x01x"))
    assert detail(record)["opaque"]
    assert not detail(frame(1))["opaque"]


def test_only_frames_have_bits() -> None:
    text = Message(1, 1, Direction.UP, 0, 0, 0, HttpMessage(Kind.HTTP_REQUEST, b"GET", 3))
    assert bits(text) == []


def test_some_of_a_traces_messages_are_found_by_their_place_in_it(trace: Growing) -> None:
    with lab.start("websocket") as server, server.client("alice") as alice:
        alice.send("hi")
        frames = server.trace.only(kind=Kind.WEBSOCKET_FRAME)
        inspector = Inspector(frames)
        browser = Browser(inspector)
        browser.ask()
        inspector._handle_custom_msg({"open": 1}, [])
        assert frames[1].number > 2  # what is not a frame came before
        assert browser.details[0]["number"] == browser.rows[1][0] == frames[1].number
        inspector.close()
