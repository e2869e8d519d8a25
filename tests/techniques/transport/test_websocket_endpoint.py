"""The WebSocket handshake: who is admitted, and how a server ends while one is under way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager

import pytest
import websockets.asyncio.client
import websockets.asyncio.server
from websockets.asyncio.server import Server, ServerConnection
from websockets.datastructures import Headers
from websockets.frames import Frame, Opcode
from websockets.http11 import Request as HandshakeRequest
from websockets.http11 import Response

from labserver.chat.tokens import Tokens
from labserver.clock import SystemClock
from labserver.runtime.server import kernel_secret
from labserver.runtime.wiring import make_guard, make_hub
from labserver.techniques.transport import websocket_endpoint
from labserver.techniques.transport.interface import Chat
from labserver.techniques.transport.websocket_endpoint import (
    Visitor,
    VisitorConnection,
    admit,
    cut_off,
)
from tests.waiting import DEADLINE_S, eventually, within

TOKENS = Tokens(kernel_secret, SystemClock())
Ask = Callable[..., Visitor | Response]


@pytest.fixture
def ask() -> Iterator[Ask]:
    """A request of alice's."""
    hub = make_hub()
    chat = Chat(hub, make_guard(TOKENS, None, []))

    def asked(target: str, *headers: tuple[str, str], method: str = "GET") -> Visitor | Response:
        given = Headers([("Host", "localhost"), *headers])
        return admit(chat, "/ws/chat", HandshakeRequest(target, given, method=method))

    yield asked
    asyncio.run(hub.aclose())


HANDSHAKE = """GET / HTTP/1.1\r
Host: localhost\r
Upgrade: websocket\r
Connection: Upgrade\r
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
Sec-WebSocket-Version: 13\r
\r
"""
BEARER = ("Authorization", f"Bearer {TOKENS.issue('alice')}")


def test_a_visitor_comes_in(ask: Ask) -> None:
    visitor = ask("/ws/chat?room=attic&after=7&hello=1", BEARER)
    assert isinstance(visitor, Visitor)
    assert (visitor.user, visitor.room, visitor.hello) == ("alice", "attic", True)
    assert visitor.after is not None
    assert visitor.after.offset == 7


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        ("/ws/chat", [], 401),
        ("/ws/chat", [BEARER, BEARER], 400),
        ("/ws/chat", [BEARER, ("Host", "evil.example")], 400),
        ("/ws/chat?room=no%20room", [BEARER], 400),
        ("/ws/chat?after=x", [BEARER], 400),
        ("/ws/chat", [BEARER, ("Origin", "https://evil.example")], 403),
        ("/elsewhere", [BEARER], 404),
        ("/healthz", [], 200),
    ],
)
def test_an_answer_instead_of_the_101(
    ask: Ask, target: str, headers: list[tuple[str, str]], status: int
) -> None:
    answer = ask(target, *headers)
    assert isinstance(answer, Response)
    assert answer.status_code == status
    assert answer.headers["Connection"] == "close"
    assert answer.headers["Content-Length"] == str(len(answer.body or b""))


def test_tickets_and_preflights(ask: Ask) -> None:
    ticket = ask("/tickets", BEARER, method="POST")
    assert isinstance(ticket, Response)
    assert ticket.status_code == 201
    preflight = ask("/tickets", ("Origin", "http://localhost:8888"), method="OPTIONS")
    assert isinstance(preflight, Response)
    assert preflight.headers["Access-Control-Allow-Origin"] == "http://localhost:8888"


@asynccontextmanager
async def served() -> AsyncIterator[tuple[Server, int]]:
    async def attend(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with websockets.asyncio.server.serve(
        attend, "127.0.0.1", 0, create_connection=VisitorConnection
    ) as server:
        yield server, next(iter(server.sockets)).getsockname()[1]


async def test_who_never_completes_a_handshake_is_cut_off() -> None:
    with ExitStack() as ending:
        async with served() as (server, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)
            cut_off(server)
            with pytest.raises((ConnectionError, EOFError)):
                await reader.readexactly(1)
            writer.close()
            ending.enter_context(within())


async def test_of_two_servers_only_one_is_cut_off() -> None:
    async with served() as (first, _), served() as (second, port):
        async with asyncio.timeout(DEADLINE_S):
            async with websockets.asyncio.client.connect(f"ws://127.0.0.1:{port}") as alice:
                cut_off(first)
                await (await alice.ping())
                cut_off(second)
                await alice.wait_closed()
                assert alice.close_code == 1006


@pytest.mark.parametrize("reads", [False, True])
async def test_who_reads_nothing_is_let_go(reads: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_endpoint, "STALL_MAX_S", 0.5)
    frame = Frame(Opcode.BINARY, bytes(1 << 24)).serialize(mask=False)
    async with served() as (server, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HANDSHAKE.encode())
        await reader.readuntil(b"\r\n\r\n")
        (connection,) = server.connections
        connection.transport.write(frame)
        assert connection.paused
        if reads:
            await reader.readexactly(len(frame))
        if reads:
            await asyncio.sleep(1)
            assert not connection.transport.is_closing()
        else:
            await eventually(connection.transport.is_closing)
        writer.close()
        cut_off(server)
