"""Sockets and the learner's code: what goes wrong stays where it is."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from labserver.exercises.e12_frame_decoder.exercise import FrameDecoder
from labserver.learner_server.cases import close, frame, request
from labserver.learner_server.handle import LearnerServer
from labserver.learner_server.server import HEAD_MAX
from tests.learner_server.conftest import Serve


@contextmanager
def connected(yours: LearnerServer, asked: bytes = request()) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", yours.port), timeout=10) as client:
        client.sendall(asked)
        yield client


def read_head(client: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(1)
    return head


def read_all(client: socket.socket) -> bytes:
    data = b""
    while piece := client.recv(4096):
        data += piece
    return data


class Loops(FrameDecoder):
    """Hangs at a message that says so."""

    def feed(self, data: bytes) -> Any:
        """Feed it."""
        frames = super().feed(data)
        if any(one.payload == b"hang" for one in frames):
            while True:
                pass
        return frames


def test_bytes_that_come_with_the_handshake_are_not_lost(serve: Serve) -> None:
    with connected(serve(), request() + frame(1, b"Hello") + close(1000)) as client:
        read_head(client)
        assert read_all(client) == b"\x81\x05Hello\x88\x02\x03\xe8"


def test_what_a_part_raises_ends_its_connection_with_1011_and_is_kept(serve: Serve) -> None:
    class Breaks(FrameDecoder):
        def feed(self, data: bytes) -> Any:
            raise KeyError("oh")

    yours = serve(decoder=Breaks)
    with connected(yours) as client:
        read_head(client)
        client.sendall(frame(1, b"Hello"))
        ended = read_all(client)
    assert ended[:1] + ended[2:4] == b"\x88\x03\xf3"
    assert ended[4:].startswith(b"E12 FrameDecoder raised KeyError: 'oh' (in feed, line ")
    (error,) = yours.errors
    assert isinstance(error.__cause__, KeyError)


def test_what_it_raises_during_the_handshake_is_a_500(serve: Serve) -> None:
    with connected(serve(accept_key=lambda key: str(1 / 0))) as client:
        answer = read_all(client)
    assert answer.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert b"E08 accept_key raised ZeroDivisionError: division by zero (in " in answer


def test_a_loop_without_end_hurts_nobody_else(serve: Serve) -> None:
    yours = serve(decoder=Loops)
    with connected(yours) as stuck, connected(yours) as other:
        for client in (stuck, other):
            read_head(client)
        stuck.sendall(frame(1, b"hang"))
        other.sendall(frame(1, b"Hello"))
        assert other.recv(7) == b"\x81\x05Hello"
        assert b"E12 FrameDecoder did not return within 1 s (in feed, line " in read_all(stuck)
        other.sendall(frame(1, b"Hello"))
        assert other.recv(7) == b"\x81\x05Hello"
    assert [error.stuck for error in yours.errors] == [True]


def test_a_head_without_end_is_refused(serve: Serve) -> None:
    with connected(serve(), b"GET / HTTP/1.1\r\nA: " + b"a" * 2 * HEAD_MAX) as client:
        assert client.recv(12) == b"HTTP/1.1 431"


def test_who_goes_away_without_a_word_leaves_nothing(serve: Serve) -> None:
    yours = serve()
    with connected(yours) as client:
        read_head(client)
        client.sendall(frame(1, b"Hello")[:3])
    assert yours.say("still here") == "still here"
    assert yours.errors == []


def test_a_server_that_stops_says_so_to_those_who_are_connected(serve: Serve) -> None:
    yours = serve()
    with connected(yours) as client:
        read_head(client)
        client.sendall(frame(1, b"Hello"))
        assert client.recv(7) == b"\x81\x05Hello"
        yours.stop()
        assert read_all(client) == b"\x88\x02\x03\xe9"


def test_no_thread_is_left_of_connections_that_have_ended(serve: Serve) -> None:
    yours = serve()
    for _ in range(3):
        assert yours.say("hi") == "hi"
    yours.stop()
    assert not [one for one in threading.enumerate() if one.name == "labserver yours"]
