"""One direction of HTTP/1.1, cut into messages by h11, which only listens.

What stands here is where messages begin and end, and what becomes of bytes that are wrong. What
a message says is in http1_message.py; what the other direction has to say is in http1.py.
"""

# Theory of operation
#
# A reader gets the bytes that one side of a connection has sent, in any pieces. It passes them
# to h11, one h11 connection per message, and h11 answers with events: a head is complete, some
# data of the body have come, the message has ended. The reader finds out which bytes each event
# stands for, and cuts the messages there.
#
# The reader is always in exactly one of the states below. Only `_move` changes the state, and it
# takes only the moves that TRANSITIONS has: a move that is not there raises a KeyError, and is a
# bug here, never a fault of the bytes. The way of an ordinary message is
#
#     IDLE ──BEGIN──▶ HEAD ──HEAD──▶ BODY ──COMPLETE──▶ IDLE
#
# and these are the exceptions:
#
# - A response of the type text/event-stream has no end to wait for. Its head is a message of its
#   own, and so is each event after it (EVENT_STREAM).
# - A response such as 100 Continue is a message, and another head follows (INTERIM).
# - A request may ask for another protocol. What follows it can be read only once it is answered,
#   so the reader pauses (PAUSED) until it is refused (REFUSED) or the connection switches (LEAVE).
# - A response may say that the connection switches (SWITCH). What follows is for another decoder.
# - What is wrong, or larger than the limits, cannot be mended (FAIL): there may be one message
#   with an error, and all that follows is undecoded (BROKEN).
#
# What is guaranteed:
#
# 1. Each byte is in exactly one message, and the messages are in the order of their bytes.
# 2. How the bytes were cut into pieces makes no difference. Where h11 judges by what has arrived
#    so far, what counts is where the last complete event ended (`_Unfinished.complete`).
# 3. No bytes raise an exception.
# 4. Memory is bounded: a head by HEAD_MAX, a body by BODY_MAX, an event by EVENT_MAX, and what
#    waits while the reader is paused by BODY_MAX.

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

import h11
from h11._state import MIGHT_SWITCH_PROTOCOL  # h11 does not export it

from labserver.wire.decoder import UndecodedStream, cut_off
from labserver.wire.http1_message import HttpMessage
from labserver.wire.message import Decoded, Kind
from labserver.wire.preview import byte_count
from labserver.wire.sse_event import EVENT_MAX, EventStream

HEAD_MAX = 64 * 1024  # bytes of a head, or of a chunk's size line; servers take 8 to 64 KiB
BODY_MAX = 16 * 1024 * 1024  # bytes of a body; a chat message has at most 64 KiB
SLICE = 8 * 1024  # bytes that h11 gets at a time, as it copies what it has not read yet

Head = h11.Request | h11.InformationalResponse | h11.Response

_HEAD_END = re.compile(rb"\n\r?\n")
_FIELD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\x00\r\n]*\r?\n")
_NAMES = {Kind.HTTP_REQUEST: "request", Kind.HTTP_RESPONSE: "response"}
_CHUNKS = "the chunk framing is broken (RFC 9112 §7.1)"


class ReaderState(Enum):
    """Where in the stream the reader is."""

    IDLE = auto()  # between two messages
    HEAD = auto()  # before the end of a head
    BODY = auto()  # after a head, before the end of its message
    EVENT_STREAM = auto()  # in a body that is cut into events
    PAUSED = auto()  # after a request for another protocol, until it is answered
    SWITCHED = auto()  # the bytes are another decoder's
    BROKEN = auto()  # the bytes are not understood any more
    ENDED = auto()  # no more bytes will come


