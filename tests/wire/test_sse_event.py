"""Events of a stream, with their share of the chunk framing."""

from __future__ import annotations

import pytest

from labserver.wire import sse_event
from labserver.wire.message import Kind, Message
from tests.wire.conversations import CONVERSATIONS, DOWN, UP, decoded

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def events(body: bytes) -> list[Message]:
    messages = decoded([(UP, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), (DOWN, HEAD + body)])
    return [message for message in messages if message.kind is not Kind.HTTP_REQUEST][1:]


def test_each_block_is_a_message_be_it_an_event_or_not() -> None:
    messages = decoded(CONVERSATIONS["events in chunks"])[2:]
    assert [message.summary for message in messages] == [
        'id "1-0", retry 1,000 ms',
        'comment "ping"',
        'CHAT_MESSAGE "grüß\ndich"',
        'message "crlf"',
        'message "cr"',
        'message ""',
        "end of the stream",
    ]
    assert messages[1].detail == {"what": "comment", "comments": ["ping"]}
    assert messages[2].detail == {
        "what": "event",
        "type": "CHAT_MESSAGE",
        "data": "grüß\ndich",
        "id": "1-1",
        "last_event_id": "1-1",
    }
    assert [message.payload for message in messages] == [0, 0, len("grüßdich".encode()), 4, 2, 0, 0]


def test_an_event_that_ends_with_its_chunk_has_all_of_it() -> None:
    (event, end) = events(b"9\r\ndata: x\n\n\r\n0\r\n\r\n")
    assert event.raw == b"9\r\ndata: x\n\n\r\n"
    assert [(part.name, part.is_payload) for part in event.parts] == [
        ("chunk size", False),
        ("data:", False),
        ("data value", True),
        ("line end", False),
        ("blank line", False),
        ("chunk end", False),
    ]
    assert (end.raw, end.summary) == (b"0\r\n\r\n", "end of the stream")


def test_an_event_over_two_chunks_has_both() -> None:
    (event, _) = events(b"7\r\ndata: h\r\n4\r\ney\n\n\r\n0\r\n\r\n")
    assert event.payload == 3
    assert [event.raw[p.start : p.end] for p in event.parts if p.is_payload] == [b"h", b"ey"]


def test_two_events_in_a_chunk_share_its_framing() -> None:
    first, second, _ = events(b"12\r\ndata: a\n\ndata: b\n\n\r\n0\r\n\r\n")
    assert first.raw == b"12\r\ndata: a\n\n"
    assert second.raw == b"data: b\n\n\r\n"


def test_what_is_unfinished_at_the_end_is_never_an_event() -> None:
    messages = events(b"7\r\ndata: h\r\n0\r\n\r\n")
    assert messages[0].summary == "end of the stream"
    assert messages[0].error == "byte 3: ends within an event"


def test_an_event_is_seen_as_soon_as_it_is_whole() -> None:
    said = [(UP, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), (DOWN, HEAD + b"9\r\ndata: x\n\n\r\n")]
    assert [m.kind for m in decoded(said, ends=False)][-1] is Kind.SSE_EVENT


def test_broken_utf8_is_named_at_its_byte() -> None:
    (event, _) = events(b"a\r\ndata: h\xff\n\n\r\n0\r\n\r\n")
    assert event.error == "byte 10: not UTF-8; U+FFFD stands for it (HTML §9.2.6)"
    assert event.detail["data"] == "h\ufffd"


def test_a_stream_whose_chunks_break_keeps_its_events() -> None:
    *found, rest = events(b"9\r\ndata: x\n\n\r\n9\r\ndata: y\n\nX")
    assert [event.summary for event in found] == ['message "x"', 'message "y"']
    assert (rest.raw, rest.kind) == (b"X", Kind.UNKNOWN)
    _, rest = events(b"9\r\ndata: x\n\n\r\nzz\r\n")
    assert (rest.kind, rest.raw) == (Kind.UNKNOWN, b"zz\r\n")
    assert rest.error == "byte 0: the chunk framing is broken (RFC 9112 §7.1)"


def test_an_event_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse_event, "EVENT_MAX", 20)
    event, rest = events(b"9\r\ndata: x\n\n\r\n1e\r\ndata: " + b"y" * 24 + b"\r\n")
    assert event.summary == 'message "x"'
    assert rest.kind is Kind.UNKNOWN
    assert rest.error.startswith("byte 0: an event of more than")
