"""The server of signalling: to whom a signal goes, and what becomes of the hub's end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from labserver.chat.tokens import Tokens, new_secret
from labserver.clock import SystemClock
from labserver.errors import Refused
from labserver.runtime.wiring import bind, make_guard, make_hub, open_hub, url_of
from labserver.techniques.transport import signalling_endpoint
from labserver.techniques.transport.interface import Chat
from labserver.techniques.transport.signalling import Send, Signal
from labserver.techniques.transport.websocket_endpoint import Visitor

TOKENS = Tokens(new_secret(), SystemClock())


class Echo:
    """An end of the hub's that sends the type of each signal back, but refuses answers."""

    def __init__(self, visitor: Visitor, address: str, _: asyncio.TaskGroup, send: Send) -> None:
        self.visitor = visitor
        self.address = address
        self.send = send
        self.hung_up = asyncio.Event()
        made.append(self)

    async def take(self, signal: Signal) -> None:
        if signal.type == "answer":
            raise Refused(400, "bad_event", "Send an offer.")
        self.send(json.dumps({"type": signal.type, "from": "@hub"}).encode())

    def hang_up(self) -> None:
        self.hung_up.set()


made: list[Echo] = []


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """The URL of a running server."""
    made.clear()
    async with open_hub(await asyncio.to_thread(make_hub)) as hub:
        with bind("127.0.0.1", 0) as listening:
            chat = Chat(hub, make_guard(TOKENS, None, []))
            async with signalling_endpoint.serve(chat, listening, Echo):
                yield url_of(listening).replace("http", "ws")


@asynccontextmanager
async def participant(url: str, user: str) -> AsyncIterator[ClientConnection]:
    """Take part, for the duration of a block."""
    async with connect(f"{url}/ws/signal?token={TOKENS.issue(user)}", proxy=None) as connection:
        yield connection


async def ask(connection: ClientConnection, type: str, to: str) -> None:
    """Send a signal."""
    await connection.send(json.dumps({"type": type, "to": to, "data": {}}))


async def answer(connection: ClientConnection) -> dict[str, Any]:
    """Return the next signal."""
    async with asyncio.timeout(10):
        signal: dict[str, Any] = json.loads(await connection.recv())
        return signal


async def test_a_signal_goes_to_the_participant_that_it_names(url: str) -> None:
    async with participant(url, "alice") as alice, participant(url, "bob") as bob:
        await ask(alice, "offer", "bob")
        signal = await answer(bob)
        assert (signal["type"], signal["from"], signal["to"]) == ("offer", "alice", "bob")
        await ask(alice, "offer", "@hub")
        assert await answer(alice) == {"type": "offer", "from": "@hub"}
    assert [(end.visitor.user, end.address) for end in made] == [
        ("alice", "127.0.0.1"),
        ("bob", "127.0.0.1"),
    ]


async def test_a_refusal_is_an_error_and_the_connection_stays(url: str) -> None:
    async with participant(url, "alice") as alice:
        codes = []
        for type, to in (("answer", "@hub"), ("offer", "nobody"), ("hello", "@hub")):
            await ask(alice, type, to)
            codes.append((await answer(alice))["data"]["code"])
        assert codes == ["bad_event", "no_such_member", "unknown_type"]


async def test_the_end_of_the_connection_hangs_up(url: str) -> None:
    async with participant(url, "alice") as alice:
        await alice.send(b"\x00")
        with pytest.raises(ConnectionClosed):
            await answer(alice)
        assert alice.close_code == 1003
    async with asyncio.timeout(10):
        await made[0].hung_up.wait()
