"""A polling server on the tests' own loop, and clients for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from labserver.backends.memory_bus import MemoryBus
from labserver.backends.sqlite_mailbox import IN_MEMORY, SqliteMailbox
from labserver.chat.events import Event
from labserver.chat.hub import Hub
from labserver.chat.tokens import Tokens, new_secret
from labserver.clock import SystemClock
from labserver.runtime.wiring import bind, make_guard, open_hub, url_of
from labserver.techniques.reconnecting_client import ChatClient
from labserver.techniques.transport.interface import Address, Chat, Technique
from tests.waiting import DEADLINE_S, eventually

clock = SystemClock()


@dataclass
class Served:
    """A running server, its hub, and clients for it."""

    technique: Technique
    hub: Hub
    tokens: Tokens
    url: str
    port: int
    clients: list[httpx2.AsyncClient] = field(default_factory=list)

    def browser(self, user: str | None = None, **headers: str) -> httpx2.AsyncClient:
        """Return an HTTP client with `user`'s token; without a token for None."""
        if user is not None:
            headers["Authorization"] = f"Bearer {self.tokens.issue(user)}"
        client = httpx2.AsyncClient(
            base_url=self.url, headers=headers, trust_env=False, timeout=DEADLINE_S, verify=False
        )
        self.clients.append(client)
        return client

    def address(self, user: str, room: str = "lobby", session: str = "s1") -> Address:
        """Return where a connector of `user` connects."""
        return Address(self.url, self.tokens.issue(user), room, session)

    def chatter(self, user: str, room: str = "lobby", cursor: str | None = None) -> ChatClient:
        """Return our own client; run it with `chat_client`."""
        connector = self.technique.connector(self.address(user, room, f"s-{user}"))
        return ChatClient(connector, user=user, room=room, cursor=cursor)

    async def say(self, user: str, content: str, room: str = "lobby", **data: Any) -> None:
        """Have `user` send a message, without the server."""
        event = {"type": "CHAT_MESSAGE", "data": {"content": content, **data}}
        await self.hub.receive(user, room, json.dumps(event))

    def waiting(self, room: str = "lobby") -> int:
        """Return how many requests wait in a room."""
        members = self.hub._rooms[room].members if room in self.hub._rooms else ()
        return sum(len(member.deliver.__self__.waiting) for member in members)  # type: ignore[attr-defined]

    async def hold(self, count: int, room: str = "lobby") -> None:
        """Wait until so many requests wait in a room."""
        await eventually(lambda: self.waiting(room) == count, f"{count} held requests")


@asynccontextmanager
async def serving(
    technique: Technique,
    *,
    retain_entries: int = 10_000,
    sends_per_s: float | None = None,
    origins: Iterable[str] | None = None,
) -> AsyncIterator[Served]:
    """Run a server of `technique` for the duration of a block."""
    tokens = Tokens(new_secret(), clock)
    listening = bind("127.0.0.1", 0)
    hub = Hub(
        bus=MemoryBus(retain_entries),
        mailbox=SqliteMailbox(IN_MEMORY),
        clock=clock,
        grace_s=0.1,
        sends_per_s=sends_per_s,
    )
    url = url_of(listening)
    served = Served(technique, hub, tokens, url, int(url.rpartition(":")[2]))
    try:
        async with (
            open_hub(hub),
            technique.serve(Chat(hub, make_guard(tokens, origins, [])), listening),
        ):
            yield served
    finally:
        listening.close()
        for client in served.clients:
            await client.aclose()


def message(content: str, **data: Any) -> bytes:
    """Return a CHAT_MESSAGE as JSON."""
    return json.dumps({"type": "CHAT_MESSAGE", "data": {"content": content, **data}}).encode()


def contents(answer: httpx2.Response) -> list[str]:
    """Return the contents of a page's chat messages."""
    return [e["data"]["content"] for e in answer.json()["events"] if e["type"] == "CHAT_MESSAGE"]


def types(answer: httpx2.Response) -> list[str]:
    """Return the types of a page's events."""
    return [event["type"] for event in answer.json()["events"]]


def offset(cursor: str) -> int:
    """Return the offset in a cursor."""
    return int(cursor.partition("-")[2])


async def hear(client: ChatClient, count: int, timeout: float = DEADLINE_S) -> list[Event]:
    """Return the next chat messages that our client receives."""
    found: list[Event] = []
    async with asyncio.timeout(timeout):
        while len(found) < count:
            event = await client.receive(type="CHAT_MESSAGE")
            assert event is not None
            found.append(event)
    return found
