"""permessage-deflate, inflated within bounds."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from labserver.wire import websocket_inflate
from labserver.wire.websocket_inflate import Inflater, negotiated
from tests.wire.conversations import (
    CONVERSATIONS,
    DOWN,
    SWITCHED,
    UP,
    UPGRADE,
    decoded,
    deflate,
    ws,
)

PMD = b"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n"


def compressed(data: bytes) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (stream.compress(data) + stream.flush(zlib.Z_SYNC_FLUSH)).removesuffix(
        websocket_inflate.TAIL
    )


def test_what_was_negotiated_is_read_from_the_101() -> None:
    assert negotiated("", "client") is None
    assert negotiated("x-foo, permessage-deflate", "client") is True
    extensions = "permessage-deflate; Server_No_Context_Takeover; client_max_window_bits=10"
    assert negotiated(extensions, "server") is False
    assert negotiated(extensions, "client") is True


def test_compressed_messages_are_shown_as_they_were_said() -> None:
    frames = decoded(CONVERSATIONS["compressed websocket"])[2:]
    assert [frame.detail.get("text") for frame in frames[:3]] == ["hello hello hello hello"] * 3
    assert frames[0].detail["inflated"] == 23
    assert frames[1].payload < frames[0].payload  # it refers to what was said before
    assert "".join(frame.detail["text"] for frame in frames[3:5]) == "in two pärts"
    assert frames[5].summary == 'ping "?"'


@given(st.lists(st.binary(max_size=2000), max_size=5), st.booleans())
def test_any_messages_come_back(messages: list[bytes], takeover: bool) -> None:
    own = deflate(takeover=takeover)
    inflater = Inflater(takeover)
    for data in messages:
        frame = own.encode(Frame(Opcode.BINARY, data))
        inflater.begin(is_text=False)
        found = inflater.inflate(bytes(frame.data), final=True)
        assert (found.size, found.start, inflater.error) == (len(data), data, "")


def test_a_bomb_is_cut_off_and_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_inflate, "INFLATED_MAX", 100_000)
    inflater = Inflater(takeover=True)
    inflater.begin(is_text=True)
    found = inflater.inflate(compressed(b"a" * 10_000_000), final=True)
    assert found.size == 100_001
    assert inflater.error == "inflates to more than 100,000 bytes: cut off"
    inflater.begin(is_text=True)
    assert inflater.inflate(compressed(b"b"), final=True).size == 0
    assert inflater.error == "not inflated, as an earlier part could not be"


def test_without_takeover_the_next_message_is_read_again() -> None:
    inflater = Inflater(takeover=False)
    inflater.begin(is_text=False)
    inflater.inflate(b"\xff\xff", final=True)
    assert inflater.error == "the payload is not DEFLATE data (RFC 1951)"
    inflater.begin(is_text=False)
    assert inflater.inflate(compressed(b"b"), final=True).start == b"b"
    assert inflater.error == ""


def test_the_inflated_text_must_be_utf8() -> None:
    bad = ws(DOWN, Frame(Opcode.BINARY, b"\xff"), extensions=[deflate(takeover=False)])
    bad = bytes([bad[0] & 0xF0 | 0x01]) + bad[1:]
    said = ((UP, UPGRADE % PMD), (DOWN, SWITCHED % PMD), (DOWN, bad))
    assert decoded(said)[2].error == "byte 2: the inflated text is not UTF-8 (§8.1)"


def test_a_block_that_says_it_is_the_last_is_read() -> None:
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = stream.compress(b"done") + stream.flush(zlib.Z_FINISH)
    inflater = Inflater(takeover=True)
    for _ in range(2):
        inflater.begin(is_text=True)
        assert inflater.inflate(data + b"\x00", final=True).start == b"done"
        assert inflater.error == ""
