"""How E05 is played: one parser is fed chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from labserver.practice.given.sse_events import Event

Chunks = tuple[bytes, ...]


class Parsed(NamedTuple):
    """What a parser made of a stream.

    Attributes:
        feeds: what each feed returned.
        last_event_id: the parser's at the end.
        retry_ms: the parser's at the end.
    """

    feeds: list[Any]
    last_event_id: str
    retry_ms: int | None


def play(attempt: Callable[[], Any], chunks: Chunks) -> Parsed:
    """Feed all chunks, one after another."""
    parser = attempt()
    return Parsed([parser.feed(chunk) for chunk in chunks], parser.last_event_id, parser.retry_ms)


TYPES = (Parsed, Event)
