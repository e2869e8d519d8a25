"""A trace: live, of some messages, as tables; and of real conversations."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from labserver.errors import LabError
from labserver.runtime import server as runtime
from labserver.runtime.config import ServerConfig
from labserver.trace.trace import Trace
from labserver.wire.message import Kind
from labserver.wire.tape import Direction, Piece, PieceKind, Tape
from tests.wire.conversations import (
    CONVERSATIONS,
    DOWN,
    HANDSHAKE,
    UP,
    check,
    pieces,
    trace_of,
)

EVERYTHING = tuple(CONVERSATIONS.values())


def test_it_is_a_sequence_of_messages() -> None:
    trace = trace_of(*EVERYTHING)
    messages = list(trace)
    assert [message.number for message in messages] == list(range(1, len(trace) + 1))
    assert trace[0] == messages[0]
    assert trace[-3:] == messages[-3:]
    assert trace.connections == tuple(range(1, len(EVERYTHING) + 1))
    with pytest.raises(IndexError):
        trace[len(trace)]
    for connection, said in enumerate(EVERYTHING, 1):
        check([m for m in messages if m.connection == connection], said)


def test_it_grows_with_its_tape() -> None:
    tape = Tape()
    trace = Trace(tape)
    frames = trace.only(kind=Kind.WEBSOCKET_FRAME)
    assert (len(trace), len(frames), list(trace)) == (0, 0, [])
    for piece in pieces(HANDSHAKE, ends=False):
        tape.add(piece)
    assert (len(trace), len(frames)) == (3, 0)
    tape.add(Piece(5000, 5000, 1, DOWN, PieceKind.DATA, b"\x81\x02h", 3))
    assert len(trace) == 3  # it is not whole
    tape.add(Piece(6000, 6000, 1, DOWN, PieceKind.DATA, b"i", 1))
    assert (len(trace), len(frames)) == (4, 1)
    assert frames[0] == trace[3]


def test_what_is_unfinished_is_cut_off_only_when_the_trace_has_ended() -> None:
    tape = Tape()
    for piece in pieces((*HANDSHAKE, (DOWN, b"\x81\x02h")), ends=False):
        tape.add(piece)
    assert len(Trace(tape)) == 3
    assert Trace(tape, ended=True)[3].error == "byte 3: cut off within a frame of 4 bytes"


def test_some_of_its_messages_are_a_trace_and_keep_their_numbers() -> None:
    trace = trace_of(*EVERYTHING)
    frames = trace.only(kind="WebSocket frame")
    assert {message.kind for message in frames} == {Kind.WEBSOCKET_FRAME}
    assert [trace[message.number - 1] for message in frames] == list(frames)
    up = frames.only(direction="up", connection=frames.connections[:1])
    assert {(m.direction, m.connection) for m in up} == {(UP, frames.connections[0])}
    both = trace.only(kind=[Kind.SSE_EVENT, "http_request"], direction=Direction.DOWN)
    assert {message.kind for message in both} == {Kind.SSE_EVENT}
    assert len(trace.only(connection=99)) == 0
    assert frames.only(kind=Kind.SSE_EVENT).messages().empty


def test_a_kind_that_there_is_not_is_named() -> None:
    with pytest.raises(LabError, match=r"no kind 'frames'; choose one of .*'WebSocket frame'"):
        trace_of().only(kind="frames")
    with pytest.raises(LabError, match="no direction 'left'"):
        trace_of().only(direction="left")


def test_it_says_what_it_is() -> None:
    trace = trace_of((*HANDSHAKE, (DOWN, b"\x81\x02hi")))
    size = sum(len(message.raw) for message in trace)
    assert repr(trace) == f"<Trace: 6 messages, 1 connections, {size:,} bytes>"


def test_threads_may_share_it() -> None:
    tape = Tape()
    trace = Trace(tape, lock=threading.RLock())
    found: list[int] = []

    def look() -> None:
        while len(trace) < 20_000:
            found.append(len(trace.only(kind=Kind.WEBSOCKET_FRAME)))

    threads = [threading.Thread(target=look) for _ in range(3)]
    for piece in pieces(HANDSHAKE, ends=False):
        tape.add(piece)
    for thread in threads:
        thread.start()
    for number in range(20_000):
        tape.add(Piece(number, number, 1, DOWN, PieceKind.DATA, b"\x81\x02hi", 4))
    for thread in threads:
        thread.join()
    assert [message.number for message in trace] == list(range(1, 20_004))


def test_a_hundred_thousand_frames_are_a_table() -> None:
    tape = Tape()
    for piece in pieces(HANDSHAKE, ends=False):
        tape.add(piece)
    for number in range(100_000):
        data = b"\x81\x20" + b"%032d" % number
        tape.add(Piece(number, number, 1, DOWN, PieceKind.DATA, data, len(data)))
    table = Trace(tape).messages()
    assert len(table) == 100_003
    assert table["payload"].sum() == 3_200_000


@pytest.fixture
def stopping() -> Iterator[None]:
    """Leaves no server behind."""
    yield
    runtime.stop_all()


@pytest.mark.parametrize(
    ("technique", "kind"),
    [
        ("websocket", Kind.WEBSOCKET_FRAME),
        ("sse", Kind.SSE_EVENT),
        ("long_polling", Kind.HTTP_RESPONSE),
        ("short_polling", Kind.HTTP_RESPONSE),
    ],
)
@pytest.mark.usefixtures("stopping")
def test_a_real_conversation_is_read_without_an_error(technique: str, kind: Kind) -> None:
    server = runtime.start(ServerConfig(technique=technique))
    trace = Trace(server.tape, port=server.port, lock=threading.RLock())
    with server.client("alice") as alice, server.client("bob") as bob:
        for number in range(5):
            alice.send(f"grüß dich {number}")
        while (event := bob.receive(timeout=10)) is not None:
            if event.data.get("content", "").endswith("4"):
                break
        assert any("gr" in str(m.detail) and m.kind is kind for m in trace)
    server.stop()
    assert [message.error for message in trace if message.error] == []
    assert Kind.UNKNOWN not in {message.kind for message in trace}
    assert {"connect", "close"} <= set(trace.messages()["kind"])
    spent = trace.bytes()
    assert (spent["wire"].sum(), spent["not_decoded"].sum()) == (
        sum(piece.size for piece in server.tape),
        0,
    )
