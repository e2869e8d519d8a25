"""Bytes that are not understood, and connections that begin and end."""

from __future__ import annotations

from labserver.wire.decoder import BLOCK, ConnectionEvent, UndecodedStream, cut_off
from labserver.wire.message import Kind


def test_unknown_bytes_come_in_blocks_that_do_not_follow_the_pieces() -> None:
    data = bytes(range(256)) * 200
    stream = UndecodedStream("why")
    once = [*stream.feed(data), *stream.end()]
    stream = UndecodedStream("why")
    again = [block for at in range(len(data)) for block in stream.feed(data[at : at + 1])]
    assert [*again, *stream.end()] == once
    assert [block.size for block in once] == [BLOCK] * 3 + [len(data) - 3 * BLOCK]
    assert [block.error for block in once] == ["why", "", "", ""]
    assert stream.end() == []


def test_a_beginning_has_no_bytes() -> None:
    event = ConnectionEvent(Kind.CONNECT, "a client has connected")
    assert (event.raw, event.size, event.parts()) == (b"", 0, ())
    assert event.detail() == {"how": event.summary}


def test_what_is_cut_off_says_where() -> None:
    assert cut_off(b"", "a frame") == []
    assert cut_off(b"ab", "a frame")[0].error == "byte 2: cut off within a frame"
