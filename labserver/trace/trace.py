"""A trace: what a relay has seen, as messages.

trace = server.trace                      # live: it grows as messages pass
trace[0], trace[-5:], len(trace)          # messages
trace.only(kind=Kind.WEBSOCKET_FRAME)     # a trace of some of them
trace.messages(), trace.frames(), trace.bytes()     # DataFrames
trace.save("chat.trace"), Trace.load("chat.trace"), trace.to_pcapng("chat.pcapng")
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import Enum
from itertools import count
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from labserver.errors import LabError
from labserver.trace import tables
from labserver.trace.file import read_trace, write_trace
from labserver.trace.pcapng import write_pcapng
from labserver.wire.connection_decoder import ConnectionDecoder
from labserver.wire.message import Kind, Message
from labserver.wire.tape import Direction, Piece, Tape

if TYPE_CHECKING:
    import pandas

PORT = 80  # if the server's port is not known

E = TypeVar("E", bound=Enum)


class Trace:
    """Messages in the order in which their last bytes were sent.

    Args:
        tape: what a relay records; the trace grows with it.
        port: the server's port, as clients see it; for `to_pcapng`.
        ended: whether nothing more will be recorded, so that what is unfinished is cut off.
        lock: entered while the trace catches up with the tape; a lock if threads share it.
    """

    def __init__(
        self,
        tape: Tape | None = None,
        *,
        port: int = PORT,
        ended: bool = False,
        lock: AbstractContextManager[object] | None = None,
    ) -> None:
        self.port = port
        self._source = _Source(Tape() if tape is None else tape, ended, lock or nullcontext())
        self._chosen = _Choice()
        self._index: list[int] | None = None  # places of the chosen messages; None: all are chosen
        self._looked = 0  # how many of the source's messages have been looked at

    def only(
        self,
        *,
        kind: Kind | str | Iterable[Kind | str] | None = None,
        connection: int | Iterable[int] | None = None,
        direction: Direction | str | None = None,
    ) -> Trace:
        """Return a trace of some of the messages.

        They keep their numbers, and the trace grows as this one does.

        Args:
            kind: one or several kinds, or their names, such as `"WebSocket frame"`.
            connection: the numbers of one or several connections.
            direction: `"up"` or `"down"`.

        Raises:
            LabError: if there is no such kind or direction.
        """
        some = Trace.__new__(Trace)
        some.port = self.port
        some._source = self._source
        some._chosen = self._chosen.narrowed(
            None if kind is None else frozenset(_members(Kind, kind)),
            None if connection is None else frozenset(_numbers(connection)),
            None if direction is None else frozenset(_members(Direction, direction)),
        )
        some._index = []
        some._looked = 0
        return some

    def __len__(self) -> int:
        messages = self._source.messages()
        return len(messages) if self._index is None else len(self._chosen_of(messages))

    @overload
    def __getitem__(self, index: int) -> Message: ...

    @overload
    def __getitem__(self, index: slice) -> list[Message]: ...

    def __getitem__(self, index: int | slice) -> Message | list[Message]:
        messages = self._source.messages()
        if self._index is None:
            return messages[index]
        places = self._chosen_of(messages)[index]
        return messages[places] if isinstance(places, int) else [messages[at] for at in places]

    def __iter__(self) -> Iterator[Message]:
        return iter(self._all())

    def __repr__(self) -> str:
        messages = self._all()
        size = sum(message.size for message in messages)
        full = ", the tape was full" if self.full else ""
        connections = len({message.connection for message in messages})
        return (
            f"<Trace: {len(messages):,} messages, {connections:,} connections,"
            f" {size:,} bytes{full}>"
        )

    @property
    def connections(self) -> tuple[int, ...]:
        """The numbers of the connections that it has messages of."""
        return tuple(sorted({message.connection for message in self._all()}))

    @property
    def began_ns(self) -> int | None:
        """When it began, in nanoseconds since 1970; None if that was not recorded."""
        return self._source.tape.began_ns

    @property
    def full(self) -> bool:
        """Whether there was more than the tape keeps; the rest is counted, but not decoded."""
        return self._source.tape.full

    def messages(self) -> pandas.DataFrame:
        """Return a table with one row per message.

        Returns:
            `number`, `connection` int64; `direction`, `kind` categories of their names; `began`,
            `sent`, `arrived` float64, seconds since the trace began (infinite: never);
            `size`, `payload`, `overhead` int64, bytes; `summary`, `error` str.
        """
        return tables.messages(self._all())

    def frames(self) -> pandas.DataFrame:
        """Return a table with one row per WebSocket frame.

        Returns:
            `number`, `connection` int64; `direction`, `opcode` categories; `sent` float64,
            seconds; `fin`, `masked` bool; `rsv` int64, RSV1 is 4; `mask_key` str, hex;
            `length` int64, as declared; `inflated` Int64, bytes where it was compressed; `head`
            int64, bytes before the payload; `message` int64, the number of its message in its
            direction (0: none); `payload` str, its beginning as text or hex; `close_code`
            Int64; `reason`, `error` str.
        """
        return tables.frames(self._all())

    def bytes(self) -> pandas.DataFrame:
        """Return what the bytes were spent on, one row per connection and direction.

        Returns:
            int64 columns `connection`, `payload`, `framing` (of WebSocket, SSE, chunks, HTTP/2,
            TLS), `http_headers`, `opaque` (encrypted or unknown), `not_decoded` (unfinished, or
            past the tape's limit) add up to `wire`, what TCP carried. `direction` is a category.
            Int64 `tcp_ip_estimate` is what IPv4 and TCP would add in headers of 20 bytes each:
            for each segment of at most 1,460 bytes, an acknowledgement of every second one, the
            three-way handshake and the end; with `wire` it makes `total_estimate`. Both are
            missing if only some kinds of messages were chosen, as these share segments with others.
        """
        pieces = None if self._chosen.kinds is not None else self._pieces()
        return tables.byte_totals(self._all(), pieces)

    def save(self, path: str | PathLike[str]) -> Path:
        """Save the trace in one compressed file, completely or not at all.

        What was on the wire is saved, including tokens, and is decoded again by `load`. If only
        some messages were chosen, everything on their connections is saved and numbered anew.

        Raises:
            LabError: if it cannot be written.
        """
        return write_trace(Path(path), self._pieces(), self.port, self.began_ns)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Trace:
        """Load a trace that was saved; the file may come from anywhere.

        Raises:
            LabError: if there is no such file, or it is not a trace, damaged or of a newer version.
        """
        pieces, port, began_ns = read_trace(Path(path))
        tape = Tape()
        tape.began_ns = began_ns
        for piece in pieces:
            tape.add(piece)
        tape.full = tape.full or any(len(piece.data) < piece.size for piece in pieces)
        return cls(tape, port=port, ended=True)

    def to_pcapng(self, path: str | PathLike[str]) -> Path:
        """Write the trace for Wireshark, with made-up TCP/IP headers, as the relay reads streams.

        If only some messages were chosen, everything on their connections is written.

        Raises:
            LabError: if it cannot be written.
        """
        return write_pcapng(Path(path), self._pieces(), self.port)

    def _all(self) -> list[Message]:
        """Return its messages as they are now; the list does not grow."""
        messages = self._source.messages()
        if self._index is None:
            return messages[:]
        return [messages[place] for place in self._chosen_of(messages)[:]]

    def _chosen_of(self, messages: list[Message]) -> list[int]:
        """Return the places of the messages that were chosen; the list grows."""
        assert self._index is not None
        with self._source.lock:
            for place in range(self._looked, len(messages)):
                if self._chosen.has(messages[place]):
                    self._index.append(place)
                self._looked = place + 1
        return self._index

    def _pieces(self) -> list[Piece]:
        """Return all pieces of the connections that it has messages of."""
        pieces = self._source.tape.pieces[:]
        if self._index is None:
            return pieces
        chosen = frozenset(self.connections)
        return [piece for piece in pieces if piece.connection in chosen]


class _Source:
    """A tape and its messages; it is decoded as far as it has been looked at."""

    def __init__(self, tape: Tape, ended: bool, lock: AbstractContextManager[object]) -> None:
        self.tape = tape
        self.lock = lock
        self._ended = ended
        self._messages: list[Message] = []
        self._numbers = count(1)
        self._read = 0  # pieces
        self._decoders: dict[int, ConnectionDecoder] = {}

    def messages(self) -> list[Message]:
        """Return all messages so far; the list only grows."""
        with self.lock:
            while self._read < len(self.tape.pieces):
                piece = self.tape.pieces[self._read]
                self._read += 1
                decoder = self._decoders.get(piece.connection)
                if decoder is None:
                    decoder = ConnectionDecoder(piece.connection, self._numbers)
                    self._decoders[piece.connection] = decoder
                self._messages += decoder.feed(piece)
            if self._ended:
                self._ended = False
                for decoder in self._decoders.values():
                    self._messages += decoder.close()
        return self._messages


@dataclass(frozen=True, slots=True)
class _Choice:
    """Which messages are chosen; None stands for any."""

    kinds: frozenset[Kind] | None = None
    connections: frozenset[int] | None = None
    directions: frozenset[Direction] | None = None

    def narrowed(
        self,
        kinds: frozenset[Kind] | None,
        connections: frozenset[int] | None,
        directions: frozenset[Direction] | None,
    ) -> _Choice:
        return _Choice(
            _both(self.kinds, kinds),
            _both(self.connections, connections),
            _both(self.directions, directions),
        )

    def has(self, message: Message) -> bool:
        return (
            (self.kinds is None or message.kind in self.kinds)
            and (self.connections is None or message.connection in self.connections)
            and (self.directions is None or message.direction in self.directions)
        )


T = TypeVar("T")


def _both(one: frozenset[T] | None, other: frozenset[T] | None) -> frozenset[T] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _members(enum: type[E], given: Any) -> list[E]:
    """Return members of an enum, given as such, by value or by name; one or several."""
    members = []
    for each in [given] if isinstance(given, enum | str) else given:
        names = {str(member.value).lower(): member for member in enum}
        names |= {member.name.lower(): member for member in enum}
        member = each if isinstance(each, enum) else names.get(str(each).lower())
        if member is None:
            known = ", ".join(repr(member.value) for member in enum)
            raise LabError(f"There is no {enum.__name__.lower()} {each!r}; choose one of {known}.")
        members.append(member)
    return members


def _numbers(given: int | Iterable[int]) -> list[int]:
    return [given] if isinstance(given, int) else list(given)
