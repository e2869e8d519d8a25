"""Server-sent events: what the suite for all techniques cannot test."""

from __future__ import annotations

import asyncio

import httpx2

from labserver.chat.tokens import Tokens, new_secret
from labserver.runtime.wiring import clock, make_guard, make_hub, open_hub
from labserver.techniques import sse
from labserver.techniques.transport.asgi_endpoints import make_app
from labserver.techniques.transport.interface import Chat
from tests.waiting import DEADLINE_S


async def test_a_stream_that_is_asked_for_while_the_server_stops_begins_and_ends() -> None:
    """A browser asks for it on the connection that another stream has just left."""
    tokens = Tokens(new_secret(), clock)
    hub = await asyncio.to_thread(make_hub)
    async with open_hub(hub):
        chat = Chat(hub, make_guard(tokens, None, ()))
        streams = sse._Streams(chat)
        app = make_app(chat, streams.routes)
        transport = httpx2.ASGITransport(app)  # it waits for the whole answer
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            await streams.end()
            async with asyncio.timeout(DEADLINE_S):
                answer = await client.get("/events", params={"token": tokens.issue("alice")})
    assert answer.status_code == 200
    assert answer.text.startswith("retry: ")
