"""One direction of HTTP/1.1, read by h11 as a passive tap.

Each message has an h11 connection of its own. How many bytes an event took follows from the
length of h11's `trailing_data`; h11 gets the bytes in small slices, as that copies what is left.

What is read depends on the bytes so far and never on how they were cut: wherever h11 looks at
what is there by now, the position of the last complete event counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import h11
from h11._state import MIGHT_SWITCH_PROTOCOL  # which h11 itself leaves out of its names

from labserver.wire.decoded import Blocks, Decoded, count, cut_off
from labserver.wire.http1_message import HttpMessage
from labserver.wire.message import Kind
from labserver.wire.sse_event import EVENT_MAX, EventStream

HEAD_MAX = 64 * 1024  # bytes of a head, or of a chunk's size line; servers take 8 to 64 KiB
BODY_MAX = 16 * 1024 * 1024  # bytes of a body; a chat message has at most 64 KiB
SLICE = 8 * 1024

Head = h11.Request | h11.InformationalResponse | h11.Response

_HEAD_END = re.compile(rb"\n\r?\n")
_FIELD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\x00\r\n]*\r?\n")
_NAMES = {Kind.HTTP_REQUEST: "request", Kind.HTTP_RESPONSE: "response"}
_CHUNKS = "the chunk framing is broken (RFC 9112 §7.1)"


class HttpReader:
    """One direction.

    Args:
        kind: of its messages.
        connect: makes the h11 connection that reads the next message.
        hear: is told of each head; says whether a body as long as it declares may follow.
        finish: adds to a message what only the other direction knows.

    Attributes:
        paused: the answer decides what the next bytes are.
    """

    def __init__(
        self,
        kind: Kind,
        connect: Callable[[], h11.Connection],
        hear: Callable[[Head], bool],
        finish: Callable[[HttpMessage], HttpMessage],
    ) -> None:
        self.paused = False
        self._kind = kind
        self._connect = connect
        self._hear = hear
        self._finish = finish
        self._connection: h11.Connection | None = None
        self._todo = bytearray()  # what h11 has not had
        self._blocks: Blocks | None = None  # where nothing can be understood any more
        self._switched = False
        self._reset()

    def _reset(self) -> None:
        self._wire = bytearray()  # what h11 has had of this message
        self._good = 0  # how many of these make complete events
        self._head = 0
        self._spans: list[tuple[int, int]] = []
        self._payload = 0
        self._stream: EventStream | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a message has begun, or what came was none."""
        return self._blocks is not None or self._connection is not None or bool(self._todo)

    def feed(self, data: bytes) -> Iterator[Decoded]:
        """The messages that `data` completes; it reads on only as they are taken."""
        self._todo += data
        while self._todo and not self.paused and not self._switched:
            if self._blocks is not None:
                rest = bytes(self._todo)
                self._todo.clear()
                yield from self._blocks.feed(rest)
                return
            if self._connection is None:
                self._connection = self._connect()
            room = self._good + HEAD_MAX - len(self._wire)
            piece = bytes(self._todo[: min(SLICE, room)])
            del self._todo[: len(piece)]
            self._wire += piece
            self._connection.receive_data(piece)
            yield from self._events(self._connection)
        if self.paused and len(self._todo) > BODY_MAX:
            self.paused = False
            yield from self._lose(b"", f"byte 0: more than {BODY_MAX:,} bytes before the answer")

    def end(self, *, clean: bool) -> Iterator[Decoded]:
        """No more will come; `clean`: by a FIN, which may be the end of a body."""
        if self._blocks is not None:
            yield from self._blocks.end()
        elif self._connection is None or not self._head:
            rest = bytes(self._wire + self._todo)
            yield from cut_off(rest, f"the head of a {_NAMES[self._kind]}")
        else:
            if clean:
                self._connection.receive_data(b"")
                yield from self._events(self._connection)
            if self._connection is not None:
                yield from self._cut_off()
        self._connection = None
        self._todo.clear()
        self._reset()

    def leave(self) -> tuple[list[Decoded], bytes]:
        """Read no more: what is left of what was not understood, and what has not been read."""
        lost = self._blocks.end() if self._blocks is not None else []
        rest = bytes(self._wire + self._todo)
        self._switched = True
        self._todo.clear()
        self._reset()
        return lost, rest

    def _events(self, connection: h11.Connection) -> Iterator[Decoded]:
        """What h11 makes of the bytes that it has had."""
        while connection is self._connection:
            try:
                event = connection.next_event()
            except h11.RemoteProtocolError as error:
                if not connection.trailing_data[1]:  # else: the end is not the end of the message
                    yield from self._break(str(error))
                return
            used = len(self._wire) - len(connection.trailing_data[0])
            if isinstance(event, h11.Data):
                yield from self._on_data(event, used)
            elif isinstance(event, h11.EndOfMessage):
                yield from self._on_end(connection, used)
            elif isinstance(event, Head):
                yield from self._on_head(connection, event, used)
            else:  # NEED_DATA
                yield from self._pass_framing(used)
                if len(self._wire) - self._good >= HEAD_MAX:
                    yield from self._break(f"more than {HEAD_MAX:,} bytes without an end")
                return

    def _on_head(self, connection: h11.Connection, event: Head, used: int) -> Iterator[Decoded]:
        self._head = self._good = used
        fields = dict(event.headers)
        declared = int(fields.get(b"content-length", b"0"))
        if self._hear(event) and declared > BODY_MAX and b"transfer-encoding" not in fields:
            at = bytes(self._wire[:used]).lower().find(b"content-length")
            error = f"declares {count(declared)}; more than {BODY_MAX:,} are not read"
            yield from self._break_after(used, f"byte {at}: {error}")
            return
        is_stream = isinstance(event, h11.Response) and _is_event_stream(fields)
        self._switched = connection.their_state is h11.SWITCHED_PROTOCOL
        if is_stream or self._switched or isinstance(event, h11.InformationalResponse):
            message = self._message(used)
            self._drop(used)
            self._head = used if is_stream else 0
            self._stream = EventStream() if is_stream else None
            if self._switched:
                self._connection = None
            yield message

    def _on_data(self, event: h11.Data, used: int) -> Iterator[Decoded]:
        data = bytes(event.data)
        start = used - len(data)
        if self._stream is not None:
            yield from self._pass_framing(start)
            self._drop(len(data))
            yield from self._stream.data(data, chunk_end=event.chunk_end)
            if self._stream.lost:
                yield from self._break(f"an event of more than {EVENT_MAX:,} bytes")
            return
        if self._spans and self._spans[-1][1] == start:
            start = self._spans.pop()[0]
        self._payload += len(data)
        excess = max(0, self._payload - BODY_MAX)
        self._good = used - excess
        self._spans.append((start, self._good))
        if excess:
            yield from self._break(f"more than {BODY_MAX:,} bytes of a body are not read")

    def _on_end(self, connection: h11.Connection, used: int) -> Iterator[Decoded]:
        self.paused = connection.their_state is MIGHT_SWITCH_PROTOCOL
        found: list[Decoded] = []
        if self._stream is None:
            found.append(self._message(used))
            self._drop(used)
        else:
            found += self._pass_framing(used)
            found += self._stream.end()
        self._todo = self._wire + self._todo
        self._connection = None
        self._reset()
        yield from found

    def _pass_framing(self, used: int) -> list[Decoded]:
        """Give the chunk framing of an event stream to it, before more of the stream comes."""
        if self._stream is None or not used:
            return []
        found = self._stream.framing(bytes(self._wire[:used]))
        good = self._good
        self._drop(used)
        self._good = good - used  # as no event is complete by that
        return found

    def _drop(self, used: int) -> None:
        """The first bytes have found their message."""
        del self._wire[:used]
        self._good = 0

    def _message(self, size: int, error: str = "") -> HttpMessage:
        raw = bytes(self._wire[:size])
        return self._finish(HttpMessage(self._kind, raw, self._head, tuple(self._spans), error))

    def _cut_off(self) -> Iterator[Decoded]:
        if self._stream is None:
            yield self._message(len(self._wire), f"byte {len(self._wire)}: cut off within the body")
            return
        found, rest, _ = self._stream.give_up(bytes(self._wire))
        yield from found
        yield from cut_off(rest, "an event")

    def _break(self, reason: str) -> Iterator[Decoded]:
        """What is wrong cannot be mended: one message that says it, the rest as it is."""
        if not reason.startswith("more"):
            reason = _CHUNKS if self._head and not (self._stream and self._stream.lost) else reason
        if self._stream is not None:
            found, rest, at = self._stream.give_up(bytes(self._wire))
            yield from found
            yield from self._lose(rest, f"byte {at}: {reason}")
        elif self._head:
            yield from self._break_after(self._good, f"byte {self._good}: {reason}")
        else:
            end = _HEAD_END.search(self._wire)
            if end is None or self._wire[0] <= 0x20:
                if self._wire[0] <= 0x20:  # h11 says so before the head is complete, or after it
                    reason = f"it cannot begin with 0x{self._wire[0]:02x}"
                name = _NAMES[self._kind]
                yield from self._lose(bytes(self._wire), f"byte 0: no head of a {name}: {reason}")
                return
            self._head = end.end()
            at = _wrong_line(bytes(self._wire[: self._head]))
            yield from self._break_after(self._head, f"byte {at}: {reason}")

    def _break_after(self, size: int, error: str) -> Iterator[Decoded]:
        yield self._message(size, error)
        yield from self._lose(
            bytes(self._wire[size:]), f"what follows a broken {_NAMES[self._kind]}"
        )

    def _lose(self, rest: bytes, reason: str) -> Iterator[Decoded]:
        rest += bytes(self._todo)
        self._todo.clear()
        self._reset()
        self._connection = None
        self._blocks = Blocks(reason)
        yield from self._blocks.feed(rest)


def _is_event_stream(fields: dict[bytes, bytes]) -> bool:
    content_type = fields.get(b"content-type", b"").partition(b";")[0].strip().lower()
    return content_type == b"text/event-stream" and b"content-encoding" not in fields


def _wrong_line(head: bytes) -> int:
    """Where the first header line begins that is none; 0 where all of them look right."""
    at = head.find(b"\n") + 1
    while at < len(head):
        end = head.find(b"\n", at) + 1 or len(head)
        text = head[at:end]
        if not _FIELD.fullmatch(text) and text.strip(b"\r\n") and text[:1] not in (b" ", b"\t"):
            return at
        at = end
    return 0
