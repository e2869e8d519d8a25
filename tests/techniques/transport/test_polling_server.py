"""What short and long polling have in common, on the wire."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from random import Random
from typing import cast

import pytest

from labserver.chat.events import EVENT_MAX
from labserver.techniques import long_polling, short_polling
from labserver.techniques.reconnecting_client import State, chat_client
from labserver.techniques.transport.interface import Technique
from labserver.techniques.transport.polling_server import INTERNAL
from labserver.techniques.transport.request import NOT_FOUND
from tests.techniques.transport.polling_server import (
    Served,
    contents,
    hear,
    message,
    offset,
    serving,
    types,
)
from tests.waiting import DEADLINE_S, NAGLE_S, SILENCE_S, within

TECHNIQUES = cast(list[Technique], [short_polling, long_polling])
FOREIGN = "https://evil.example"
OURS = "http://localhost:8888"

technique = pytest.mark.parametrize("technique", TECHNIQUES, ids=["short", "long"])


@pytest.fixture(params=TECHNIQUES, ids=["short", "long"])
async def served(request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    """A running server of each technique."""
    async with serving(request.param) as served:
        yield served


async def raw(served: Served, request: bytes, silence_s: float = DEADLINE_S) -> bytes:
    """Send bytes, and read until the server closes or is silent for so long."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    try:
        writer.write(request)
        answer = b""
        try:
            async with asyncio.timeout(silence_s):
                while part := await reader.read(65536):
                    answer += part
        except TimeoutError:
            pass
        return answer
    finally:
        writer.close()


# Reading


async def test_a_page_holds_the_events_as_they_were_encoded_once(served: Served) -> None:
    alice = served.browser("alice")
    await served.say("alice", "hé <b>", id="m1")
    page = await alice.get("/messages?after=0")
    log = await served.hub._bus.log("lobby")
    assert page.status_code == 200
    assert page.content == b'{"events":[%b],"cursor":"%b-1"}' % (
        log[1].json,
        log.epoch.encode(),
    )
    assert page.headers["ETag"] == f'"{log.epoch}-1"'
    assert page.headers["Content-Type"] == "application/json"
    assert "Server" not in page.headers


async def test_without_a_cursor_a_reader_begins_now(served: Served) -> None:
    alice = served.browser("alice")
    await served.say("alice", "old")
    first = await alice.get("/messages?hello=1")
    assert first.json()["events"] == []
    await served.say("alice", "new")
    second = await alice.get("/messages", params={"after": first.json()["cursor"]})
    assert contents(second) == ["new"]
    assert offset(second.json()["cursor"]) == 2


async def test_more_than_a_page_is_read_in_pages(served: Served) -> None:
    for n in range(300):
        await served.say("alice", str(n))
    alice = served.browser("alice")
    first = await alice.get("/messages?after=0")
    second = await alice.get("/messages", params={"after": first.json()["cursor"]})
    assert contents(first) + contents(second) == [str(n) for n in range(300)]


@pytest.mark.parametrize("cursor", ["99", "0000beef-1", "{epoch}-99"])
async def test_a_cursor_that_is_not_in_the_log_gets_reset(served: Served, cursor: str) -> None:
    await served.say("alice", "old")
    epoch = (await served.hub._bus.log("lobby")).epoch
    alice = served.browser("alice")
    page = await alice.get("/messages", params={"after": cursor.format(epoch=epoch)})
    (reset,) = page.json()["events"]
    assert reset["type"] == "RESET"
    assert reset["data"] == {"epoch": epoch, "oldest": 1, "newest": 1}
    assert page.json()["cursor"] == f"{epoch}-1"


@technique
async def test_a_cursor_that_has_left_the_log_gets_reset(technique: Technique) -> None:
    async with serving(technique, retain_entries=5) as served:
        for n in range(20):
            await served.say("alice", str(n))
        alice = served.browser("alice")
        page = await alice.get("/messages?after=14")
        assert (types(page), offset(page.json()["cursor"])) == (["RESET"], 20)
        assert contents(await alice.get("/messages?after=15")) == [str(n) for n in range(15, 20)]


