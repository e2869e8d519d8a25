"""The DataFrames of a trace, column by column; `Trace` documents the columns.

pandas is imported only when a table is made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any

from labserver.wire.message import Kind, Message
from labserver.wire.preview import SUMMARY
from labserver.wire.tape import Direction, Piece, PieceKind
from labserver.wire.websocket_frame import OPCODES, Frame

if TYPE_CHECKING:
    import pandas

HEADERS = 40  # bytes: IPv4 (RFC 791) and TCP (RFC 9293) without options
SEGMENT_MAX = 1460  # bytes: what an Ethernet frame of 1,500 leaves
INT64_MAX = 2**63 - 1  # a hostile frame may declare more; then its length is shown as this
SEGMENTS_PER_ACK = 2  # RFC 9293 §3.8.6.3: at least every second full segment is acknowledged


def messages(rows: Sequence[Message]) -> pandas.DataFrame:
    """Return one row per message."""
    import pandas

    decoded = [message.decoded for message in rows]
    sizes = [each.size for each in decoded]
    payloads = [each.payload for each in decoded]
    return pandas.DataFrame(
        {
            "number": _integers(message.number for message in rows),
            "connection": _integers(message.connection for message in rows),
            "direction": _categories(Direction, [message.direction for message in rows]),
            "kind": _categories(Kind, [each.kind for each in decoded]),
            "began": _floats(message.began_ns / 1e9 for message in rows),
            "sent": _floats(message.sent_ns / 1e9 for message in rows),
            "arrived": _floats(message.arrived for message in rows),
            "size": _integers(sizes),
            "payload": _integers(payloads),
            "overhead": _integers(size - said for size, said in zip(sizes, payloads, strict=True)),
            "summary": pandas.Series([each.summary for each in decoded], dtype="str"),
            "error": pandas.Series([each.error for each in decoded], dtype="str"),
        }
    )


def frames(rows: Sequence[Message]) -> pandas.DataFrame:
    """Return one row per WebSocket frame."""
    import pandas

    both = [(each, each.decoded) for each in rows if isinstance(each.decoded, Frame)]
    just = [frame for _, frame in both]
    opcodes = [*OPCODES.values(), *(f"reserved 0x{n:x}" for n in range(16) if n not in OPCODES)]
    return pandas.DataFrame(
        {
            "number": _integers(message.number for message, _ in both),
            "connection": _integers(message.connection for message, _ in both),
            "direction": _categories(Direction, [message.direction for message, _ in both]),
            "sent": _floats(message.sent_ns / 1e9 for message, _ in both),
            "opcode": pandas.Categorical([f.opcode_name for f in just], categories=opcodes),
            "fin": pandas.Series([f.fin for f in just], dtype="bool"),
            "rsv": _integers(f.rsv for f in just),
            "masked": pandas.Series([f.masked for f in just], dtype="bool"),
            "mask_key": pandas.Series([f.mask_key.hex() for f in just], dtype="str"),
            "length": _integers(min(f.length, INT64_MAX) for f in just),
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


def byte_totals(rows: Sequence[Message], pieces: Sequence[Piece] | None) -> pandas.DataFrame:
    """Return what the bytes were spent on, one row per connection and direction.

    Args:
        rows: the messages that are counted.
        pieces: what was on the wire; None if only the messages are known.
    """
    import pandas

    totals: dict[tuple[int, Direction], Counter[str]] = {}
    for message in rows:
        decoded = message.decoded
        counter = totals.setdefault((message.connection, message.direction), Counter())
        counter["size"] += decoded.size
        counter["payload"] += decoded.payload
        counter["http_headers"] += decoded.http_head
        counter["opaque"] += decoded.opaque
    wire = {key: counter["size"] for key, counter in totals.items()}
    estimate: dict[tuple[int, Direction], int] = {}
    if pieces is not None:
        wire = dict.fromkeys(totals, 0)
        for piece in pieces:
            if (key := (piece.connection, piece.direction)) in wire:
                wire[key] += piece.size
        estimate = tcp_ip_estimate(pieces)
    lines = []
    for (connection, direction), counter in sorted(totals.items(), key=_by_connection):
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
    for name in _TOTALS:
        column = [each[name] for each in lines]
        if name == "direction":
            table[name] = _categories(Direction, column)
        else:
            dtype = "Int64" if name.endswith("estimate") else "int64"
            table[name] = pandas.Series(column, dtype=dtype)
    return pandas.DataFrame(table)


_TOTALS = (
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
    """Estimate what IPv4 and TCP add to each direction of each connection, in bytes.

    The relay reads streams. It does not see how they were cut into segments, which
    acknowledgements were sent along with data, or which options TCP used. So each piece counts as
    segments of its own.
    """
    segments: Counter[tuple[int, Direction]] = Counter()
    others: Counter[tuple[int, Direction]] = Counter()
    for piece in pieces:
        key = (piece.connection, piece.direction)
        back = (piece.connection, _BACK[piece.direction])
        if piece.kind is PieceKind.DATA:
            segments[key] += -(-piece.size // SEGMENT_MAX)
        elif piece.kind is PieceKind.OPEN:
            others[key] += 2  # SYN, and ACK of the other's
            others[back] += 1  # SYN-ACK
        elif piece.kind is PieceKind.END:
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
    """Return a column of an enum's values, with all members as categories, used or not."""
    import numpy
    import pandas

    codes = {member: code for code, member in enumerate(enum)}
    column = numpy.fromiter((codes[value] for value in values), dtype="int8")
    return pandas.Categorical.from_codes(column, [member.value for member in enum])
