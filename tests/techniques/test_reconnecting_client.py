"""The reconnecting client, on a connector that follows a script."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from statistics import mean
from typing import Any

import pytest

from labserver.chat.events import Event, decode_event
from labserver.errors import LabError, NotConnected, Refused
from labserver.techniques.reconnecting_client import (
    BACKOFF_BASE_S,
    BACKOFF_CAP_S,
    ChatClient,
    State,
    backoff,
    chat_client,
)
from labserver.techniques.transport.interface import ConnectionLost, Counters, Received

Script = list[Received | Exception]


class ScriptedConnector:
    """Connections that follow a script; `post` answers from a list."""

    def __init__(self, *connections: Script) -> None:
        self.counters = Counters()
        self.connections = list(connections)
        self.cursors: list[str | None] = []
        self.posted: list[dict[str, Any]] = []
        self.answers: list[Event | Exception] = []
        self.closed = asyncio.Event()

    async def listen(self, cursor: str | None) -> AsyncGenerator[Received, None]:
        self.cursors.append(cursor)
        script = self.connections.pop(0) if self.connections else [Received(None)]
        for item in script:
            if isinstance(item, Exception):
                raise item
            yield item
        await self.closed.wait()
        raise ConnectionLost("closed")

    async def post(self, raw: bytes, message_id: str | None) -> Event | None:
        event = decode_event(raw)
        self.posted.append({"type": event.type, **event.data})
        answer = self.answers.pop(0) if self.answers else Event("ACK", {"id": message_id})
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        self.closed.set()


@asynccontextmanager
async def running(connector: ScriptedConnector, **options: Any) -> AsyncIterator[ChatClient]:
    client = ChatClient(connector, user="ann", room="lobby", rng=random.Random(1), **options)
    async with asyncio.timeout(20), chat_client(client):
        yield client


def said(number: int, sender: str = "bob") -> Received:
    data = {"senderId": sender, "content": str(number), "id": f"m{number}"}
    return Received(f"e-{number}", Event("CHAT_MESSAGE", data, offset=number))


async def contents(client: ChatClient, count: int) -> list[str]:
    found = [await client.receive(10) for _ in range(count)]
    return [event.data["content"] for event in found if event is not None]


def test_the_backoff_is_full_jitter_under_a_cap() -> None:
    rng = random.Random(1)
    for attempt in (0, 1, 5, 10, 5000):
        most = min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2 ** min(attempt, 16))
        draws = [backoff(attempt, rng) for _ in range(5000)]
        assert 0 <= min(draws) < 0.02 * most
        assert 0.98 * most < max(draws) <= most
        assert mean(draws) == pytest.approx(most / 2, rel=0.05)


async def test_it_resumes_from_its_cursor_after_a_loss() -> None:
    connector = ScriptedConnector(
        [Received("e-0"), said(1), said(2), ConnectionLost("cut")], [said(3)]
    )
    async with running(connector) as client:
        assert await contents(client, 3) == ["1", "2", "3"]
        assert connector.cursors == [None, "e-2"]
        assert client.cursor == "e-3"


async def test_what_comes_twice_is_heard_once() -> None:
    connector = ScriptedConnector(
        [said(1), said(1), said(2), ConnectionLost("cut")], [said(2), said(3)]
    )
    async with running(connector) as client:
        assert await contents(client, 3) == ["1", "2", "3"]


async def test_the_same_id_of_another_sender_is_another_message() -> None:
    async with running(ScriptedConnector([said(1, "bob"), said(1, "eve")])) as client:
        assert await contents(client, 2) == ["1", "1"]


async def test_a_refusal_ends_it_for_good_and_says_why() -> None:
    connector = ScriptedConnector([Refused(401, "bad_token", "No.")])
    async with running(connector) as client:
        with pytest.raises(Refused, match="No"):
            await client.opened(10)
        with pytest.raises(Refused):
            await client.send("hi")
        assert await client.receive(1) is None
        assert client.state is State.REFUSED
    assert connector.cursors == [None]


async def test_a_message_is_sent_under_the_same_id_until_it_is_answered() -> None:
    connector = ScriptedConnector([Received("e-0")])
    connector.answers = [ConnectionLost("x"), ConnectionLost("x")]
    async with running(connector) as client:
        ack = await client.send("hi")
        assert ack is not None
        assert len(connector.posted) == 3
        assert {post["id"] for post in connector.posted} == {ack.data["id"]}


async def test_a_limit_is_waited_for() -> None:
    connector = ScriptedConnector([Received("e-0")])
    connector.answers = [
        Event("ERROR", {"code": "rate_limited", "message": "", "retryAfter": 0.01})
    ]
    async with running(connector) as client:
        assert await client.send("hi") is not None
        assert len(connector.posted) == 2


async def test_an_error_is_raised() -> None:
    connector = ScriptedConnector([Received("e-0")])
    connector.answers = [Event("ERROR", {"code": "bad_event", "message": "Too long."})]
    async with running(connector) as client:
        with pytest.raises(Refused, match="Too long"):
            await client.send("hi")


@pytest.mark.parametrize(
    ("message", "posted"),
    [
        ("hi", {"type": "CHAT_MESSAGE", "content": "hi"}),
        ({"type": "TYPING_START"}, {"type": "TYPING_START"}),
        (Event("ACK", {"offset": 3}), {"type": "ACK", "offset": 3}),
        (
            {"type": "CHAT_MESSAGE", "data": {"content": "x", "id": "own"}},
            {"type": "CHAT_MESSAGE", "content": "x", "id": "own"},
        ),
    ],
)
async def test_a_text_or_an_event_can_be_sent(message: Any, posted: dict[str, Any]) -> None:
    connector = ScriptedConnector([Received("e-0")])
    async with running(connector) as client:
        await client.send(message)
    assert connector.posted[0].items() >= posted.items()


async def test_what_is_neither_is_said_in_the_cell() -> None:
    async with running(ScriptedConnector([Received("e-0")])) as client:
        with pytest.raises(LabError, match="Send a text"):
            await client.send({"content": "hi"})


async def test_cut_means_that_nothing_is_tried_until_restored() -> None:
    connector = ScriptedConnector([said(1)], [said(2)])
    async with running(connector) as client:
        await contents(client, 1)
        client.cut()
        await asyncio.sleep(0.05)
        assert client.state is State.CUT
        with pytest.raises(NotConnected, match="cut by hand"):
            await client.send("hi", timeout=0.05)
        assert connector.cursors == [None]
        client.restore()
        assert await contents(client, 1) == ["2"]
        assert connector.cursors == [None, "e-1"]


async def test_restore_does_not_wait_for_the_backoff() -> None:
    lost: list[Script] = [[ConnectionLost("x")] for _ in range(9)]
    connector = ScriptedConnector(*lost, [said(1)])
    async with running(connector) as client:
        while len(connector.cursors) < 10:
            if client.state is State.WAITING:
                assert client.retry_in is not None
                client.restore()
            await asyncio.sleep(0.001)
        assert await contents(client, 1) == ["1"]


async def test_a_client_that_nobody_reads_ceases_to_take_and_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("labserver.techniques.reconnecting_client.INBOX_MAX", 3)
    async with running(ScriptedConnector([said(number) for number in range(1, 9)])) as client:
        await asyncio.sleep(0.05)
        assert client.cursor == "e-3"
        assert await contents(client, 8) == [str(number) for number in range(1, 9)]


async def test_every_change_of_state_is_told() -> None:
    states: list[State] = []
    async with running(ScriptedConnector([said(1)])) as client:
        client.on_state = lambda: states.append(client.state)
        await contents(client, 1)
    assert states == [State.CONNECTING, State.OPEN, State.CLOSED]


async def test_closing_ends_who_waits() -> None:
    async with running(ScriptedConnector([Received("e-0")])) as client:
        waiting = asyncio.gather(client.receive(), client.receive())
        await asyncio.sleep(0.01)
        await client.close()
        assert await waiting == [None, None]
        with pytest.raises(NotConnected, match="closed"):
            await client.send("hi")