async def test_what_no_log_keeps_reaches_a_session_and_nobody_else(served: Served) -> None:
    bob = served.browser("bob")
    for query in ("session=s1&hello=1", "hello=1"):
        assert (await bob.get(f"/messages?{query}")).json()["events"] == []
    await served.browser("alice").get("/messages?hello=1")
    await served.hub.receive("alice", "lobby", '{"type":"TYPING_START"}')
    with_session = await bob.get("/messages?session=s1&hello=1")
    assert types(with_session) == ["PRESENCE", "TYPING_START"]
    assert all("offset" not in event for event in with_session.json()["events"])
    without = await bob.get("/messages?hello=1")
    assert without.json()["events"] == []
    again = await bob.get("/messages?session=s1&hello=1")
    assert again.json()["events"] == []


async def test_a_direct_message_waits_until_a_cursor_is_past_it(served: Served) -> None:
    alice, bob = served.browser("alice"), served.browser("bob")
    answer = await alice.post("/messages", content=message("psst", recipientId="bob"))
    assert answer.json()["data"]["status"] == "queued"
    await served.say("alice", "to all")
    for _ in range(2):  # it comes again for as long as it is not acknowledged
        first = await bob.get("/messages")
        assert contents(first) == ["psst"]
    assert await served.hub._mailbox.pending("bob")
    await bob.get("/messages", params={"after": first.json()["cursor"], "wait": "0"})
    assert not await served.hub._mailbox.pending("bob")
    assert (await bob.get("/messages?hello=1")).json()["events"] == []
    seen = await alice.get("/messages?after=0")
    assert contents(seen) == ["to all"]  # nobody else's


# Speaking


async def test_each_event_has_its_answer(served: Served) -> None:
    alice = served.browser("alice")

    async def say(event: str) -> tuple[int, object]:
        answer = await alice.post("/messages", content=event)
        return answer.status_code, answer.json()

    delivered = {"type": "ACK", "data": {"status": "delivered"}}
    assert await say('{"type":"PING"}') == (202, {"type": "PONG"})
    assert await say('{"type":"TYPING_START","data":{}}') == (202, delivered)
    assert await say('{"type":"ACK","data":{"offset":3}}') == (202, delivered)
    said = '{"type":"CHAT_MESSAGE","data":{"content":"hi","id":"m1"}}'
    ack = {"id": "m1", "offset": 1, "status": "delivered"}
    assert await say(said) == (202, {"type": "ACK", "data": ack})
    ack["status"] = "duplicate"
    assert await say(said) == (202, {"type": "ACK", "data": ack})


async def test_a_message_goes_to_the_room_of_the_query(served: Served) -> None:
    alice = served.browser("alice")
    await alice.post("/messages?room=kitchen", content=message("soup"))
    assert contents(await alice.get("/messages?room=kitchen&after=0")) == ["soup"]
    assert (await alice.get("/messages?room=lobby&after=0&hello=1")).json()["events"] == []


async def test_a_receipt_empties_the_mailbox(served: Served) -> None:
    await served.say("alice", "psst", recipientId="bob")
    bob = served.browser("bob")
    page = await bob.get("/messages?hello=1")
    last = page.json()["events"][-1]["offset"]
    await bob.post("/messages", content=b'{"type":"ACK","data":{"offset":%d}}' % last)
    assert not await served.hub._mailbox.pending("bob")


