"""curl against the servers that speak plain HTTP, and against handshakes that are refused."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.peers.conftest import Serve, Shared
from tests.served import Served
from tests.waiting import DEADLINE_S, PROMPT_S, within

HTTP = ["short_polling", "long_polling", "sse"]
ALL = [*HTTP, "websocket", "webrtc"]


@dataclass(frozen=True)
class Answer:
    """What curl received: status, headers (names in lower case), body."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


@pytest.fixture(autouse=True)
def _needs(curl: str) -> None:
    """Skip these tests where curl is missing."""


def curl(*words: str) -> Answer:
    output = subprocess.check_output(
        ["curl", "--silent", "--show-error", "--include", "--max-time", "20", *words], text=True
    )
    head, _, body = output.replace("\r\n", "\n").partition("\n\n")
    first, *lines = head.split("\n")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    return Answer(int(first.split()[1]), headers, body)


def bearer(served: Served, user: str) -> tuple[str, str]:
    return "-H", f"Authorization: Bearer {served.token(user)}"


def post(
    served: Served, user: str, event: dict[str, Any] | str, *more: str, room: str = "lobby"
) -> Answer:
    body = event if isinstance(event, str) else json.dumps(event)
    url = f"{served.url}/messages?room={room}"
    return curl(*bearer(served, user), "--json", body, *more, url)


def message(content: str, **data: str) -> dict[str, Any]:
    return {"type": "CHAT_MESSAGE", "data": {"content": content, **data}}


def contents(answer: Answer) -> list[str]:
    return [
        event["data"]["content"]
        for event in answer.json["events"]
        if event["type"] == "CHAT_MESSAGE"
    ]


# Polling


@pytest.mark.parametrize("technique", ["short_polling", "long_polling"])
def test_a_polled_chat_both_ways(shared: Shared, room: str, technique: str) -> None:
    served = shared(technique)
    wait = "&wait=0" if technique == "long_polling" else ""
    url = f"{served.url}/messages?room={room}"
    first = curl(*bearer(served, "alice"), f"{url}&after=0{wait}")
    assert first.status in (200, 204)
    with served.client(technique, "bob", room) as bob:
        ack = post(served, "alice", message("Hello, ünï ☕", id="a1"), room=room)
        assert ack.status == 202
        assert ack.json == {"type": "ACK", "data": {"id": "a1", "offset": 1, "status": "delivered"}}
        event = bob.receive(10, type="CHAT_MESSAGE")
        assert event is not None
        assert event.data == {"senderId": "alice", "content": "Hello, ünï ☕", "id": "a1"}
        bob.send("Hello back")
    answer = curl(*bearer(served, "alice"), f"{url}&after=0{wait}")
    assert answer.status == 200
    assert contents(answer) == ["Hello, ünï ☕", "Hello back"]
    cursor = answer.json["cursor"]
    assert cursor.endswith("-2")
    post(served, "bob", message("and one more"), room=room)
    answer = curl(*bearer(served, "alice"), f"{url}&after={cursor}{wait}")
    assert contents(answer) == ["and one more"]
    again = post(served, "alice", message("Hello, ünï ☕", id="a1"), room=room)
    assert again.json["data"]["status"] == "duplicate"


def test_a_poll_that_brings_nothing_new_is_a_304(shared: Shared, room: str) -> None:
    served = shared("short_polling")
    post(served, "alice", message("hi"), room=room)
    url = f"{served.url}/messages?room={room}&after=0"
    first = curl(*bearer(served, "alice"), url)
    assert contents(first) == ["hi"]
    tag = first.headers["etag"]
    again = curl(*bearer(served, "alice"), "-H", f"If-None-Match: {tag}", url)
    assert (again.status, again.body) == (304, "")
    post(served, "alice", message("ho"), room=room)
    assert contents(curl(*bearer(served, "alice"), "-H", f"If-None-Match: {tag}", url)) == [
        "hi",
        "ho",
    ]


def test_a_long_poll_waits_for_a_message_and_no_longer(shared: Shared, room: str) -> None:
    served = shared("long_polling")
    post(served, "bob", message("before"), room=room)
    with subprocess.Popen(
        ["curl", "-s", "-m", "20", *bearer(served, "alice"),
         f"{served.url}/messages?room={room}&after=1&wait=20"],
        stdout=subprocess.PIPE, text=True,
    ) as waiting:  # fmt: skip
        time.sleep(0.5)
        assert waiting.poll() is None
        with within():
            post(served, "bob", message("at last"), room=room)
            output, _ = waiting.communicate(timeout=DEADLINE_S)
    assert [event["data"]["content"] for event in json.loads(output)["events"]] == ["at last"]


