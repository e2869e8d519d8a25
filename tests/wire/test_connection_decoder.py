"""What a connection speaks, at any cut of its bytes, and when its messages were under way."""

from __future__ import annotations

import random
import tracemalloc
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzzing.decoders import LEADS, fuzz
from labserver.wire import decoder as decoder_module
from labserver.wire import http1_reader, http2, sse_event, websocket, websocket_inflate
from labserver.wire.connection_decoder import ConnectionDecoder
from labserver.wire.message import Kind
from labserver.wire.tape import Piece, PieceKind
from tests.wire.conversations import (
    CONVERSATIONS,
    DOWN,
    HANDSHAKE,
    UP,
    bytewise,
    decoded,
    look,
    pieces,
    randomly,
    seen,
    whole,
)

PROTOCOLS = {
    "keep-alive": {Kind.HTTP_REQUEST, Kind.HTTP_RESPONSE},
    "pipelined": {Kind.HTTP_REQUEST, Kind.HTTP_RESPONSE},
    "refused upgrade": {Kind.HTTP_REQUEST, Kind.HTTP_RESPONSE},
    "events in chunks": {Kind.HTTP_REQUEST, Kind.HTTP_RESPONSE, Kind.SSE_EVENT},
    "events until the end": {Kind.HTTP_REQUEST, Kind.HTTP_RESPONSE, Kind.SSE_EVENT},
    "websocket": {Kind.HTTP_REQUEST, Kind.HTTP_RESPONSE, Kind.WEBSOCKET_FRAME},
    "compressed websocket": {Kind.HTTP_REQUEST, Kind.HTTP_RESPONSE, Kind.WEBSOCKET_FRAME},
    "http2": {Kind.HTTP2_FRAME},
    "tls": {Kind.TLS_RECORD},
    "something else": {Kind.UNKNOWN},
    "only the server": {Kind.HTTP_RESPONSE},
}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_connection_is_known_by_its_first_bytes(name: str) -> None:
    messages = decoded(CONVERSATIONS[name])
    assert {message.kind for message in messages} == PROTOCOLS[name]
    if name not in ("something else", "events until the end"):
        assert [message.error for message in messages if message.error] == []


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_byte_by_byte_the_messages_are_the_same(name: str) -> None:
    said = CONVERSATIONS[name]
    once = [look(message) for message in decoded(said)]
    assert [look(message) for message in decoded(said, bytewise)] == once


@settings(max_examples=60)
@given(name=st.sampled_from(sorted(CONVERSATIONS)), seed=st.integers(0, 2**32))
def test_at_any_cut_the_messages_are_the_same(name: str, seed: int) -> None:
    said = CONVERSATIONS[name]
    cut = randomly(random.Random(seed))
    assert [look(m) for m in decoded(said, cut)] == [look(m) for m in decoded(said, whole)]


@pytest.mark.parametrize("name", sorted(LEADS.keys() | CONVERSATIONS.keys()))
def test_random_and_mutated_bytes_raise_nothing_and_lose_nothing(name: str) -> None:
    fuzz(name, 100_000, seed=1)


@settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from((UP, DOWN)), st.binary(min_size=1)), max_size=6))
def test_any_bytes_raise_nothing(said: list) -> None:
    decoded(said)
    decoded(said, bytewise)
    decoded((*HANDSHAKE, *said))


def test_a_message_has_the_times_of_its_first_and_last_byte() -> None:
    decoder = ConnectionDecoder(7, count(1))
    messages = []
    for sent, arrives, data in ((10, 15, b"GET / HT"), (20, 25, b"TP/1.1\r\nHost: x\r\n\r\nGE")):
        messages += decoder.feed(Piece(sent, arrives, 7, UP, PieceKind.DATA, data, len(data)))
    rest = b"T /b HTTP/1.1\r\nHost: x\r\n\r\n"
    messages += decoder.feed(Piece(30, -1, 7, UP, PieceKind.DATA, rest, len(rest)))
    times = [(m.began_ns, m.sent_ns, m.arrived_ns) for m in messages]
    assert times == [(10, 20, 25), (20, 30, -1)]
    assert messages[0].connection == 7
    assert messages[1].arrived == float("inf")