class ReaderMove(Enum):
    """What leads from one state to another."""

    BEGIN = auto()  # the first byte of a message has come
    HEAD = auto()  # a head is complete, and its message goes on
    INTERIM = auto()  # a 1xx response is complete: the response proper follows
    STREAM = auto()  # the head of an event stream is complete
    SWITCH = auto()  # a response is complete that switches protocols: 101, or 2xx to CONNECT
    COMPLETE = auto()  # a message is complete
    ASK = auto()  # a request is complete that asks for another protocol
    REFUSED = auto()  # such a request is answered, and the connection stays HTTP
    FAIL = auto()  # something is wrong or too large
    LEAVE = auto()  # the other direction has switched protocols
    END = auto()  # no more bytes will come


# LEAVE and END may come at any time. A broken stream stays broken at its end, as the other
# direction has to know that what came was not understood.
TRANSITIONS: Mapping[ReaderState, Mapping[ReaderMove, ReaderState]] = {
    ReaderState.IDLE: {
        ReaderMove.BEGIN: ReaderState.HEAD,
        ReaderMove.LEAVE: ReaderState.SWITCHED,
        ReaderMove.END: ReaderState.ENDED,
    },
    ReaderState.HEAD: {
        ReaderMove.HEAD: ReaderState.BODY,
        ReaderMove.INTERIM: ReaderState.HEAD,
        ReaderMove.STREAM: ReaderState.EVENT_STREAM,
        ReaderMove.SWITCH: ReaderState.SWITCHED,
        ReaderMove.FAIL: ReaderState.BROKEN,
        ReaderMove.LEAVE: ReaderState.SWITCHED,
        ReaderMove.END: ReaderState.ENDED,
    },
    ReaderState.BODY: {
        ReaderMove.COMPLETE: ReaderState.IDLE,
        ReaderMove.ASK: ReaderState.PAUSED,
        ReaderMove.FAIL: ReaderState.BROKEN,
        ReaderMove.LEAVE: ReaderState.SWITCHED,
        ReaderMove.END: ReaderState.ENDED,
    },
    ReaderState.EVENT_STREAM: {
        ReaderMove.COMPLETE: ReaderState.IDLE,
        ReaderMove.FAIL: ReaderState.BROKEN,
        ReaderMove.LEAVE: ReaderState.SWITCHED,
        ReaderMove.END: ReaderState.ENDED,
    },
    ReaderState.PAUSED: {
        ReaderMove.REFUSED: ReaderState.IDLE,
        ReaderMove.FAIL: ReaderState.BROKEN,
        ReaderMove.LEAVE: ReaderState.SWITCHED,
        ReaderMove.END: ReaderState.ENDED,
    },
    ReaderState.SWITCHED: {
        ReaderMove.LEAVE: ReaderState.SWITCHED,
    },
    ReaderState.BROKEN: {
        ReaderMove.LEAVE: ReaderState.SWITCHED,
        ReaderMove.END: ReaderState.BROKEN,
    },
    ReaderState.ENDED: {
        ReaderMove.LEAVE: ReaderState.SWITCHED,
    },
}
IN_MESSAGE = frozenset({ReaderState.HEAD, ReaderState.BODY, ReaderState.EVENT_STREAM})


@dataclass(slots=True)
class _Unfinished:
    """The message that is being read.

    Attributes:
        wire: the bytes that h11 has had, and that are in no finished message.
        complete: how many of them make up complete events of h11.
        head: how many bytes the head has; 0 while it is not complete.
        spans: where in `wire` the data of the body stand.
        payload: how many bytes of data there are.
        stream: cuts the body into events, if it is an event stream.
    """

    wire: bytearray = field(default_factory=bytearray)
    complete: int = 0
    head: int = 0
    spans: list[tuple[int, int]] = field(default_factory=list)
    payload: int = 0
    stream: EventStream | None = None

    def drop(self, size: int) -> None:
        """Forget the first bytes, as they are in a finished message."""
        del self.wire[:size]
        self.complete = 0

    def add_data(self, start: int, end: int) -> None:
        """Note where data of the body stand; what follows on them directly is one span."""
        if self.spans and self.spans[-1][1] == start:
            start = self.spans.pop()[0]
        self.spans.append((start, end))


