"""The streams of E05 against the lab's own parser, which knows nothing of the exercise."""

from __future__ import annotations

import random

import pytest

from labserver.exercises.e05_sse_parser.event_streams import (
    CUTS,
    FIELDS,
    VECTORS,
    Vector,
    cut,
    stream,
)
from labserver.exercises.e05_sse_parser.exercise import SSEParser as Reference
from labserver.exercises.e05_sse_parser.play import Parsed, play
from labserver.practice.given.sse_events import Event
from labserver.wire.sse import SSEParser


def parsed(chunks: tuple[bytes, ...]) -> Parsed:
    """What the lab's parser makes of them."""
    parser = SSEParser()
    feeds = [[Event(e.type, e.data, e.id) for e in parser.feed(chunk)] for chunk in chunks]
    return Parsed(feeds, parser.last_event_id, parser.retry_ms)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector.stream))
def test_a_vector_whole_and_byte_by_byte(vector: Vector) -> None:
    end = (vector.last_event_id, vector.retry_ms)
    assert parsed((vector.stream,)) == ([list(vector.events)], *end)
    feeds, *came = parsed(tuple(bytes([byte]) for byte in vector.stream))
    assert [event for feed in feeds for event in feed] == list(vector.events)
    assert tuple(came) == end


@pytest.mark.parametrize("row", CUTS, ids=str)
def test_a_cut_stream(row: tuple[str, tuple[bytes, ...], tuple[tuple[Event, ...], ...]]) -> None:
    _, chunks, feeds = row
    assert parsed(chunks).feeds == [list(feed) for feed in feeds]


def test_random_streams_are_heard_by_the_solution_as_by_the_labs_parser() -> None:
    draws = random.Random(9)
    for _ in range(1000):
        chunks = cut(draws, stream(draws))
        assert play(Reference, chunks) == parsed(chunks), chunks


def test_a_cut_loses_nothing_and_leaves_no_chunk_empty() -> None:
    draws = random.Random(9)
    for data in (b"\n", b"ab", bytes(range(200))):
        chunks = cut(draws, data)
        assert b"".join(chunks) == data
        assert all(chunks)


def test_random_streams_hold_every_field_every_line_end_and_the_mark() -> None:
    draws = random.Random(9)
    seen = b"".join(stream(draws) for _ in range(100))
    parts = [*(field.encode() for field in FIELDS), b"\r\n\r\n", b"\r\r", b"\n\n", b"\xef\xbb\xbf"]
    assert [part for part in parts if part not in seen] == []