def test_a_connections_beginning_and_end_are_messages() -> None:
    messages = seen(pieces(CONVERSATIONS["websocket"]))
    kinds = [message.kind for message in messages]
    assert kinds[0] is Kind.CONNECT
    assert kinds[-2:] == [Kind.CLOSE, Kind.CLOSE]


def test_a_cut_connection_leaves_what_was_unfinished_as_unknown() -> None:
    given_ = pieces((*HANDSHAKE, (DOWN, b"\x81\x05Hel")), ends=False)
    messages = seen([*given_, Piece(9000, 9000, 1, DOWN, PieceKind.ABORT)])
    last = messages[-2]
    assert (last.kind, last.raw) == (Kind.UNKNOWN, b"\x81\x05Hel")
    assert last.error == "byte 5: cut off within a frame of 7 bytes"
    assert messages[-1].summary == "the connection is cut (RST)"


def test_where_the_tape_was_full_nothing_is_understood_any_more() -> None:
    whole_, lost = b"\x81\x02hi\x81", Piece(9000, 9000, 1, DOWN, PieceKind.DATA, b"", 100)
    given_ = pieces((*HANDSHAKE, (DOWN, whole_)), ends=False)
    messages = seen([*given_, lost, Piece(9500, 9500, 1, DOWN, PieceKind.DATA, b"\x81\x00", 2)])
    assert [m.raw for m in messages][-2:] == [b"\x81\x02hi", b"\x81"]


def test_bytes_that_are_undecided_at_the_end_are_not_lost() -> None:
    for said in ([(UP, b"GE")], [(UP, b"PRI * HT")], [(DOWN, b"x"), (UP, b"GET")]):
        messages = decoded(said)
        assert {message.kind for message in messages} == {Kind.UNKNOWN}
        assert messages[0].error


@pytest.mark.parametrize(
    "greedy",
    [
        (*HANDSHAKE, (DOWN, b"\x82\x7f" + (2**62).to_bytes(8, "big"))),
        (
            (UP, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
            (DOWN, b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n"),
        ),
        (
            (UP, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
            (DOWN, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffff\r\n"),
        ),
        ((UP, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\x00\x00\x00\x00\x00\x01"),),
    ],
)
def test_what_is_declared_is_not_believed(greedy: list) -> None:
    direction = greedy[-1][0]
    tracemalloc.start()
    try:
        decoder = ConnectionDecoder(1, count(1))
        messages = [each for piece in pieces(greedy, ends=False) for each in decoder.feed(piece)]
        for _ in range(300):  # 19.2 MB: nothing but what was said is held, and that only once
            piece = Piece(0, 0, 1, direction, PieceKind.DATA, bytes(64_000), 64_000)
            messages += decoder.feed(piece)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert any(each.error for each in messages)
    assert peak < 64_000_000


@pytest.mark.parametrize("name", sorted(LEADS.keys() | CONVERSATIONS.keys()))
def test_at_the_limits_any_cut_gives_the_same_as_well(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http1_reader, "HEAD_MAX", 300)
    monkeypatch.setattr(http1_reader, "BODY_MAX", 40)
    monkeypatch.setattr(http1_reader, "SLICE", 16)
    monkeypatch.setattr(sse_event, "EVENT_MAX", 30)
    monkeypatch.setattr(websocket, "FRAME_MAX", 150)
    monkeypatch.setattr(websocket_inflate, "INFLATED_MAX", 20)
    monkeypatch.setattr(websocket_inflate, "STEP", 7)
    monkeypatch.setattr(http2, "FRAME_MAX", 60)
    monkeypatch.setattr(decoder_module, "BLOCK", 50)
    fuzz(name, 100_000, seed=2)
