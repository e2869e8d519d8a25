"""Long polling: when a request that waits is answered, and that none is forgotten."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import cast

import pytest

from labserver.chat.log import Cursor
from labserver.chat.poller import Page, Poller
from labserver.errors import Refused
from labserver.techniques import long_polling
from labserver.techniques.long_polling import seconds
from labserver.techniques.reconnecting_client import chat_client
from labserver.techniques.transport.interface import Technique
from tests.techniques.transport.polling_server import Served, contents, hear, offset, serving, types
from tests.waiting import PROMPT_S, within

TECHNIQUE = cast(Technique, long_polling)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    """A running server."""
    async with serving(TECHNIQUE) as served:
        yield served


async def held(
    served: Served, user: str, query: str = "wait=30"
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a request that the server holds, on a bare socket."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(
        f"GET /messages?{query} HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {served.tokens.issue(user)}\r\n\r\n".encode()
    )
    return reader, writer


async def answer_to(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of the answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    status_line, *lines = head.rstrip().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return int(status_line.split()[1]), headers, body


# When the answer comes


@pytest.mark.parametrize(("wait", "least"), [("0", 0.0), ("0.3", 0.3), ("1", 1.0)])
async def test_204_comes_when_the_time_is_up(served: Served, wait: str, least: float) -> None:
    alice = served.browser("alice")
    began = time.monotonic()
    with within(least + PROMPT_S):
        answer = await alice.get(f"/messages?wait={wait}")
    assert time.monotonic() - began >= least
    assert (answer.status_code, answer.content) == (204, b"")
    assert "Content-Length" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"


async def test_204_tells_a_client_that_began_without_a_cursor_where_it_stands(
    served: Served,
) -> None:
    alice = served.browser("alice")
    await served.say("bob", "old")
    cursor = (await alice.get("/messages?wait=0")).headers["ETag"].strip('"')
    assert offset(cursor) == 1
    await served.say("bob", "new")
    answer = await alice.get("/messages", params={"after": cursor})
    assert contents(answer) == ["new"]


async def test_hello_is_answered_at_once(served: Served) -> None:
    with within():
        answer = await served.browser("alice").get("/messages?hello=1&wait=30")
    assert (answer.status_code, answer.json()["events"]) == (200, [])
    assert answer.headers["ETag"] == f'"{answer.json()["cursor"]}"'


@pytest.mark.parametrize(
    "wait", ["61", "60.1", "-1", "1e1", "nan", "inf", " 5", "", "x", "٣", "+1"]
)
def test_wait_is_seconds_up_to_60(wait: str) -> None:
    with pytest.raises(Refused) as refused:
        seconds(wait)
    assert (refused.value.status, refused.value.code) == (400, "bad_wait")
    assert (seconds(None), seconds("0"), seconds("60"), seconds("2.5")) == (25, 0, 60, 2.5)


async def test_a_bad_wait_is_answered_400(served: Served) -> None:
    answer = await served.browser("alice").get("/messages?wait=61")
    assert (answer.status_code, answer.json()["data"]["code"]) == (400, "bad_wait")


async def test_the_answer_comes_with_the_event(served: Served) -> None:
    reader, writer = await held(served, "alice")
    await served.hold(1)
    with within():
        await served.say("bob", "hi")
        status, headers, body = await answer_to(reader)
    page = json.loads(body)
    assert (status, page["events"][0]["data"]["content"]) == (200, "hi")
    assert headers["etag"] == f'"{page["cursor"]}"'
    writer.close()


async def test_a_client_whose_cursor_is_behind_is_answered_at_once(served: Served) -> None:
    await served.say("bob", "hi")
    with within():
        answer = await served.browser("alice").get("/messages?after=0&wait=30")
        assert contents(answer) == ["hi"]


async def test_a_message_for_others_does_not_wake(served: Served) -> None:
    reader, writer = await held(served, "alice", "wait=0.5")
    await served.hold(1)
    await served.say("bob", "psst", recipientId="carol")
    assert (await answer_to(reader))[0] == 204
    writer.close()


async def test_a_direct_message_wakes_its_recipient(served: Served) -> None:
    reader, writer = await held(served, "carol")
    await served.hold(1)
    await served.say("bob", "psst", recipientId="carol")
    status, _, body = await answer_to(reader)
    assert (status, json.loads(body)["events"][0]["data"]["content"]) == (200, "psst")
    writer.close()


async def test_typing_wakes_a_session_and_nobody_else(served: Served) -> None:
    without, other = await held(served, "carol", "wait=1")
    await served.hold(1)
    with_session, writer = await held(served, "bob", "session=s1&wait=30")
    assert types_of(await answer_to(with_session)) == ["PRESENCE"]  # that carol is there
    writer.close()
    with_session, writer = await held(served, "bob", "session=s1&wait=30")
    await served.hold(2)
    await served.hub.receive("alice", "lobby", '{"type":"TYPING_START"}')
    assert types_of(await answer_to(with_session)) == ["TYPING_START"]
    assert (await answer_to(without))[0] == 204
    for connection in (writer, other):
        connection.close()


def types_of(answer: tuple[int, dict[str, str], bytes]) -> list[str]:
    return [event["type"] for event in json.loads(answer[2])["events"]]


# What must not go wrong


async def test_what_is_said_between_the_look_and_the_wait_is_not_missed(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Poller.read
    said = False

    async def read_and_be_slow(poller: Poller, after: Cursor | None) -> Page:
        nonlocal said
        page = await read(poller, after)
        if not said:
            said = True
            await served.say("bob", "in between")
            await asyncio.sleep(0.01)
        return page

    monkeypatch.setattr(Poller, "read", read_and_be_slow)
    with within():
        answer = await served.browser("alice").get("/messages?wait=30")
        assert contents(answer) == ["in between"]


async def test_a_client_that_goes_away_is_not_waited_for(served: Served) -> None:
    connections = [await held(served, f"user{n}") for n in range(10)]
    await served.hold(10)
    for _, writer in connections[:5]:
        writer.transport.abort()
    for _, writer in connections[5:]:
        writer.close()
    await served.hold(0)
    await served.say("bob", "to nobody")


async def test_a_client_that_goes_away_while_we_look_is_not_waited_for(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Poller.read
    reads = 0

    async def read_slowly(poller: Poller, after: Cursor | None) -> Page:
        nonlocal reads
        reads += 1
        await asyncio.sleep(0.1)
        return await read(poller, after)

    monkeypatch.setattr(Poller, "read", read_slowly)
    _, writer = await held(served, "alice")
    await served.hold(1)
    writer.transport.abort()
    await served.hold(0)
    assert reads == 1


async def test_a_notice_that_comes_after_a_client_has_gone_waits_for_its_next_request(
    served: Served,
) -> None:
    bob = served.browser("bob")
    await bob.get("/messages?session=s1&hello=1")
    _, writer = await held(served, "bob", "session=s1&wait=30")
    await served.hold(1)
    writer.transport.abort()
    await served.hold(0)
    await served.hub.receive("alice", "lobby", '{"type":"TYPING_START"}')
    assert types(await bob.get("/messages?session=s1&hello=1")) == ["TYPING_START"]


async def test_two_requests_of_one_user_are_both_answered(served: Served) -> None:
    readers = [await held(served, "alice", "wait=30") for _ in range(2)]
    await served.hold(2)
    await served.say("bob", "hi")
    for reader, writer in readers:
        assert types_of(await answer_to(reader)) == ["CHAT_MESSAGE"]
        writer.close()


@pytest.mark.slow
async def test_a_thousand_who_wait_are_all_answered(served: Served) -> None:
    connections = []
    for n in range(0, 1000, 50):
        connections += await asyncio.gather(*(held(served, f"u{n + i}") for i in range(50)))
    await served.hold(1000)
    with within(5):
        await served.say("bob", "to all")
        answers = await asyncio.gather(*(answer_to(reader) for reader, _ in connections))
    assert {status for status, _, _ in answers} == {200}
    assert len({body for _, _, body in answers}) == 1
    assert served.waiting() == 0
    for _, writer in connections:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for _, writer in connections))


# The end


async def test_stopping_answers_those_who_wait(caplog: pytest.LogCaptureFixture) -> None:
    before = asyncio.all_tasks()
    with caplog.at_level(logging.INFO):
        async with AsyncExitStack() as stack:
            async with serving(TECHNIQUE) as served:
                connections = [await held(served, f"user{n}") for n in range(100)]
                await served.hold(100)
                stack.enter_context(within())
    for reader, writer in connections:
        status, headers, body = await answer_to(reader)
        assert (status, headers["retry-after"]) == (503, "1")
        assert json.loads(body)["data"]["code"] == "stopping"
        assert await reader.read() == b""
        writer.close()
    await asyncio.sleep(0.01)
    assert asyncio.all_tasks() == before
    assert caplog.records == []


async def test_a_request_that_arrives_while_the_server_stops_is_not_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serving(TECHNIQUE) as served:
        arrive = served.hub.arrive

        async def arrive_slowly(*who: object) -> object:
            await asyncio.sleep(0.1)
            return await arrive(*who)  # type: ignore[arg-type]

        monkeypatch.setattr(served.hub, "arrive", arrive_slowly)
        reader, writer = await held(served, "alice")
        await asyncio.sleep(0.05)
    assert (await answer_to(reader))[0] == 503
    writer.close()


# Our own client


async def test_the_client_hears_at_once(served: Served) -> None:
    alice = served.chatter("alice")
    async with chat_client(alice):
        assert await alice.opened(10)
        await served.hold(1)
        for n in range(5):
            with within():
                await served.say("bob", str(n))
                (event,) = await hear(alice, 1)
                assert event.data["content"] == str(n)


async def test_a_post_does_not_wait_for_the_held_request(served: Served) -> None:
    alice = served.chatter("alice", room="empty")
    async with chat_client(alice):
        assert await alice.opened(10)
        await served.hold(1, "empty")
        with within():
            answer = await alice.send({"type": "PING"})
            assert answer is not None
            assert answer.type == "PONG"


async def test_a_cut_client_leaves_no_request_behind(served: Served) -> None:
    alice = served.chatter("alice")
    async with chat_client(alice):
        assert await alice.opened(10)
        await served.hold(1)
        alice.cut()
        await served.hold(0)
        alice.restore()
        await served.hold(1)
    await served.hold(0)


async def test_the_client_asks_again_after_a_204(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_polling, "WAIT_S", 0.2)
    connector = TECHNIQUE.connector(served.address("alice"))
    listening = connector.listen(None)
    cursors = [(await anext(listening)).cursor for _ in range(4)]
    assert len(set(cursors)) == 1
    assert connector.counters.requests == 4
    await listening.aclose()
