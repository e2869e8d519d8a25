"""What a decoder finds, before and after it is known who sent it when."""

from __future__ import annotations

import math

from labserver.wire.decoded import (
    BLOCK,
    PREVIEW,
    Blocks,
    Mark,
    Sighting,
    Unknown,
    cut_off,
    line,
    preview,
    text_of,
)
from labserver.wire.message import Kind
from labserver.wire.tape import Direction


def test_unknown_bytes_come_in_blocks_that_do_not_follow_the_pieces() -> None:
    data = bytes(range(256)) * 200
    blocks = Blocks("why")
    once = [*blocks.feed(data), *blocks.end()]
    blocks = Blocks("why")
    again = [found for at in range(len(data)) for found in blocks.feed(data[at : at + 1])]
    assert [*again, *blocks.end()] == once
    assert [found.size for found in once] == [BLOCK] * 3 + [len(data) - 3 * BLOCK]
    assert [found.error for found in once] == ["why", "", "", ""]
    assert blocks.end() == []


def test_a_sighting_becomes_a_message() -> None:
    sighting = Sighting(Unknown(b"abc", "why"), 3, Direction.UP, 1_000_000, 2_000_000, -1)
    message = sighting.message(9)
    assert (message.number, message.connection, message.kind) == (9, 3, Kind.UNKNOWN)
    assert (message.began, message.sent, message.arrived) == (0.001, 0.002, math.inf)
    assert (message.overhead, message.error, message.detail) == (3, "why", {"text": "abc"})


def test_a_beginning_has_no_bytes() -> None:
    mark = Mark(Kind.CONNECT, "a client has connected")
    assert (mark.raw, mark.size, mark.parts()) == (b"", 0, ())
    assert mark.detail() == {"how": mark.summary}


def test_what_is_cut_off_says_where() -> None:
    assert cut_off(b"", "a frame") == []
    assert cut_off(b"ab", "a frame")[0].error == "byte 2: cut off within a frame"


def test_a_preview_is_text_where_it_is_some() -> None:
    assert preview(b"") == {}
    assert preview("grüß".encode()) == {"text": "grüß"}
    assert preview(b"\xff\x00") == {"hex": "ff 00"}
    long = text_of("ü".encode() * 100_000)
    assert long == "ü" * PREVIEW + "…"
    assert text_of(b"a" + "ü".encode() * 100_000) == "a" + "ü" * (PREVIEW - 1) + "…"
    assert text_of(b"a" * 20_000 + b"\xff") is not None  # the beginning is text


def test_a_line_is_short() -> None:
    assert line("a" * 100) == '"' + "a" * 59 + '…"'