@technique
async def test_too_many_sends_are_answered_429_with_the_time_to_wait(technique: Technique) -> None:
    async with serving(technique, sends_per_s=2) as served:
        alice = served.browser("alice")
        answers = [await alice.post("/messages", content=message("x")) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [202, 202, 202, 202, 429]
        assert answers[-1].json()["data"]["code"] == "rate_limited"
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 3


# What is refused


@pytest.mark.parametrize(
    ("method", "target", "body", "status", "code"),
    [
        ("GET", "/messages?after=x", b"", 400, "bad_cursor"),
        ("GET", "/messages?after=-1", b"", 400, "bad_cursor"),
        ("GET", "/messages?after=1e3", b"", 400, "bad_cursor"),
        ("GET", "/messages?room=a%2Fb", b"", 400, "bad_name"),
        ("GET", "/messages?room=" + "r" * 65, b"", 400, "bad_name"),
        ("GET", "/messages?room=%00", b"", 400, "bad_name"),
        ("GET", "/messages?session=a%20b", b"", 400, "bad_name"),
        ("GET", "/messages?" + "&".join(["a=1"] * 30), b"", 400, "bad_query"),
        ("POST", "/messages?room=@bob", b'{"type":"PING"}', 400, "bad_name"),
        ("POST", "/messages", b"", 400, "bad_json"),
        ("POST", "/messages", b"{", 400, "bad_json"),
        ("POST", "/messages", b'{"type":"PING"}{}', 400, "bad_json"),
        ("POST", "/messages", b'"\xff"', 400, "bad_json"),
        ("POST", "/messages", b"[" * 60_000, 400, None),
        ("POST", "/messages", b"[]", 400, "bad_event"),
        ("POST", "/messages", b'{"type":"NO"}', 400, "unknown_type"),
        ("POST", "/messages", message(""), 400, "bad_event"),
        ("POST", "/messages", message("x" * 4097), 400, "bad_event"),
        ("POST", "/messages", message("x", recipientId="a b"), 400, "bad_name"),
        ("POST", "/messages", b" " * (EVENT_MAX + 1), 413, "too_large"),
        ("PUT", "/messages", b"x", 405, "bad_method"),
        ("DELETE", "/messages", b"", 405, "bad_method"),
        ("BREW", "/messages", b"", 405, "bad_method"),
        ("GET", "/tickets", b"", 405, "bad_method"),
        ("GET", "/", b"", 404, "not_found"),
        ("POST", "/elsewhere", b"x", 404, "not_found"),
        ("OPTIONS", "/elsewhere", b"", 404, "not_found"),
    ],
)
async def test_bad_input_is_answered_with_an_error(
    served: Served, method: str, target: str, body: bytes, status: int, code: str | None
) -> None:
    alice = served.browser("alice")
    answer = await alice.request(method, target, content=body)
    error = answer.json()
    assert (answer.status_code, error["type"]) == (status, "ERROR")
    assert code is None or error["data"]["code"] == code
    assert error["data"]["message"].endswith(".")
    if status == 405:
        assert "OPTIONS" in answer.headers["Allow"]
    assert (await alice.post("/messages", content=message("still here"))).status_code == 202


async def test_an_event_of_the_greatest_size_is_accepted(served: Served) -> None:
    alice = served.browser("alice")
    answer = await alice.post("/messages", content=message("x").ljust(EVENT_MAX))
    assert answer.status_code == 202


@pytest.mark.parametrize("size", [EVENT_MAX + 1, 20_000_000])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_too_large_gets_its_413_and_the_connection_stays(
    served: Served, size: int, chunked: bool
) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for at in range(0, size, 50_000):
            yield b"x" * min(50_000, size - at)

    alice = served.browser("alice")
    answer = await alice.post("/messages", content=parts() if chunked else b"x" * size)
    assert (answer.status_code, answer.json()["data"]["code"]) == (413, "too_large")
    assert "Connection" not in answer.headers
    assert (await alice.post("/messages", content=message("small"))).status_code == 202


async def test_a_target_that_is_no_url_is_answered(served: Served) -> None:
    request = b"GET //[/messages HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = await raw(served, request)
    assert answer.split(b"\r\n", 1)[0] in (b"HTTP/1.1 400 Bad Request", b"HTTP/1.1 404 Not Found")


async def test_nonsense_instead_of_http_does_no_harm(served: Served) -> None:
    for nonsense in (b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"):
        answer = await raw(served, nonsense, SILENCE_S)
        assert answer in (b"", b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert (await served.browser().get("/healthz")).status_code == 200


async def test_a_client_that_goes_away_within_its_body_does_no_harm(served: Served) -> None:
    head = b"POST /messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"
    for part in (head, head + b"abc"):
        _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(part)
        await asyncio.sleep(0.05)
        writer.transport.abort()
    assert (await served.browser().get("/healthz")).status_code == 200


async def test_what_is_refused_is_not_kept(served: Served) -> None:
    alice = served.browser("alice")
    for _ in range(3):
        await alice.get("/elsewhere")
        await alice.put("/messages")
    assert NOT_FOUND.__traceback__ is None  # an exception that is raised twice keeps each frame
    assert INTERNAL.__traceback__ is None


# Who is refused


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "missing_token"),
        ({"Authorization": "Bearer x.y.z"}, 401, "bad_token"),
        ({"Authorization": "Basic YTpi"}, 401, "missing_token"),
        ({"Origin": FOREIGN}, 403, "forbidden_origin"),
        ({"Host": "evil.example"}, 421, "misdirected"),
    ],
)
async def test_who_may_not_take_part_is_told_so(
    served: Served, method: str, headers: dict[str, str], status: int, code: str
) -> None:
    browser = served.browser("alice" if status in (403, 421) else None)
    answer = await browser.request(
        method, "/messages?hello=1", headers=headers, content=message("x")
    )
    assert (answer.status_code, answer.json()["data"]["code"]) == (status, code)
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    log = await served.hub._bus.log("lobby")
    assert log.newest == 0


