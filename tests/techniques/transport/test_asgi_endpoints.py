"""What an ASGI server answers beside its technique."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from labserver.chat.events import EVENT_MAX
from labserver.chat.tokens import Tokens, new_secret
from labserver.clock import SystemClock
from labserver.runtime.wiring import make_guard, make_hub, open_hub
from labserver.techniques.transport.asgi_endpoints import make_app
from labserver.techniques.transport.interface import Chat

TOKENS = Tokens(new_secret(), SystemClock())


@pytest.fixture
async def alice() -> AsyncIterator[httpx2.AsyncClient]:
    """A client of an app without routes of a technique."""
    hub = await asyncio.to_thread(make_hub)
    async with open_hub(hub):
        app = make_app(Chat(hub, make_guard(TOKENS, None, ())), [])
        headers = {"Authorization": f"Bearer {TOKENS.issue('alice')}"}
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://localhost", headers=headers
        ) as client:
            yield client


async def test_an_event_is_answered(alice: httpx2.AsyncClient) -> None:
    event = {"type": "CHAT_MESSAGE", "data": {"content": "hi", "id": "m1"}}
    answer = await alice.post("/messages", json=event)
    assert (answer.status_code, answer.json()["type"]) == (202, "ACK")
    assert answer.json()["data"] == {"id": "m1", "offset": 1, "status": "delivered"}
    assert answer.headers["Cache-Control"] == "no-store"


async def test_an_event_that_is_too_large_is_refused(alice: httpx2.AsyncClient) -> None:
    answer = await alice.post("/messages", content=b"x" * (EVENT_MAX + 1))
    assert (answer.status_code, answer.json()["data"]["code"]) == (413, "too_large")


async def test_tickets_preflights_and_health(alice: httpx2.AsyncClient) -> None:
    assert (await alice.post("/tickets")).json().keys() == {"ticket"}
    preflight = await alice.options("/anything", headers={"Origin": "http://localhost:1"})
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == "http://localhost:1"
    assert (await alice.get("/healthz")).text == "ok\n"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/messages", 405, "bad_method"),
        ("POST", "/messages?" + "&".join(f"a{n}=" for n in range(99)), 400, "bad_query"),
    ],
    ids=["not found", "method", "query"],
)
async def test_an_error_is_an_event(
    alice: httpx2.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await alice.request(method, path)
    assert (answer.status_code, answer.json()["type"]) == (status, "ERROR")
    assert answer.json()["data"]["code"] == code
