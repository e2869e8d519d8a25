"""Server-sent events as they are in a response's body, with chunk framing.

The stream is cut after the blank line of each event; if a chunk ends there, the end of the chunk
belongs to the event. So each event has its share of the framing, and the shares add up to the
body.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

import msgspec

from labserver.wire.http1_message import MEANING_MAX, Spans, framing
from labserver.wire.message import Decoded, Kind, Part
from labserver.wire.preview import byte_count, quoted
from labserver.wire.sse import Block, SSEParser

EVENT_MAX = 16 * 1024 * 1024  # bytes of a block; nobody waits for more
CHUNK_END = b"\r\n"

_BOM = b"\xef\xbb\xbf"


class StreamEvent(msgspec.Struct, frozen=True, gc=False):
    """What lies between two blank lines: an event, or only a comment, an id or a retry.

    Attributes:
        raw: its bytes.
        spans: where in `raw` the stream is; what lies between is chunk framing.
        block: what the parser makes of it; None at the end of the stream.
        error: what is wrong with it, and at which byte.
    """

    raw: bytes
    spans: Spans
    block: Block | None
    error: str = ""

    kind: ClassVar[Kind] = Kind.SSE_EVENT
    http_head: ClassVar[int] = 0
    opaque: ClassVar[int] = 0

    @property
    def size(self) -> int:
        """The number of its bytes."""
        return len(self.raw)

    @property
    def payload(self) -> int:
        """How many of its bytes are data."""
        return sum(f.end - f.value for f in _stream_lines(self._text()) if f.name == b"data")

    @property
    def what(self) -> str:
        """`event`, or what a block without data consists of."""
        block = self.block
        if block is None:
            return "end of the stream"
        if block.event is not None:
            return "event"
        said = [("comment", block.comments), ("id", block.id), ("retry", block.retry_ms)]
        return " and ".join(name for name, value in said if value not in (None, [])) or "blank"

    @property
    def summary(self) -> str:
        """The type and the beginning of the data, or what else it is."""
        block = self.block
        if block is None:
            return self.what
        if block.event is not None:
            return f"{block.event.type} {quoted(block.event.data)}"
        said = [f"comment {quoted(text)}" for text in block.comments]
        if block.id is not None:
            said.append(f"id {quoted(block.id)}")
        if block.retry_ms is not None:
            said.append(f"retry {block.retry_ms:,} ms")
        return ", ".join(said[:3]) or self.what

    def parts(self) -> tuple[Part, ...]:
        """Return its fields, cut where the chunk framing cuts them."""
        parts: list[Part] = []
        pieces = deque(_field_parts(self._text()))
        at = done = 0  # in the message's bytes; in the stream's
        for start, end in self.spans:
            parts += framing(self.raw, at, start)
            at = start
            while at < end and pieces:
                piece = pieces[0]
                cut = min(end, at + piece.end - done)
                parts.append(Part(piece.name, at, cut, piece.meaning, piece.is_payload))
                done += cut - at
                at = cut
                if done == piece.end:
                    pieces.popleft()
        return (*parts, *framing(self.raw, at, len(self.raw)))

    def detail(self) -> dict[str, Any]:
        """Return its fields."""
        detail: dict[str, Any] = {"what": self.what}
        block = self.block
        if block is None:
            return detail
        if block.event is not None:
            detail |= {"type": block.event.type, "data": block.event.data}
        if block.id is not None:
            detail["id"] = block.id
        if block.retry_ms is not None:
            detail["retry_ms"] = block.retry_ms
        if block.comments:
            detail["comments"] = list(block.comments)
        if block.event is not None:
            detail["last_event_id"] = block.event.id
        return detail

    def _text(self) -> bytes:
        return b"".join(self.raw[start:end] for start, end in self.spans)


class EventStream:
    """Cuts one stream into its events.

    Attributes:
        lost: whether there is a block that is too large to wait for.
    """

    def __init__(self) -> None:
        self.lost = False
        self._parser = SSEParser()
        self._raw = bytearray()  # from the end of the last event on
        self._spans: list[tuple[int, int, bool]] = []  # of the stream in it; does a chunk end?
        self._cr = b""  # the stream's last byte, until it is known whether an LF belongs to it
        self._ready: deque[Block] = deque()  # complete, and not cut off yet
        self._pending = 0  # bytes of the stream after the last complete block

    def framing(self, data: bytes) -> list[Decoded]:
        """Take chunk framing; return the events that it completes."""
        self._raw += data
        return self._cut()

    def data(self, data: bytes, *, chunk_end: bool) -> list[Decoded]:
        """Take bytes of the stream; return the events that they complete.

        Args:
            data: the bytes.
            chunk_end: whether they end a chunk, so that CRLF follows.
        """
        start = len(self._raw)
        self._raw += data
        if self._spans and self._spans[-1][1] == start and not self._spans[-1][2]:
            start = self._spans.pop()[0]
        self._spans.append((start, len(self._raw), chunk_end))
        data = self._cr + data
        self._cr = b"\r" if data.endswith(b"\r") else b""
        self._pending += len(data) - len(self._cr)
        self._parse(data.removesuffix(self._cr))
        decoded = self._cut()
        self.lost = self.lost or self._pending > EVENT_MAX
        return decoded

    def end(self) -> list[Decoded]:
        """Return what is left, as the stream has ended as it should."""
        self._parse(self._cr)
        decoded = self._cut()
        if self._raw:
            # What an unfinished block says is never dispatched (HTML §9.2.6).
            error = f"byte {self._spans[0][0]}: ends within an event" if self._spans else ""
            decoded.append(self._take(len(self._raw), None, error))
        return decoded

    def give_up(self, wire: bytes) -> tuple[list[Decoded], bytes, int]:
        """Stop, as the stream cannot be read any further.

        Args:
            wire: the bytes that cannot be read.

        Returns:
            The events that are complete, the bytes that are left, and the index in these at
            which they go wrong.
        """
        self._raw += wire
        decoded = self._cut(wait=False)
        at = self._spans[-1][1] if self._spans and not self.lost else 0
        if at and self._raw.startswith(CHUNK_END, at):
            at += len(CHUNK_END)
        rest = bytes(self._raw)
        self._raw.clear()
        return decoded, rest, at

    def _parse(self, data: bytes) -> None:
        for block in self._parser.blocks(data) if data else ():
            self._pending -= block.size
            self._ready.append(block)

    def _cut(self, *, wait: bool = True) -> list[Decoded]:
        decoded: list[Decoded] = []
        while self._ready:
            block = self._ready[0]
            if block.size > EVENT_MAX:
                self.lost = True
                break
            end, ends_chunk = self._place(block.size)
            if ends_chunk:
                if wait and len(self._raw) < end + len(CHUNK_END):
                    break
                if self._raw.startswith(CHUNK_END, end):
                    end += len(CHUNK_END)
            self._ready.popleft()
            decoded.append(self._take(end, block))
        return decoded

    def _place(self, size: int) -> tuple[int, bool]:
        """Return where the next `size` bytes of the stream end, and whether a chunk ends there."""
        for start, stop, chunk_end in self._spans:
            if size <= stop - start:
                return start + size, chunk_end and size == stop - start
            size -= stop - start
        return len(self._raw), False

    def _take(self, end: int, block: Block | None, error: str = "") -> StreamEvent:
        raw = bytes(self._raw[:end])
        spans = tuple((start, min(stop, end)) for start, stop, _ in self._spans if start < end)
        del self._raw[:end]
        self._spans = [
            (max(start, end) - end, stop - end, chunk_end)
            for start, stop, chunk_end in self._spans
            if stop > end
        ]
        if block is not None and not error:
            error = f"byte 0: {block.error}" if block.error else _not_utf8(raw, spans)
        return StreamEvent(raw, spans, block, error)


def _not_utf8(raw: bytes, spans: Spans) -> str:
    text = b"".join(raw[start:end] for start, end in spans)
    try:
        text.decode()
    except UnicodeDecodeError as error:
        at = error.start
        for start, end in spans:
            if at < end - start:
                return f"byte {start + at}: not UTF-8; U+FFFD stands for it (HTML §9.2.6)"
            at -= end - start
    return ""


class _StreamLine(NamedTuple):
    """A line of the stream: where the line and its value begin, and where they end."""

    start: int
    value: int
    end: int
    line_end: int
    name: bytes


class _FieldPart(NamedTuple):
    name: str
    end: int
    meaning: str
    is_payload: bool


def _stream_lines(text: bytes) -> Iterator[_StreamLine]:
    """Yield the lines of a block (HTML §9.2.6)."""
    start = len(_BOM) if text.startswith(_BOM) else 0
    while start < len(text):
        ends = [at for at in (text.find(b"\n", start), text.find(b"\r", start)) if at >= 0]
        end = min(ends, default=len(text))
        line_end = end + (2 if text[end : end + 2] == b"\r\n" else 1 if end < len(text) else 0)
        name, colon, _ = text[start:end].partition(b":")
        value = start + len(name) + len(colon)
        if text[value : value + 1] == b" " and value < end:
            value += 1
        yield _StreamLine(start, value, end, line_end, name)
        start = line_end


def _field_parts(text: bytes) -> Iterator[_FieldPart]:
    """Yield the parts of a block, as if no chunk framing cut it."""
    if text.startswith(_BOM):
        yield _FieldPart("byte order mark", len(_BOM), "ignored", False)
    for field in _stream_lines(text):
        value = text[field.value : field.end].decode("utf-8", "replace")[:MEANING_MAX]
        if field.start == field.end:
            # So is the LF of a CRLF whose CR ended the last block.
            yield _FieldPart("blank line", field.line_end, "the event ends", False)
            continue
        name = field.name.decode("utf-8", "replace")[:MEANING_MAX] or "comment"
        yield _FieldPart(f"{name}:" if field.name else "comment", field.value, name, False)
        if field.value < field.end:
            is_data = field.name == b"data"
            said = byte_count(field.end - field.value) if is_data else value
            yield _FieldPart(f"{name} value", field.end, said, is_data)
        if field.end < field.line_end:
            yield _FieldPart("line end", field.line_end, "", False)
