"""Short polling: every request is answered at once, some with 304."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import cast

import pytest

from labserver.techniques import short_polling
from labserver.techniques.reconnecting_client import chat_client
from labserver.techniques.short_polling import ShortPolling, ShortPollingConnector
from labserver.techniques.transport.interface import Technique
from tests.techniques.transport.polling_server import Served, contents, hear, serving, types
from tests.waiting import PROMPT_S, eventually, within


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    """A running server."""
    async with serving(cast(Technique, short_polling)) as served:
        yield served


async def test_the_answer_comes_at_once_whatever_wait_says(served: Served) -> None:
    with within():
        answer = await served.browser("alice").get("/messages?wait=30")
        assert (answer.status_code, answer.json()["events"]) == (200, [])


@pytest.mark.parametrize(
    "if_none_match",
    [
        "{etag}",
        "W/{etag}",
        '"other", {etag}',
        'W/"other",W/{etag} , "more"',
        "*",
    ],
)
async def test_nothing_new_is_a_304(served: Served, if_none_match: str) -> None:
    await served.say("alice", "hi")
    alice = served.browser("alice", Origin="http://localhost:1")
    page = await alice.get("/messages?after=0")
    etag = page.headers["ETag"]
    assert page.headers["Cache-Control"] == "private, no-cache"
    for after in ("0", etag.strip('"')):  # the page that was seen, and the empty one after it
        answer = await alice.get(
            f"/messages?after={after}",
            headers={"If-None-Match": if_none_match.format(etag=etag)},
        )
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["ETag"] == etag
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:1"
        assert "Content-Type" not in answer.headers


@pytest.mark.parametrize("if_none_match", ['"other"', "{cursor}", '"{cursor}0"', "", '"', "**"])
async def test_another_tag_is_a_200(served: Served, if_none_match: str) -> None:
    alice = served.browser("alice")
    cursor = (await alice.get("/messages")).json()["cursor"]
    answer = await alice.get(
        "/messages", headers={"If-None-Match": if_none_match.format(cursor=cursor)}
    )
    # `**` is no list of tags; Tornado reads it as `*`, and the client has asked for that.
    assert answer.status_code == (304 if if_none_match == "**" else 200)


async def test_the_tag_changes_with_the_log(served: Served) -> None:
    alice = served.browser("alice")
    first = await alice.get("/messages")
    await served.say("alice", "hi")
    known = {"If-None-Match": first.headers["ETag"]}
    second = await alice.get("/messages", params={"after": first.json()["cursor"]}, headers=known)
    assert second.status_code == 200
    assert contents(second) == ["hi"]
    assert second.headers["ETag"] != first.headers["ETag"]


async def test_what_is_told_once_is_never_a_304_and_never_stored(served: Served) -> None:
    bob = served.browser("bob")
    first = await bob.get("/messages?session=s1")
    known = {"If-None-Match": first.headers["ETag"]}
    assert (await bob.get("/messages?session=s1", headers=known)).status_code == 304
    await served.hub.receive("alice", "lobby", '{"type":"TYPING_START"}')
    answer = await bob.get("/messages?session=s1", headers=known)
    assert (answer.status_code, types(answer)) == (200, ["TYPING_START"])
    assert answer.headers["Cache-Control"] == "no-store"
    assert (await bob.get("/messages?session=s1", headers=known)).status_code == 304


async def test_a_reset_is_never_a_304(served: Served) -> None:
    alice = served.browser("alice")
    for headers in ({}, {"If-None-Match": "*"}):
        answer = await alice.get("/messages?after=99", headers=headers)
        assert (answer.status_code, types(answer)) == (200, ["RESET"])


async def test_a_message_for_others_moves_the_cursor(served: Served) -> None:
    alice = served.browser("alice")
    first = await alice.get("/messages")
    await served.say("alice", "psst", recipientId="bob")
    known = {"If-None-Match": first.headers["ETag"]}
    second = await alice.get("/messages", params={"after": first.json()["cursor"]}, headers=known)
    assert (second.status_code, second.json()["events"]) == (200, [])
    assert second.json()["cursor"] != first.json()["cursor"]


async def test_the_client_asks_for_what_is_new_only(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    statuses = []
    finish = ShortPolling.on_finish

    def note(handler: ShortPolling) -> None:
        if handler.request.method == "GET":
            statuses.append(handler.get_status())
        finish(handler)

    monkeypatch.setattr(ShortPolling, "on_finish", note)
    monkeypatch.setattr(short_polling, "POLL_INTERVAL_S", 0.02)
    alice = served.chatter("alice")
    async with chat_client(alice):
        assert await alice.opened(10)
        await eventually(lambda: len(statuses) >= 3)
        await served.say("bob", "hi")
        await hear(alice, 1)
        told = len(statuses)
        await eventually(lambda: len(statuses) >= told + 3)
    assert statuses.count(200) == 2
    assert set(statuses) == {200, 304}


async def test_the_client_asks_once_an_interval(served: Served) -> None:
    connector = ShortPollingConnector(served.address("alice"), interval_s=0.2)
    listening = connector.listen(None)
    began = time.monotonic()
    with within(0.6 + PROMPT_S):
        for _ in range(4):
            await anext(listening)
    assert time.monotonic() - began >= 0.6
    assert connector.counters.requests == 4
    await listening.aclose()


async def test_the_client_does_not_pause_while_there_is_more(served: Served) -> None:
    for n in range(1000):
        await served.say("alice", str(n))
    connector = ShortPollingConnector(served.address("bob"), interval_s=30)
    listening = connector.listen("0")
    async with asyncio.timeout(10):
        heard = [await anext(listening) for _ in range(1000)]
    assert [item.event.offset for item in heard if item.event] == list(range(1, 1001))
    assert connector.counters.requests == 4
    await listening.aclose()


async def test_the_default_interval_is_one_second() -> None:
    assert short_polling.POLL_INTERVAL_S == 1.0