def test_a_long_poll_that_hears_nothing_is_a_204(shared: Shared, room: str) -> None:
    served = shared("long_polling")
    post(served, "bob", message("before"), room=room)
    began = time.monotonic()
    with within(1 + PROMPT_S):
        answer = curl(*bearer(served, "alice"), f"{served.url}/messages?room={room}&after=1&wait=1")
    assert (answer.status, answer.body) == (204, "")
    assert time.monotonic() - began > 0.9


@pytest.mark.parametrize("technique", ["short_polling", "long_polling"])
def test_a_cursor_of_another_epoch_gets_reset(shared: Shared, room: str, technique: str) -> None:
    served = shared(technique)
    answer = curl(*bearer(served, "alice"), f"{served.url}/messages?room={room}&after=0000-7")
    assert answer.json["events"][0]["type"] == "RESET"


# SSE


@contextmanager
def stream(served: Served, user: str, path: str, *words: str) -> Iterator[Iterator[dict[str, str]]]:
    """Return server-sent events as curl -N shows them, each as its fields."""
    with subprocess.Popen(
        ["curl", "-N", "-s", *bearer(served, user), *words, f"{served.url}{path}"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def events() -> Iterator[dict[str, str]]:
            assert process.stdout is not None
            fields: dict[str, str] = {}
            for line in process.stdout:
                if line.strip():
                    name, _, value = line.rstrip("\r\n").partition(":")
                    fields[name] = value.removeprefix(" ")
                elif fields:
                    yield fields
                    fields = {}

        try:
            yield events()
        finally:
            process.kill()


def until(events: Iterator[dict[str, str]], kind: str) -> dict[str, str]:
    return next(fields for fields in events if fields.get("event") == kind)


def test_a_stream_of_events(shared: Shared, room: str) -> None:
    served = shared("sse")
    assert post(served, "bob", message("one"), room=room).status == 202
    with stream(served, "alice", f"/events?room={room}&after=0") as events:
        one = until(events, "CHAT_MESSAGE")
        assert json.loads(one["data"])["data"]["content"] == "one"
        assert one["id"].endswith("-1")
        post(served, "bob", message("two\nlines"), room=room)
        two = until(events, "CHAT_MESSAGE")
        assert json.loads(two["data"])["data"]["content"] == "two\nlines"
    post(served, "bob", message("three"), room=room)
    last = f"Last-Event-ID: {one['id']}"
    with stream(served, "alice", f"/events?room={room}", "-H", last) as events:
        heard = [json.loads(until(events, "CHAT_MESSAGE")["data"]) for _ in range(2)]
        assert [event["data"]["content"] for event in heard] == ["two\nlines", "three"]


def test_it_is_an_event_stream_and_says_when_to_come_back(shared: Shared, room: str) -> None:
    served = shared("sse")
    with stream(served, "alice", f"/events?room={room}", "--include") as lines:
        head = next(lines)
        assert "200" in next(iter(head))
        assert {name.lower(): value for name, value in head.items()}["content-type"].startswith(
            "text/event-stream"
        )
        post(served, "bob", message("hi"), room=room)
        seen: dict[str, str] = {}
        while seen.get("event") != "CHAT_MESSAGE":
            seen |= next(lines)
        assert seen["retry"] == "1000"


def test_a_notification_is_for_one_alone(shared: Shared) -> None:
    served = shared("sse")
    with stream(served, "nora", "/notifications/stream", "--include") as events:
        next(events)  # the head of the answer
        post(served, "bob", message("for all"))
        post(served, "bob", message("for nora", recipientId="nora"))
        note = until(events, "NOTIFICATION")
        assert json.loads(note["data"])["data"]["content"] == "for nora"


def test_a_stream_ends_when_the_server_does(serve: Serve) -> None:
    served = serve("sse")
    with subprocess.Popen(
        ["curl", "-N", "-s", "--include", *bearer(served, "alice"), f"{served.url}/events"],
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"HTTP/1.1 200")
        with within(5):
            assert served.stop() == 0
            assert process.wait(DEADLINE_S) == 0  # curl: a whole answer, not a broken one


# What every server answers


@pytest.mark.parametrize("technique", HTTP)
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("no json", 400, "bad_json"),
        ('{"type":"NONSENSE"}', 400, "unknown_type"),
        ('{"type":"CHAT_MESSAGE","data":{"content":""}}', 400, "bad_event"),
        ('{"type":"CHAT_MESSAGE","data":{"content":"x","recipientId":"no name"}}', 400, "bad_name"),
    ],
)
def test_bad_events(shared: Shared, technique: str, body: str, status: int, code: str) -> None:
    answer = post(shared(technique), "alice", body)
    assert answer.status == status
    assert answer.json["type"] == "ERROR"
    assert answer.json["data"]["code"] == code


