"""The parser against the WHATWG's examples and rules (HTML §9.2.6)."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labserver.wire.sse import BLOCK_MAX, SSEEvent, SSEParser

Events = list[tuple[str, str, str]]  # type, data, id

STREAMS: list[tuple[str, bytes, Events]] = [
    (
        "the stocks of §9.2.1",
        b"data: YHOO\ndata: +2\ndata: 10\n\n",
        [("message", "YHOO\n+2\n10", "")],
    ),
    (
        "four blocks, of which the comment and the last dispatch nothing",
        b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event",
        [("message", "first event", "1"), ("message", "second event", "")],
    ),
    (
        "two empty events",
        b"data\n\ndata\ndata\n\ndata:",
        [("message", "", ""), ("message", "\n", "")],
    ),
    ("one leading space only", b"data:test\n\ndata: test\n\n", [("message", "test", "")] * 2),
    ("named events", b"event: add\ndata: 73857293\n\n", [("add", "73857293", "")]),
    ("a name is for one block", b"event: add\n\ndata: x\n\n", [("message", "x", "")]),
    ("CRLF", b"data: a\r\ndata: b\r\n\r\n", [("message", "a\nb", "")]),
    ("CR", b"data: a\rdata: b\r\r", [("message", "a\nb", "")]),
    ("a mixture", b"data: a\r\n\ndata: b\n\r", [("message", "a", ""), ("message", "b", "")]),
    ("a byte order mark", b"\xef\xbb\xbfdata: a\n\n", [("message", "a", "")]),
    ("only one mark", b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
    ("an id without data", b"id: 7\n\ndata: x\n\n", [("message", "x", "7")]),
    (
        "an id with NUL",
        b"id: 1\ndata: x\n\nid: 2\x00\ndata: y\n\n",
        [("message", "x", "1"), ("message", "y", "1")],
    ),
    ("field names are case-sensitive", b"Data: a\n data: b\n\n", []),
    (
        "no JSON is broken",
        '{"a":"é\u2028"}'.join(["data: ", "\n\n"]).encode(),
        [("message", '{"a":"é\u2028"}', "")],
    ),
    ("bytes that are no UTF-8", b"data: \xff\n\n", [("message", "\ufffd", "")]),
]


def events(parser: SSEParser, *chunks: bytes) -> Events:
    return [(e.type, e.data, e.id) for chunk in chunks for e in parser.feed(chunk)]


@pytest.mark.parametrize(
    ("stream", "expected"), [s[1:] for s in STREAMS], ids=[s[0] for s in STREAMS]
)
def test_a_stream_whole_and_byte_by_byte(stream: bytes, expected: Events) -> None:
    assert events(SSEParser(), stream) == expected
    assert events(SSEParser(), *(bytes([byte]) for byte in stream)) == expected


def test_retry_is_digits() -> None:
    parser = SSEParser()
    parser.feed(b"retry: 1x\n\nretry: \n\nretry:-1\n\n")
    assert parser.retry_ms is None
    parser.feed(b"retry: 2500\n\n")
    assert parser.retry_ms == 2500


def test_the_last_id_is_kept_even_without_an_event() -> None:
    parser = SSEParser()
    assert parser.feed(b"id: 7\n\n") == []
    assert parser.last_event_id == "7"
    parser.feed(b"id: 8\n")
    assert parser.last_event_id == "7"  # the block has not ended


@given(st.lists(st.sampled_from([s[1] for s in STREAMS])), st.randoms(use_true_random=False))
def test_any_cut_gives_the_same_blocks_and_their_sizes_add_up(
    streams: list[bytes], rng: random.Random
) -> None:
    stream = b"".join(streams)
    whole = SSEParser().blocks(stream)
    cut, parser, start = [], SSEParser(), 0
    while start < len(stream):
        end = start + rng.randint(1, 9)
        cut += parser.blocks(stream[start:end])
        start = end
    assert [(b.event, b.id, b.retry_ms, b.comments) for b in cut] == [
        (b.event, b.id, b.retry_ms, b.comments) for b in whole
    ]
    assert sum(block.size for block in whole) <= len(stream)


def test_sizes_are_those_of_the_blocks() -> None:
    blocks = SSEParser().blocks(b"retry: 1\n\n: ping\n\ndata: x\n\ndata: y")
    assert [block.size for block in blocks] == [10, 8, 9]
    assert [block.comments for block in blocks] == [[], ["ping"], []]


def test_random_bytes_never_raise() -> None:
    rng = random.Random(1)
    parser = SSEParser()
    for _ in range(100):
        parser.feed(rng.randbytes(1000))


def test_what_is_too_large_is_reported_and_forgotten() -> None:
    parser = SSEParser()
    found = []
    for _ in range(40):
        found += parser.blocks(b"data: " + b"x" * 50_000 + b"\n")
    found += parser.blocks(b"\n")
    assert (len(found), found[0].event) == (1, None)
    assert f"{BLOCK_MAX:,}" in found[0].error
    assert parser.feed(b"data: x\n\n") == [SSEEvent("message", "x", "")]


def test_a_line_without_an_end_is_not_kept() -> None:
    parser = SSEParser()
    for _ in range(40):
        parser.feed(b"x" * 50_000)
    assert sum(map(len, parser._pieces)) <= BLOCK_MAX
