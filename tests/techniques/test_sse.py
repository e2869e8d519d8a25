"""Server-sent events: what the suite for all techniques cannot see."""

from __future__ import annotations

import asyncio

import httpx2

from labserver.chat.auth import Tokens, new_secret
from labserver.runtime.wiring import clock, make_guard, make_hub, open_hub
from labserver.techniques import sse
from labserver.techniques.transport.interface import Chat
from tests.waiting import DEADLINE_S


async def test_a_stream_that_is_asked_for_while_the_server_stops_begins_and_ends() -> None:
    """A browser asks for it on the connection that another stream has just left."""
    tokens = Tokens(new_secret(), clock)
    hub = await asyncio.to_thread(make_hub)
    async with open_hub(hub):
        endpoints = sse._Endpoints(Chat(hub, make_guard(tokens, None, ())))
        transport = httpx2.ASGITransport(sse._app(endpoints))  # it waits for the whole answer
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            await endpoints.end()
            async with asyncio.timeout(DEADLINE_S):
                answer = await client.get("/events", params={"token": tokens.issue("alice")})
    assert answer.status_code == 200
    assert answer.text.startswith("retry: ")