async def test_a_token_of_the_query_will_do(served: Served) -> None:
    token = served.tokens.issue("alice")
    answer = await served.browser().get(f"/messages?hello=1&token={token}")
    assert answer.status_code == 200


async def test_a_ticket_works_once(served: Served) -> None:
    answer = await served.browser("alice").post("/tickets")
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    target = f"/messages?hello=1&ticket={answer.json()['ticket']}"
    assert (await served.browser().get(target)).status_code == 200
    assert (await served.browser().get(target)).status_code == 401


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/messages?hello=1", 200),
        ("GET", "/messages?after=x", 400),
        ("POST", "/messages", 202),
        ("PUT", "/messages", 405),
        ("POST", "/tickets", 201),
        ("GET", "/elsewhere", 404),
    ],
)
async def test_a_page_of_an_allowed_origin_can_read_every_answer(
    served: Served, method: str, target: str, status: int
) -> None:
    headers = {"Origin": OURS}
    alice = served.browser("alice", **headers)
    answer = await alice.request(method, target, content=message("x"))
    assert answer.status_code == status
    assert answer.headers["Access-Control-Allow-Origin"] == OURS
    assert answer.headers["Vary"] == "Origin"
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
    foreign = await alice.request(method, target, content=message("x"), headers={"Origin": FOREIGN})
    assert foreign.status_code == 403
    assert "Access-Control-Allow-Origin" not in foreign.headers


async def test_401_can_be_read_by_a_page_of_an_allowed_origin(served: Served) -> None:
    answer = await served.browser().get("/messages", headers={"Origin": OURS})
    assert answer.status_code == 401
    assert answer.headers["Access-Control-Allow-Origin"] == OURS