@pytest.mark.parametrize("technique", HTTP)
def test_a_body_that_is_too_big_is_a_413(shared: Shared, technique: str, tmp_path: Any) -> None:
    big = tmp_path / "big.json"
    big.write_text(json.dumps(message("x" * 70_000)))
    answer = post(shared(technique), "alice", f"@{big}", "-H", "Expect:")
    assert answer.status == 413


PATHS = {
    "short_polling": "/messages",
    "long_polling": "/messages?wait=0",
    "sse": "/events",
    "websocket": "/ws/chat",
    "webrtc": "/ws/signal",
}
UPGRADE = (
    *("-H", "Connection: Upgrade", "-H", "Upgrade: websocket", "-H", "Sec-WebSocket-Version: 13"),
    *("-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "--http1.1"),
)


@pytest.mark.parametrize("technique", ALL)
def test_who_may_not_come_in(shared: Shared, technique: str) -> None:
    served = shared(technique)
    url = f"{served.url}{PATHS[technique]}"
    upgrade = UPGRADE if PATHS[technique].startswith("/ws") else ()
    missing = curl(*upgrade, url)
    assert missing.status == 401
    assert missing.headers["www-authenticate"] == 'Bearer error="invalid_request"'
    assert missing.json["type"] == "ERROR"
    bad = curl(*upgrade, "-H", "Authorization: Bearer nonsense", url)
    assert (bad.status, bad.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')
    alice = bearer(served, "alice")
    foreign = curl(*upgrade, *alice, "-H", "Origin: https://evil.example", url)
    assert foreign.status == 403
    assert "access-control-allow-origin" not in foreign.headers
    rebound = curl(*upgrade, *alice, "-H", "Host: evil.example", url)
    assert rebound.status == 421


@pytest.mark.parametrize("technique", ALL)
def test_healthz_tickets_preflight_and_nothing_here(shared: Shared, technique: str) -> None:
    served = shared(technique)
    assert curl(f"{served.url}/healthz").status == 200
    assert curl(*bearer(served, "alice"), f"{served.url}/no/such/page").status == 404
    ticket = curl("-X", "POST", *bearer(served, "alice"), f"{served.url}/tickets")
    assert ticket.status == 201
    assert len(ticket.json["ticket"]) > 20
    assert curl("-X", "POST", f"{served.url}/tickets").status == 401
    preflight = curl(
        *("-X", "OPTIONS", "-H", "Origin: http://localhost:8888"),
        *("-H", "Access-Control-Request-Method: POST"),
        *("-H", "Access-Control-Request-Headers: authorization,content-type"),
        f"{served.url}/{'messages' if technique in HTTP else 'tickets'}",
    )
    assert preflight.status == 204
    assert preflight.headers["access-control-allow-origin"] == "http://localhost:8888"
    assert "authorization" in preflight.headers["access-control-allow-headers"].lower()


@pytest.mark.parametrize("technique", HTTP)
def test_a_ticket_works_once(shared: Shared, technique: str) -> None:
    served = shared(technique)
    ticket = curl("-X", "POST", *bearer(served, "alice"), f"{served.url}/tickets").json["ticket"]
    url = f"{served.url}/messages?ticket={ticket}"
    assert curl("--json", json.dumps(message("hi")), url).status == 202
    assert curl("--json", json.dumps(message("hi")), url).status == 401


@pytest.mark.parametrize("technique", HTTP)
def test_who_speaks_too_often_is_told_when_to_go_on(shared: Shared, technique: str) -> None:
    served = shared(technique)
    event = served.log.with_name("event.json")
    event.write_text('{"type":"TYPING_START"}')
    statuses = subprocess.check_output(
        ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %header{retry-after}\n",
         *bearer(served, "magpie"), "--json", f"@{event}", f"{served.url}/messages?[1-130]"],
        text=True,
    ).split("\n")  # fmt: skip
    limited = [line for line in statuses if line.startswith("429")]
    assert limited
    assert all(int(line.split()[1]) >= 1 for line in limited)
    assert sum(line.startswith(("202", "204")) for line in statuses) >= 100
