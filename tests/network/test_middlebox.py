from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labserver.network.link import Link
from labserver.network.middlebox import Middlebox
from labserver.wire.tape import Direction

UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n"
)
STRIPPED = b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nSec-WebSocket-Key: k\r\n\r\n"


def passed(box: Middlebox, direction: Direction, *pieces: bytes) -> bytes:
    return b"".join(out for piece in pieces for out in box.pass_on(direction, piece))


@given(st.integers(0, len(UPGRADE)))
def test_upgrade_is_taken_out_wherever_the_bytes_are_cut(cut: int) -> None:
    box = Middlebox(Link(strip_upgrade=True))
    assert passed(box, Direction.UP, UPGRADE[:cut], UPGRADE[cut:]) == STRIPPED


def test_a_body_passes_as_it_is() -> None:
    post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"
    assert passed(Middlebox(Link(strip_upgrade=True)), Direction.UP, post) == post


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
    ],
)
def test_a_response_is_kept_until_all_of_it_has_come(response: bytes) -> None:
    box = Middlebox(Link(buffer_responses=True))
    for _ in range(2):  # and the next one on the same connection too
        passed(box, Direction.UP, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert passed(box, Direction.DOWN, response[:-1]) == b""
        assert passed(box, Direction.DOWN, response[-1:]) == response


def test_a_stream_that_never_ends_never_arrives() -> None:
    box = Middlebox(Link(buffer_responses=True))
    passed(box, Direction.UP, b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert passed(box, Direction.DOWN, head, b"9\r\ndata: x\n\n\r\n") == b""
    assert b"".join(box.flush(Direction.DOWN)).endswith(b"data: x\n\n\r\n")


def test_what_is_inside_tls_passes_as_it_is() -> None:
    box = Middlebox(Link(strip_upgrade=True, buffer_responses=True))
    client_hello, server_hello = b"\x16\x03\x01\x00\x05hello", b"\x16\x03\x03\x00\x02hi"
    assert passed(box, Direction.UP, client_hello[:1], client_hello[1:]) == client_hello
    assert passed(box, Direction.DOWN, server_hello) == server_hello


def test_after_an_upgrade_the_box_looks_no_more() -> None:
    box = Middlebox(Link(buffer_responses=True))
    passed(box, Direction.UP, UPGRADE)
    switching = (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    )
    assert passed(box, Direction.DOWN, switching) == switching
    assert passed(box, Direction.DOWN, b"\x81\x02hi") == b"\x81\x02hi"
