"""`text/event-stream`, decoded by the WHATWG rules (HTML §9.2.6), however the bytes are cut.

The unit is the line, which ends in LF, CRLF or CR; chunks do not matter. So the bytes are cut
into lines, and only whole lines are decoded as text. A block is what lies between two blank
lines; it may be an event, or only a comment, an id or a retry. The parser never raises; it skips
a block that is too large, and the block's `error` says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

BLOCK_MAX = 1024 * 1024  # bytes; our events have at most 64 KiB

_LINE_END = re.compile(rb"\r\n|\n|\r")
_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class SSEEvent:
    """An event, as `EventSource` would dispatch it.

    Attributes:
        type: `message`, unless the stream names another type.
        data: its data lines, joined by LF.
        id: the last event id, which may come from an earlier block.
    """

    type: str
    data: str
    id: str


@dataclass(slots=True)
class Block:
    """What lies between two blank lines.

    Attributes:
        size: the number of its bytes in the stream, including the blank line.
        event: the event that is dispatched; None if there is no data.
        id: the id that it sets, if any.
        retry_ms: the reconnection time that it sets, in milliseconds, if any.
        comments: the texts of its comments.
        error: what is wrong with it; empty if nothing is.
    """

    size: int = 0
    event: SSEEvent | None = None
    id: str | None = None
    retry_ms: int | None = None
    comments: list[str] = field(default_factory=list)
    error: str = ""


class SSEParser:
    """Parses one stream.

    Attributes:
        last_event_id: what a client sends as `Last-Event-ID` when it reconnects.
        retry_ms: the reconnection time that the stream asked for, in milliseconds, if any.
    """

    def __init__(self) -> None:
        self.last_event_id = ""
        self.retry_ms: int | None = None
        self._start = b""  # until it is clear whether the stream begins with a BOM
        self._begun = False
        self._after_cr = False  # the line has ended; an LF that follows belongs to its end
        self._pieces: list[bytes] = []  # of the line that has not ended yet
        self._kept = 0  # bytes of the block that are kept
        self._block = Block()
        self._data: list[str] = []
        self._type = ""

    def feed(self, chunk: bytes) -> list[SSEEvent]:
        """Return the events that `chunk` completes.

        Args:
            chunk: the next bytes of the stream; any number of them.
        """
        return [block.event for block in self.blocks(chunk) if block.event is not None]

    def blocks(self, chunk: bytes) -> list[Block]:
        """Return the blocks that `chunk` completes, whether they are events or not."""
        self._block.size += len(chunk)
        chunk = self._without_bom(chunk)
        if self._after_cr and chunk:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        if chunk.endswith(b"\r"):
            self._after_cr = True
        complete: list[Block] = []
        start = 0
        for end in _LINE_END.finditer(chunk):
            self._pieces.append(chunk[start : end.start()])
            line, self._pieces = b"".join(self._pieces), []
            start = end.end()
            if line:
                self._read(line)
            else:
                complete.append(self._finish(len(chunk) - start))
        self._keep(chunk[start:])
        return complete

    def _without_bom(self, chunk: bytes) -> bytes:
        if self._begun:
            return chunk
        self._start += chunk
        if len(self._start) < len(_BOM) and _BOM.startswith(self._start):
            return b""
        self._begun = True
        return self._start.removeprefix(_BOM)

    def _keep(self, rest: bytes) -> None:
        self._kept += len(rest)
        if self._kept <= BLOCK_MAX:
            self._pieces.append(rest)
        else:
            self._block.error = f"more than {BLOCK_MAX:,} bytes without a blank line"
            self._pieces = []

    def _read(self, line: bytes) -> None:
        self._kept += len(line)
        if self._kept > BLOCK_MAX:
            self._block.error = f"more than {BLOCK_MAX:,} bytes without a blank line"
            return
        text = line.decode("utf-8", "replace")
        name, colon, value = text.partition(":")
        value = value.removeprefix(" ")
        if not name and colon:
            self._block.comments.append(value)
        elif name == "data":
            self._data.append(value)
        elif name == "event":
            self._type = value
        elif name == "id" and "\0" not in value:
            self._block.id = value
        elif name == "retry" and _DIGITS.fullmatch(value):
            self._block.retry_ms = self.retry_ms = int(value[:18])

    def _finish(self, rest: int) -> Block:
        """End the block at a blank line, `rest` bytes before the end of the chunk."""
        block = self._block
        block.size -= rest
        if block.id is not None:
            self.last_event_id = block.id
        if self._data and not block.error:
            data = "\n".join(self._data)
            block.event = SSEEvent(self._type or "message", data, self.last_event_id)
        self._block = Block(size=rest)
        self._data, self._type, self._kept = [], "", 0
        return block
