from __future__ import annotations

import pytest

from labserver.figures.lanes import Busy, Lane, is_lost, lanes_of
from labserver.trace.trace import Trace
from labserver.wire.tape import Direction, Piece, PieceKind, Tape
from tests.wire.conversations import CONVERSATIONS, DOWN, HANDSHAKE, UP, Said, trace_of

GET = b"GET /messages HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /messages HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
NOTHING = b"HTTP/1.1 204 No Content\r\n\r\n"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


def at_seconds(*given: tuple[float, float, Direction, bytes]) -> Trace:
    """One connection: what was sent and arrived when (in seconds; -1: never)."""
    tape = Tape()
    tape.add(Piece(0, 0, 1, UP, PieceKind.OPEN))
    for sent, arrived, direction, data in given:
        arrived_ns = -1 if arrived < 0 else int(arrived * 1e9)
        tape.add(Piece(int(sent * 1e9), arrived_ns, 1, direction, PieceKind.DATA, data, len(data)))
    return Trace(tape)


def lane_of(trace: Trace) -> Lane:
    (lane,) = lanes_of(trace).lanes
    return lane


def bars(lane: Lane) -> list[tuple[Busy, float, float]]:
    return [(bar.busy, bar.began, bar.ended) for bar in lane.bars]


def test_a_request_lasts_until_its_answer_has_arrived_at_the_client() -> None:
    lane = lane_of(at_seconds((1, 1.1, UP, GET), (5, 5.1, DOWN, OK)))
    assert bars(lane) == [(Busy.ANSWERED, 1, 5.1)]
    assert lane.idle == [(0, 1)]
    assert lane.reach_s == pytest.approx(4.1)


def test_an_empty_answer_and_a_request_that_says_something_are_told_apart() -> None:
    lane = lane_of(
        at_seconds((1, 1, UP, GET), (2, 2, DOWN, NOTHING), (3, 3, UP, POST), (4, 4, DOWN, NOTHING))
    )
    assert bars(lane) == [(Busy.EMPTY, 1, 2), (Busy.TOLD, 3, 4)]
    assert lane.reach_s == pytest.approx(1)  # while it is told something it only thanks


def test_a_request_that_was_not_answered_waits_until_the_end() -> None:
    trace = at_seconds((1, 1, UP, GET), (2, 2, DOWN, OK), (3, 9, UP, GET))
    assert bars(lane_of(trace))[-1] == (Busy.WAITING, 3, 9)


def test_what_comes_before_the_answer_is_not_the_answer() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    lane = lane_of(at_seconds((1, 1, UP, GET), (2, 2, DOWN, early), (3, 3, DOWN, OK)))
    assert bars(lane) == [(Busy.ANSWERED, 1, 3)]


def test_pipelined_requests_are_answered_in_their_order() -> None:
    lane = lane_of(at_seconds((1, 1, UP, GET), (2, 2, UP, GET), (3, 3, DOWN, OK + NOTHING)))
    assert bars(lane) == [(Busy.ANSWERED, 1, 3), (Busy.EMPTY, 2, 3)]
    assert lane.reach_s == pytest.approx(2)  # counted once


def test_a_stream_is_open_from_its_request_on_and_ticks_with_its_events() -> None:
    events = ((2, 2, DOWN, STREAM), (3, 3.5, DOWN, b"data: a\n\n"), (4, 4.5, DOWN, b"data: b\n\n"))
    lane = lane_of(at_seconds((1, 1, UP, GET), *events))
    assert bars(lane) == [(Busy.OPEN, 1, 4.5)]
    assert [tick.at for tick in lane.ticks] == [3.5, 4.5]


def test_a_stream_that_says_nothing_is_a_stream() -> None:
    tape = at_seconds((1, 1, UP, GET), (2, 2, DOWN, STREAM))._source.tape
    tape.add(Piece(8_000_000_000, 8_000_000_000, 1, UP, PieceKind.END))
    assert bars(lane_of(Trace(tape))) == [(Busy.OPEN, 1, 8)]


def test_after_a_stream_has_ended_the_connection_is_free_again() -> None:
    head = STREAM.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n")
    stream = head + b"9\r\ndata: a\n\n\r\n"
    lane = lane_of(
        at_seconds(
            (1, 1, UP, GET),
            (2, 2, DOWN, stream),
            (3, 3, DOWN, b"0\r\n\r\n"),
            (5, 5, UP, GET),
            (6, 6, DOWN, OK),
        )
    )
    assert bars(lane) == [(Busy.OPEN, 1, 3), (Busy.ANSWERED, 5, 6)]
    assert len(lane.ticks) == 1


def test_a_socket_is_a_handshake_and_then_open_with_ticks_both_ways() -> None:
    (_, asked), (_, switched) = HANDSHAKE
    lane = lane_of(
        at_seconds(
            (1, 1, UP, asked),
            (2, 2, DOWN, switched),
            (3, 3.5, UP, b"\x81\x81\0\0\0\0a"),
            (4, 4.5, DOWN, b"\x81\x01b"),
        )
    )
    assert bars(lane) == [(Busy.ANSWERED, 1, 2), (Busy.OPEN, 2, 4.5)]
    assert [(tick.message.direction, tick.at) for tick in lane.ticks] == [(UP, 3), (DOWN, 4.5)]


def test_frames_alone_show_that_something_was_open() -> None:
    (_, asked), (_, switched) = HANDSHAKE
    trace = at_seconds((1, 1, UP, asked), (2, 2, DOWN, switched), (4, 4, DOWN, b"\x81\x01b"))
    lane = lane_of(trace.only(kind="WebSocket frame"))
    assert bars(lane) == [(Busy.OPEN, 4, 4)]
    assert len(lane.ticks) == 1


def test_what_never_arrived_stands_where_it_was_sent() -> None:
    lane = lane_of(at_seconds((1, 1, UP, GET), (3, -1, DOWN, OK)))
    assert bars(lane) == [(Busy.ANSWERED, 1, 3)]
    assert lane.bars[0].answer is not None
    assert is_lost(lane.bars[0].answer)


def test_what_begins_in_one_moment_and_looks_alike_becomes_one() -> None:
    (_, asked), (_, switched) = HANDSHAKE
    frames = [(2 + n / 100, 2 + n / 100, DOWN, b"\x81\x01b") for n in range(100)]
    lane = lane_of(at_seconds((0, 0, UP, asked), (1, 1, DOWN, switched), *frames))
    lane.merge(0.5)
    assert [(tick.at, tick.count) for tick in lane.ticks] == [(2, 50), (2.5, 50)]
    polls: list[tuple[float, float, Direction, bytes]] = []
    for n in range(10):
        polls += [(n / 10, n / 10, UP, GET), (n / 10 + 0.05, n / 10 + 0.05, DOWN, OK)]
    lane = lane_of(at_seconds(*polls))
    lane.merge(0.5)
    merged = [(bar.began, bar.ended, bar.count) for bar in lane.bars]
    assert merged == [
        (0, 0.45, 5),
        (0.5, 0.95, 5),
    ]


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_no_message_of_any_conversation_is_forgotten(name: str) -> None:
    said: Said = CONVERSATIONS[name]
    lane = lane_of(trace_of(said))
    assert lane.bars
    assert all(bar.began <= bar.ended for bar in lane.bars)
    assert 0 <= lane.reach_s <= lanes_of(trace_of(said)).ended - lane.began + 1e-9
