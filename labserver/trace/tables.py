"""The DataFrames of a trace, column by column; `Trace` says what the columns are.

pandas is imported when a table is made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any

from labserver.wire.decoded import SUMMARY, Sighting, seconds
from labserver.wire.message import Kind
from labserver.wire.tape import Direction, Piece, PieceKind
from labserver.wire.websocket_frame import OPCODES, Frame

if TYPE_CHECKING:
    import pandas

    Rows = Sequence[tuple[int, Sighting]]

HEADERS = 40  # bytes: IPv4 (RFC 791) and TCP (RFC 9293) without options
SEGMENT_MAX = 1460  # bytes: what an Ethernet frame of 1,500 leaves
SEGMENTS_PER_ACK = 2  # RFC 9293 §3.8.6.3: at least every second full one is acknowledged


def messages(rows: Rows) -> pandas.DataFrame:
    """One row a message."""
    import pandas

    sightings = [sighting for _, sighting in rows]
    founds = [sighting.found for sighting in sightings]
    sizes = [found.size for found in founds]
    payloads = [found.payload for found in founds]
    return pandas.DataFrame(
        {
            "number": _integers(number for number, _ in rows),
            "connection": _integers(sighting.connection for sighting in sightings),
            "direction": _categories(Direction, [s.direction for s in sightings]),
            "kind": _categories(Kind, [found.kind for found in founds]),
            "began": _floats(sighting.began_ns / 1e9 for sighting in sightings),
            "sent": _floats(sighting.sent_ns / 1e9 for sighting in sightings),
            "arrived": _floats(seconds(sighting.arrived_ns) for sighting in sightings),
            "size": _integers(sizes),
            "payload": _integers(payloads),
            "overhead": _integers(size - said for size, said in zip(sizes, payloads, strict=True)),
            "summary": pandas.Series([found.summary for found in founds], dtype="str"),
            "error": pandas.Series([found.error for found in founds], dtype="str"),
        }
    )


def frames(rows: Rows) -> pandas.DataFrame:
    """One row a WebSocket frame."""
    import pandas

    found = [(n, s, s.found) for n, s in rows if isinstance(s.found, Frame)]
    just = [frame for _, _, frame in found]
    opcodes = [*OPCODES.values(), *(f"reserved 0x{n:x}" for n in range(16) if n not in OPCODES)]
    return pandas.DataFrame(
        {
            "number": _integers(number for number, _, _ in found),
            "connection": _integers(sighting.connection for _, sighting, _ in found),
            "direction": _categories(Direction, [s.direction for _, s, _ in found]),
            "sent": _floats(sighting.sent_ns / 1e9 for _, sighting, _ in found),
            "opcode": pandas.Categorical([f.opcode_name for f in just], categories=opcodes),
            "fin": pandas.Series([f.fin for f in just], dtype="bool"),
            "rsv": _integers(f.rsv for f in just),
            "masked": pandas.Series([f.masked for f in just], dtype="bool"),
            "mask_key": pandas.Series([f.mask_key.hex() for f in just], dtype="str"),
            "length": _integers(f.length for f in just),
            "inflated": pandas.Series(
                [None if f.inflated is None else f.inflated.size for f in just], dtype="Int64"
            ),
            "head": _integers(len(f.head) for f in just),
            "message": _integers(f.number for f in just),
            "payload": pandas.Series([_payload(f) for f in just], dtype="str"),
            "close_code": pandas.Series([f.close_code for f in just], dtype="Int64"),
            "reason": pandas.Series([f.reason for f in just], dtype="str"),
            "error": pandas.Series([f.error for f in just], dtype="str"),
        }
    )


def bytes_spent(rows: Rows, pieces: Sequence[Piece] | None) -> pandas.DataFrame:
    """What the bytes were spent on.

    Args:
        rows: the messages that are counted.
        pieces: what was on the wire; None: only the messages are known.
    """
    import pandas

    spent: dict[tuple[int, Direction], Counter[str]] = {}
    for _, sighting in rows:
        found = sighting.found
        counter = spent.setdefault((sighting.connection, sighting.direction), Counter())
        counter["size"] += found.size
        counter["payload"] += found.payload
        counter["http_headers"] += found.http_head
        counter["opaque"] += found.opaque
    wire = {key: counter["size"] for key, counter in spent.items()}
    estimate: dict[tuple[int, Direction], int] = {}
    if pieces is not None:
        wire = dict.fromkeys(spent, 0)
        for piece in pieces:
            if (key := (piece.connection, piece.direction)) in wire:
                wire[key] += piece.size
        estimate = tcp_ip_estimate(pieces)
    lines = []
    for (connection, direction), counter in sorted(spent.items(), key=_by_connection):
        known = counter["payload"] + counter["http_headers"] + counter["opaque"]
        carried = wire[connection, direction]
        added = estimate.get((connection, direction))
        lines.append(
            {
                "connection": connection,
                "direction": direction,
                "payload": counter["payload"],
                "framing": counter["size"] - known,
                "http_headers": counter["http_headers"],
                "opaque": counter["opaque"],
                "not_decoded": carried - counter["size"],
                "wire": carried,
                "tcp_ip_estimate": added,
                "total_estimate": None if added is None else carried + added,
            }
        )
    table: dict[str, Any] = {}
    for name in _SPENT:
        column = [each[name] for each in lines]
        if name == "direction":
            table[name] = _categories(Direction, column)
        else:
            dtype = "Int64" if name.endswith("estimate") else "int64"
            table[name] = pandas.Series(column, dtype=dtype)
    return pandas.DataFrame(table)


_SPENT = (
    "connection",
    "direction",
    "payload",
    "framing",
    "http_headers",
    "opaque",
    "not_decoded",
    "wire",
    "tcp_ip_estimate",
    "total_estimate",
)


def tcp_ip_estimate(pieces: Sequence[Piece]) -> dict[tuple[int, Direction], int]:
    """What IPv4 and TCP add to each direction of each connection, in bytes; an estimate.

    The relay reads a stream: how it was cut into segments, which acknowledgements rode on data
    and which options TCP used is not seen. Each piece counts as segments of its own.
    """
    segments: Counter[tuple[int, Direction]] = Counter()
    others: Counter[tuple[int, Direction]] = Counter()
    for piece in pieces:
        key = (piece.connection, piece.direction)
        back = (piece.connection, _BACK[piece.direction])
        if piece.what is PieceKind.DATA:
            segments[key] += -(-piece.size // SEGMENT_MAX)
        elif piece.what is PieceKind.OPEN:
            others[key] += 2  # SYN, and ACK of the other's
            others[back] += 1  # SYN-ACK
        elif piece.what is PieceKind.END:
            others[key] += 1  # FIN
            others[back] += 1  # its ACK
        else:
            others[key] += 1  # RST
    return {
        (connection, direction): HEADERS
        * (
            segments[connection, direction]
            + others[connection, direction]
            + -(-segments[connection, _BACK[direction]] // SEGMENTS_PER_ACK)
        )
        for connection, direction in {
            (piece.connection, direction) for piece in pieces for direction in Direction
        }
    }


_BACK = {Direction.UP: Direction.DOWN, Direction.DOWN: Direction.UP}


def _by_connection(item: tuple[tuple[int, Direction], object]) -> tuple[int, str]:
    (connection, direction), _ = item
    return connection, "" if direction is Direction.UP else direction.value


def _payload(frame: Frame) -> str:
    data = frame.data if frame.inflated is None else frame.inflated.start
    text = None if frame.opcode_name in ("binary", "close") else frame.text
    shown = data[: SUMMARY // 3 + 1].hex(" ") if text is None else text
    return shown if len(shown) <= SUMMARY else shown[: SUMMARY - 1] + "…"


def _integers(values: Any) -> Any:
    import numpy

    return numpy.fromiter(values, dtype="int64")


def _floats(values: Any) -> Any:
    import numpy

    return numpy.fromiter(values, dtype="float64")


def _categories(enum: type[Enum], values: list[Any]) -> Any:
    """A column of an enum's values; all of them are its categories, whether they occur or not."""
    import numpy
    import pandas

    codes = {member: code for code, member in enumerate(enum)}
    column = numpy.fromiter((codes[value] for value in values), dtype="int8")
    return pandas.Categorical.from_codes(column, [member.value for member in enum])
