"""A server put together: its relay, its hub, and what is refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import labserver as lab
from labserver.chat.tokens import new_secret
from labserver.errors import LabError
from labserver.runtime.config import ServerConfig
from labserver.runtime.server import Server
from labserver.runtime.wiring import LOOPBACK, bind, service_for, url_of
from labserver.wire.message import Kind
from labserver.wire.tape import Direction, PieceKind
from tests.waiting import PROMPT_S, within


@pytest.fixture(params=[False, True], ids=["in the kernel", "in a process"])
def start(request: pytest.FixtureRequest) -> Iterator[Callable[..., Server]]:
    """Starts a WebSocket server, here or in a process of its own."""

    def start(**options: Any) -> Server:
        return lab.start("websocket", process=request.param, **options)

    yield start
    lab.stop_all()


def test_every_byte_is_on_the_tape(start: Callable[..., Server]) -> None:
    server = start()
    with server.client("alice") as alice:
        alice.send("can you see this?")
    server.stop()
    up, down = (
        b"".join(piece.data for piece in server.tape if piece.direction is direction)
        for direction in Direction
    )
    assert up.startswith(b"GET /ws/chat?room=lobby")
    assert down.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"can you see this?" in down
    assert b"can you see this?" not in up  # it was masked
    assert server.tape.pieces[0].kind is PieceKind.OPEN


def test_the_trace_names_what_the_tape_holds(start: Callable[..., Server], tmp_path: Path) -> None:
    server = start()
    server.client("alice").send("can you see this?")
    kinds = [message.kind for message in server.trace if message.raw]
    assert kinds[:3] == [Kind.HTTP_REQUEST, Kind.HTTP_RESPONSE, Kind.WEBSOCKET_FRAME]
    assert not [message.error for message in server.trace if message.error]
    assert server.trace is server.trace
    frames = server.trace.frames()
    assert len(frames) >= 3
    server.trace.save(tmp_path / "trace")
    assert len(lab.Trace.load(tmp_path / "trace")) >= len(kinds)


def test_clients_hear_1001_through_the_relay(start: Callable[..., Server]) -> None:
    server = start()
    server.client("alice")
    server.stop()
    down = [p.data for p in server.tape if p.direction is Direction.DOWN and p.data]
    assert any(data.startswith((b"\x88\x02\x03\xe8", b"\x88\x02\x03\xe9")) for data in down)


def test_a_link_is_felt(start: Callable[..., Server]) -> None:
    alice = start(link=lab.Link(rtt_ms=60)).client("alice")
    began = time.monotonic()
    with within(0.06 + PROMPT_S):
        alice.send("hi")
    assert time.monotonic() - began >= 0.06


def test_a_cut_cable_is_survived(start: Callable[..., Server]) -> None:
    server = start()
    alice, bob = server.client("alice"), server.client("bob")
    server.cut()
    alice.send("still here?")
    event = bob.receive(10, type="CHAT_MESSAGE")
    assert event is not None
    assert event.data["content"] == "still here?"


def test_a_frozen_link_holds_everything_up_until_it_thaws(start: Callable[..., Server]) -> None:
    server = start()
    alice, bob = server.client("alice"), server.client("bob")
    server.freeze()
    with pytest.raises(lab.NotConnected):
        alice.send("frozen", timeout=0.3)
    server.thaw()
    event = bob.receive(10, type="CHAT_MESSAGE")
    assert event is not None
    assert event.data["content"] == "frozen"


def test_without_a_relay_there_is_no_tape_and_no_link(start: Callable[..., Server]) -> None:
    server = start(record=False)
    server.client("alice").send("hi")
    for use in (lambda: server.tape, lambda: server.trace, server.cut, server.freeze, server.thaw):
        with pytest.raises(LabError, match="record=False"):
            use()
    with pytest.raises(LabError, match="relay"):
        start(record=False, link=lab.Link())


def test_a_busy_port_is_an_error_in_the_cell(start: Callable[..., Server]) -> None:
    with closing(bind(LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LabError, match="use port 0"):
            start(port=port)


def test_the_url_is_one_that_this_machine_can_use() -> None:
    with closing(bind("0.0.0.0", 0)) as anywhere:
        assert url_of(anywhere) == f"http://127.0.0.1:{anywhere.getsockname()[1]}"


@pytest.mark.redis
def test_two_servers_share_a_conversation_over_redis(
    start: Callable[..., Server], redis_url: str
) -> None:
    first, second = start(name="first", redis=redis_url), start(name="second", redis=redis_url)
    alice, bob = first.client("alice"), second.client("bob")
    alice.send("over Redis")
    event = bob.receive(10, type="CHAT_MESSAGE")
    assert event is not None
    assert event.data["content"] == "over Redis"
    bob.close()
    second.stop()
    direct = {"content": "for later", "recipientId": "bob"}
    alice.send({"type": "CHAT_MESSAGE", "data": direct})
    bob = start(name="third", redis=redis_url).client("bob")
    event = bob.receive(10, type="CHAT_MESSAGE")
    assert event is not None
    assert event.data["content"] == "for later"


def test_a_redis_that_is_away_is_an_error_in_the_cell(start: Callable[..., Server]) -> None:
    with pytest.raises(LabError, match="redis-server"):
        start(redis="redis://127.0.0.1:1")


def test_a_hub_and_a_redis_do_not_go_together() -> None:
    with lab.start("websocket", name="first") as first:
        with pytest.raises(LabError, match="not both"):
            lab.start("sse", hub=first.hub, redis="redis://127.0.0.1:1")
        assert first.client("alice").send("still here") is not None
    lab.stop_all()


@pytest.mark.parametrize(
    "values", [{"technique": "pigeon"}, {"allowed_origins": ("*.example",)}, {"secret": "short"}]
)
def test_a_configuration_that_makes_no_sense_has_no_service(values: dict[str, Any]) -> None:
    given = {"technique": "websocket", "secret": new_secret()} | values
    with pytest.raises(LabError):
        service_for(ServerConfig(**given))