class HttpReader:
    """Cuts one direction of a connection into requests or responses.

    Args:
        kind: the kind of its messages.
        connect: makes the h11 connection that reads the next message.
        on_head: called with each head; returns whether a body of the declared length may follow.
        finish: adds to a message what only the other direction knows.
    """

    def __init__(
        self,
        kind: Kind,
        connect: Callable[[], h11.Connection],
        on_head: Callable[[Head], bool],
        finish: Callable[[HttpMessage], HttpMessage],
    ) -> None:
        self._kind = kind
        self._connect = connect
        self._on_head = on_head
        self._finish = finish
        self._state = ReaderState.IDLE
        self._h11: h11.Connection | None = None  # of the message that is being read
        self._unread = bytearray()  # what h11 has not had yet
        self._current = _Unfinished()
        self._undecoded = UndecodedStream()  # where bytes go once the state is BROKEN

    @property
    def is_paused(self) -> bool:
        """Whether the answer to a request decides what the next bytes are."""
        return self._state is ReaderState.PAUSED

    @property
    def is_busy(self) -> bool:
        """Whether a message has begun, or something came that is not a message."""
        return self._state in IN_MESSAGE or self._state is ReaderState.BROKEN or bool(self._unread)

    def feed(self, data: bytes) -> Iterator[Decoded]:
        """Yield the messages that `data` completes.

        It reads on only as they are taken, so that the caller can act between two messages.
        """
        self._unread += data
        while self._unread and self._state not in (ReaderState.PAUSED, ReaderState.SWITCHED):
            if self._state is ReaderState.BROKEN:
                yield from self._undecoded.feed(self._take_unread())
                return
            if self._state is ReaderState.IDLE:
                self._move(ReaderMove.BEGIN)
                self._h11 = self._connect()
            yield from self._read_slice()
        if self._state is ReaderState.PAUSED and len(self._unread) > BODY_MAX:
            reason = f"byte 0: more than {BODY_MAX:,} bytes before the answer"
            yield from self._give_up(b"", reason)

    def resume(self) -> Iterator[Decoded]:
        """The request for another protocol was refused: yield what waited for that."""
        self._move(ReaderMove.REFUSED)
        yield from self.feed(b"")

    def end(self, *, clean: bool) -> Iterator[Decoded]:
        """Yield what is left, as no more will come.

        Args:
            clean: whether the stream ended with a FIN, which may be the end of a body.
        """
        if self._state is ReaderState.BROKEN:
            yield from self._undecoded.end()
        elif self._state in (ReaderState.BODY, ReaderState.EVENT_STREAM):
            if clean:
                assert self._h11 is not None
                self._h11.receive_data(b"")  # as h11 is told of the end of the stream
                yield from self._read_events()
            if self._state in IN_MESSAGE:
                yield from self._cut_off()
        else:
            rest = bytes(self._current.wire) + self._take_unread()
            yield from cut_off(rest, f"the head of a {_NAMES[self._kind]}")
        self._move(ReaderMove.END)
        self._unread.clear()
        self._current = _Unfinished()

    def leave(self) -> tuple[list[Decoded], bytes]:
        """Read no more, as the bytes are another decoder's.

        Returns:
            What is left of bytes that were not understood, and the bytes that were not read.
        """
        lost = self._undecoded.end()
        rest = bytes(self._current.wire) + self._take_unread()
        self._move(ReaderMove.LEAVE)
        self._current = _Unfinished()
        return lost, rest

    def _move(self, move: ReaderMove) -> None:
        self._state = TRANSITIONS[self._state][move]

    def _take_unread(self) -> bytes:
        unread = bytes(self._unread)
        self._unread.clear()
        return unread

    def _read_slice(self) -> Iterator[Decoded]:
        """Let h11 have some more bytes, but never so many that a limit is missed."""
        assert self._h11 is not None
        current = self._current
        room = current.complete + HEAD_MAX - len(current.wire)
        piece = bytes(self._unread[: min(SLICE, room)])
        del self._unread[: len(piece)]
        current.wire += piece
        self._h11.receive_data(piece)
        yield from self._read_events()

    def _read_events(self) -> Iterator[Decoded]:
        """Yield what h11 makes of the bytes that it has had."""
        while self._state in IN_MESSAGE:
            connection, current = self._h11, self._current
            assert connection is not None
            try:
                event = connection.next_event()
            except h11.RemoteProtocolError as error:
                # After the end of the stream h11 only says that the message is not complete,
                # which `end` says better.
                if not connection.trailing_data[1]:
                    yield from self._fail(
                        str(error) if self._state is ReaderState.HEAD else _CHUNKS
                    )
                return
            used = len(current.wire) - len(connection.trailing_data[0])
            if isinstance(event, Head):
                yield from self._end_head(event, used)
            elif isinstance(event, h11.Data):
                yield from self._read_data(event, used)
            elif isinstance(event, h11.EndOfMessage):
                yield from self._end_message(used)
            else:  # NEED_DATA
                yield from self._pass_framing(used)
                if len(current.wire) - current.complete >= HEAD_MAX:
                    yield from self._fail(f"more than {HEAD_MAX:,} bytes without an end")
                return

    def _end_head(self, event: Head, used: int) -> Iterator[Decoded]:
        """A head is complete, which is the first `used` bytes."""
        current = self._current
        current.head = current.complete = used
        fields = dict(event.headers)
        declared = int(fields.get(b"content-length", b"0"))
        if self._on_head(event) and declared > BODY_MAX and b"transfer-encoding" not in fields:
            at = bytes(current.wire[:used]).lower().find(b"content-length")
            error = f"declares {byte_count(declared)}; more than {BODY_MAX:,} are not read"
            yield from self._split(used, f"byte {at}: {error}")
            return
        assert self._h11 is not None
        if self._h11.their_state is h11.SWITCHED_PROTOCOL:
            move = ReaderMove.SWITCH
        elif isinstance(event, h11.Response) and _is_event_stream(fields):
            move = ReaderMove.STREAM
            current.stream = EventStream()
        elif isinstance(event, h11.InformationalResponse):
            move = ReaderMove.INTERIM
        else:
            self._move(ReaderMove.HEAD)
            return
        # These heads are messages of their own.
        message = self._message(used)
        current.drop(used)
        current.head = used if move is ReaderMove.STREAM else 0
        self._move(move)
        yield message

    def _read_data(self, event: h11.Data, used: int) -> Iterator[Decoded]:
        """Data of the body have come, which end after `used` bytes."""
        current = self._current
        size = len(event.data)
        if current.stream is not None:
            yield from self._pass_framing(used - size)
            current.drop(size)
            yield from current.stream.data(bytes(event.data), chunk_end=event.chunk_end)
            if current.stream.lost:
                yield from self._fail(_CHUNKS)
            return
        current.payload += size
        excess = max(0, current.payload - BODY_MAX)
        current.complete = used - excess
        current.add_data(used - size, current.complete)
        if excess:
            yield from self._fail(f"more than {BODY_MAX:,} bytes of a body are not read")

    def _end_message(self, used: int) -> Iterator[Decoded]:
        """The message is complete with the first `used` bytes; the rest belongs to the next."""
        assert self._h11 is not None
        current = self._current
        decoded: list[Decoded] = []
        if current.stream is None:
            decoded.append(self._message(used))
            current.drop(used)
        else:
            decoded += self._pass_framing(used)
            decoded += current.stream.end()
        asks = self._h11.their_state is MIGHT_SWITCH_PROTOCOL
        self._move(ReaderMove.ASK if asks else ReaderMove.COMPLETE)
        self._unread = current.wire + self._unread
        self._current = _Unfinished()
        yield from decoded

    def _pass_framing(self, used: int) -> list[Decoded]:
        """Give the chunk framing of an event stream to it, before more of the stream comes."""
        current = self._current
        if current.stream is None or not used:
            return []
        decoded = current.stream.framing(bytes(current.wire[:used]))
        complete = current.complete
        current.drop(used)
        current.complete = complete - used  # as framing alone does not complete an event of h11
        return decoded

    def _message(self, size: int, error: str = "") -> HttpMessage:
        """Return the message that the first `size` bytes are."""
        current = self._current
        raw = bytes(current.wire[:size])
        return self._finish(HttpMessage(self._kind, raw, current.head, tuple(current.spans), error))

    def _cut_off(self) -> Iterator[Decoded]:
        """The stream has ended within a body."""
        current = self._current
        size = len(current.wire)
        if current.stream is None:
            yield self._message(size, f"byte {size}: cut off within the body")
            return
        decoded, rest, _ = current.stream.give_up(bytes(current.wire))
        yield from decoded
        yield from cut_off(rest, "an event")

    def _fail(self, reason: str) -> Iterator[Decoded]:
        """Something is wrong: what can be told of the message, then the rest undecoded."""
        if self._current.stream is not None:
            yield from self._fail_in_stream(self._current.stream, reason)
        elif self._state is ReaderState.BODY:
            complete = self._current.complete
            yield from self._split(complete, f"byte {complete}: {reason}")
        else:
            yield from self._fail_in_head(reason)

    def _fail_in_stream(self, stream: EventStream, reason: str) -> Iterator[Decoded]:
        if stream.lost:
            reason = f"an event of more than {EVENT_MAX:,} bytes"
        decoded, rest, at = stream.give_up(bytes(self._current.wire))
        yield from decoded
        yield from self._give_up(rest, f"byte {at}: {reason}")

    def _fail_in_head(self, reason: str) -> Iterator[Decoded]:
        """Return a complete head as a message, whatever is wrong with it; else unknown bytes."""
        current = self._current
        end = _HEAD_END.search(current.wire)
        first = current.wire[0]
        if first <= 0x20:
            # h11 says this before the head is complete, or after: it depends on the pieces.
            reason = f"it cannot begin with 0x{first:02x}"
        if end is None or first <= 0x20:
            error = f"byte 0: not the head of a {_NAMES[self._kind]}: {reason}"
            yield from self._give_up(bytes(current.wire), error)
            return
        current.head = end.end()
        at = _wrong_line(bytes(current.wire[: current.head]))
        yield from self._split(current.head, f"byte {at}: {reason}")

    def _split(self, size: int, error: str) -> Iterator[Decoded]:
        """The first `size` bytes are a message with an error; the rest is not decoded."""
        yield self._message(size, error)
        rest = bytes(self._current.wire[size:])
        yield from self._give_up(rest, f"what follows a broken {_NAMES[self._kind]}")

    def _give_up(self, rest: bytes, reason: str) -> Iterator[Decoded]:
        """Decode nothing any more, from `rest` on."""
        self._move(ReaderMove.FAIL)
        self._current = _Unfinished()
        self._undecoded = UndecodedStream(reason)
        yield from self._undecoded.feed(rest + self._take_unread())


def _is_event_stream(fields: dict[bytes, bytes]) -> bool:
    content_type = fields.get(b"content-type", b"").partition(b";")[0].strip().lower()
    return content_type == b"text/event-stream" and b"content-encoding" not in fields


def _wrong_line(head: bytes) -> int:
    """Return where the first line begins that is not a header field; 0 if all of them are."""
    at = head.find(b"\n") + 1
    while at < len(head):
        end = head.find(b"\n", at) + 1 or len(head)
        text = head[at:end]
        if not _FIELD.fullmatch(text) and text.strip(b"\r\n") and text[:1] not in (b" ", b"\t"):
            return at
        at = end
    return 0