async def test_a_preflight_lets_the_page_send_what_it_needs(served: Served) -> None:
    headers = {
        "Origin": OURS,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    for target in ("/messages", "/tickets"):
        answer = await served.browser().options(target, headers=headers)
        assert answer.status_code == 204
        assert answer.content == b""
        assert answer.headers["Access-Control-Allow-Origin"] == OURS
        assert "POST" in answer.headers["Access-Control-Allow-Methods"]
        assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
        foreign = await served.browser().options(target, headers={**headers, "Origin": FOREIGN})
        assert foreign.status_code == 403


async def test_health_is_for_whoever_asks(served: Served) -> None:
    anyone = served.browser(Host="lb.internal")
    assert (await anyone.get("/healthz")).text == "ok\n"
    assert (await anyone.head("/healthz")).status_code == 200


# Speed, and the end


async def test_a_request_on_a_kept_connection_waits_for_no_delayed_ack(served: Served) -> None:
    alice = served.browser("alice")
    times = []
    for _ in range(50):
        began = time.perf_counter()
        await alice.get("/messages?hello=1")
        times.append(time.perf_counter() - began)
    # Nagle's algorithm would delay all but the first; a busy machine delays some.
    assert min(times[1:]) < NAGLE_S


@technique
async def test_stopping_leaves_nothing_and_says_nothing(
    technique: Technique, caplog: pytest.LogCaptureFixture
) -> None:
    before = asyncio.all_tasks()
    async with AsyncExitStack() as stack:
        stack.enter_context(caplog.at_level(logging.INFO))
        async with serving(technique) as served:
            browsers = [served.browser(f"user{n}") for n in range(20)]
            for browser in browsers:
                await browser.get("/messages?hello=1")
            await served.say("user0", "hi")
            stack.enter_context(within())
    assert asyncio.all_tasks() == before
    ours = [record for record in caplog.records if not record.name.startswith("httpx2")]
    assert ours == []
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", served.port)


@technique
async def test_a_message_that_is_under_way_when_the_server_stops_is_answered(
    technique: Technique, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(technique) as served:
        receive = served.hub.receive

        async def slow(*said: str) -> object:
            await asyncio.sleep(0.1)
            return await receive(*said)

        monkeypatch.setattr(served.hub, "receive", slow)
        alice = served.browser("alice")
        posting = asyncio.gather(alice.post("/messages", content=message("last words")))
        await asyncio.sleep(0.05)
    (answer,) = await posting
    assert answer.status_code == 202


async def test_a_fault_of_ours_is_a_500_and_in_the_log(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*said: str) -> None:
        raise RuntimeError("oh")

    monkeypatch.setattr(served.hub, "receive", fail)
    answer = await served.browser("alice").post("/messages", content=message("x"))
    assert (answer.status_code, answer.json()["data"]["code"]) == (500, "internal")
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.name == "labserver.polling"
    assert record.exc_info is not None


# Our own client


@pytest.mark.slow
@technique
async def test_the_client_loses_and_doubles_nothing_while_it_is_cut_at_random(
    technique: Technique, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(short_polling, "POLL_INTERVAL_S", 0.01)
    rng = Random(7)
    count = 0
    async with serving(technique) as served:
        bob, alice = served.chatter("bob"), served.chatter("alice")
        async with chat_client(bob), chat_client(alice):
            assert await bob.opened(10)
            assert await alice.opened(10)

            async def cut_at_random() -> None:
                for _ in range(100):
                    for client in (alice, bob):
                        await asyncio.sleep(rng.uniform(0, 0.03))
                        client.cut()
                        await asyncio.sleep(rng.uniform(0, 0.02))
                        client.restore()

            async with asyncio.TaskGroup() as tasks:
                cutting = tasks.create_task(cut_at_random())
                while not cutting.done():
                    await alice.send(str(count), timeout=30)
                    count += 1
            heard = await hear(bob, count)
            assert await bob.receive(0.1, type="CHAT_MESSAGE") is None
    assert [event.data["content"] for event in heard] == [str(n) for n in range(count)]
    assert [event.offset for event in heard] == list(range(1, count + 1))


@technique
async def test_the_client_counts_what_it_does(technique: Technique) -> None:
    async with serving(technique) as served:
        alice = served.chatter("alice")
        async with chat_client(alice):
            assert await alice.opened(10)
            assert alice.counters.requests in (1, 2)  # a long poll is held by now, or is not
            await alice.send({"type": "CHAT_MESSAGE", "data": {"content": "hi", "id": "m1"}})
            (heard,) = await hear(alice, 1)
        log = await served.hub._bus.log("lobby")
        said = b'{"type":"CHAT_MESSAGE","data":{"id":"m1","content":"hi"}}'
        ack = b'{"type":"ACK","data":{"id":"m1","offset":1,"status":"delivered"}}'
        assert heard.offset == 1
        assert alice.counters.sent == 1
        assert alice.counters.payload_sent == len(said)
        assert alice.counters.received == 1
        assert alice.counters.payload_received == len(ack) + len(log[1].json)


@technique
async def test_the_client_waits_for_a_server_that_has_stopped(technique: Technique) -> None:
    async with serving(technique) as served:
        alice = served.chatter("alice")
        running = chat_client(alice)
        await running.__aenter__()
        assert await alice.opened(10)
        alice.on_state = (changed := asyncio.Event()).set
        await asyncio.sleep(0.05)
    async with asyncio.timeout(10):
        while alice.state is not State.WAITING:
            changed.clear()
            await changed.wait()
    assert alice.retry_in is not None
    await running.__aexit__(None, None, None)
    assert alice.state is State.CLOSED


@technique
async def test_closing_the_client_ends_its_requests(technique: Technique) -> None:
    before = asyncio.all_tasks()
    async with serving(technique) as served:
        connector = technique.connector(served.address("alice"))
        listening = connector.listen(None)
        assert (await anext(listening)).cursor is not None
        next_item = asyncio.gather(anext(listening), return_exceptions=True)
        await asyncio.sleep(0.05)
        with within():
            await connector.close()
            (end,) = await next_item
        assert type(end).__name__ == "ConnectionLost"
        with pytest.raises(Exception, match="not connected"):
            await connector.post(b"{}", None)
    assert asyncio.all_tasks() == before
