"""The DataFrames of a trace: columns that stay, and sizes that add up."""

from __future__ import annotations

import math

import pandas
import pytest
from websockets.frames import Close, Frame, Opcode

from labserver.trace.tables import tcp_ip_estimate
from labserver.trace.trace import Trace
from labserver.wire.message import Kind
from labserver.wire.tape import Piece, PieceKind, Tape
from tests.wire.conversations import CONVERSATIONS, DOWN, HANDSHAKE, UP, pieces, trace_of, ws

MESSAGES = {
    "number": "int64",
    "connection": "int64",
    "direction": "category",
    "kind": "category",
    "began": "float64",
    "sent": "float64",
    "arrived": "float64",
    "size": "int64",
    "payload": "int64",
    "overhead": "int64",
    "summary": "str",
    "error": "str",
}
FRAMES = {
    "number": "int64",
    "connection": "int64",
    "direction": "category",
    "sent": "float64",
    "opcode": "category",
    "fin": "bool",
    "rsv": "int64",
    "masked": "bool",
    "mask_key": "str",
    "length": "int64",
    "inflated": "Int64",
    "head": "int64",
    "message": "int64",
    "payload": "str",
    "close_code": "Int64",
    "reason": "str",
    "error": "str",
}
BYTES = {
    "connection": "int64",
    "direction": "category",
    "payload": "int64",
    "framing": "int64",
    "http_headers": "int64",
    "opaque": "int64",
    "not_decoded": "int64",
    "wire": "int64",
    "tcp_ip_estimate": "Int64",
    "total_estimate": "Int64",
}


@pytest.mark.parametrize("given", [(), tuple(CONVERSATIONS.values())], ids=["empty", "all"])
def test_columns_and_their_types_stay(given: tuple) -> None:
    trace = trace_of(*given)
    for table, columns in (
        (trace.messages(), MESSAGES),
        (trace.frames(), FRAMES),
        (trace.bytes(), BYTES),
    ):
        assert {name: str(dtype) for name, dtype in table.dtypes.items()} == columns


def test_a_row_says_what_its_message_says() -> None:
    trace = trace_of(*CONVERSATIONS.values())
    table = trace.messages()
    for message, row in zip(trace, table.itertuples(), strict=True):
        assert (row.number, row.connection, row.kind) == (
            message.number,
            message.connection,
            message.kind.value,
        )
        assert (row.size, row.payload, row.overhead) == (
            len(message.raw),
            message.payload,
            message.overhead,
        )
        assert (row.began, row.sent, row.arrived) == (message.began, message.sent, message.arrived)
        assert (row.summary, row.error) == (message.summary, message.error)


def test_a_row_a_frame() -> None:
    close = Frame(Opcode.CLOSE, Close(1001, "bye").serialize())
    said = (
        *HANDSHAKE,
        (UP, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"),
        (DOWN, ws(DOWN, Frame(Opcode.BINARY, bytes(300)), close)),
    )
    table = trace_of(said).frames()
    assert list(table["opcode"]) == ["text", "binary", "close"]
    assert list(table["masked"]) == [True, False, False]
    assert list(table["mask_key"]) == ["37fa213d", "", ""]
    assert list(table["length"]) == [5, 300, 5]
    assert list(table["head"]) == [6, 4, 2]
    assert table["payload"][0] == "Hello"
    assert table["payload"][1].startswith("00 00")
    assert table["close_code"][2] == 1001
    assert pandas.isna(table["close_code"][0])
    assert table["reason"][2] == "bye"


def test_the_bytes_add_up_to_what_was_on_the_wire() -> None:
    trace = trace_of(*CONVERSATIONS.values())
    table = trace.bytes()
    spent = table[["payload", "framing", "http_headers", "opaque", "not_decoded"]].sum(axis=1)
    assert (spent == table["wire"]).all()
    wire = {
        (connection, direction.value): sum(len(data) for each, data in said if each is direction)
        for connection, said in enumerate(CONVERSATIONS.values(), 1)
        for direction in (UP, DOWN)
    }
    for row in table.itertuples():
        assert row.wire == wire[row.connection, row.direction]
        assert row.total_estimate == row.wire + row.tcp_ip_estimate


def test_what_is_unfinished_or_was_not_kept_is_counted() -> None:
    tape = Tape(limit_bytes=400)
    for piece in pieces((*HANDSHAKE, (DOWN, b"\x81\x05He")), ends=False):
        tape.add(piece)
    for at in (5000, 6000):
        tape.add(Piece(at, at, 1, DOWN, PieceKind.DATA, bytes(300), 300))
    table = Trace(tape).bytes().set_index("direction")
    assert table.loc["down", "not_decoded"] == 600
    assert table.loc["down", "opaque"] == 4
    assert Trace(tape).full


def test_of_messages_of_one_kind_only_their_own_bytes_are_known() -> None:
    frames = trace_of(CONVERSATIONS["websocket"]).only(kind=Kind.WEBSOCKET_FRAME)
    table = frames.bytes()
    assert table["wire"].sum() == sum(len(frame.raw) for frame in frames)
    assert table["tcp_ip_estimate"].isna().all()


def test_the_estimate_of_tcp_and_ip() -> None:
    def piece(kind: PieceKind, direction: object, size: int = 0) -> Piece:
        return Piece(0, 0, 1, direction, kind, bytes(size), size)  # type: ignore[arg-type]

    given = [
        piece(PieceKind.OPEN, UP),
        piece(PieceKind.DATA, UP, 1460),
        piece(PieceKind.DATA, DOWN, 1461),
        piece(PieceKind.DATA, DOWN, 1),
        piece(PieceKind.END, UP),
        piece(PieceKind.END, DOWN),
    ]
    estimate = tcp_ip_estimate(given)
    # SYN, ACK; 1 segment; 2 acknowledgements of 3 segments; FIN; ACK of the other's FIN
    assert estimate[1, UP] == 40 * (2 + 1 + 2 + 1 + 1)
    # SYN-ACK; 3 segments; 1 acknowledgement of 1 segment; FIN; ACK
    assert estimate[1, DOWN] == 40 * (1 + 3 + 1 + 1 + 1)


def test_what_never_arrives_is_infinite() -> None:
    tape = Tape()
    tape.add(Piece(0, 0, 1, UP, PieceKind.OPEN))
    data = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    tape.add(Piece(1, -1, 1, UP, PieceKind.DATA, data, len(data)))
    assert Trace(tape).messages()["arrived"][1] == math.inf


def test_a_length_beyond_64_bits_with_a_sign_is_shown_as_the_largest() -> None:
    trace = trace_of((*HANDSHAKE, (DOWN, b"\x82\xff" + b"\xff" * 12)))
    assert trace.frames()["length"][0] == 2**63 - 1
