"""The notebook's client: the methods that block, and those that are awaited."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import time

import pytest

from labserver.chat.events import Event
from labserver.errors import LabError, NotConnected, Refused
from labserver.runtime.client import Client
from labserver.runtime.loop import lab_loop
from labserver.runtime.server import Server
from labserver.techniques import load
from labserver.techniques.reconnecting_client import ChatClient
from labserver.techniques.transport.interface import Address
from tests.runtime.conftest import Start
from tests.served import TECHNIQUES
from tests.waiting import DEADLINE_S, PROMPT_S, wait_until, within


@pytest.fixture
def server(start: Start, technique: str) -> Server:
    """A server of each technique in turn."""
    return start(technique)


def content(event: Event | None) -> str:
    assert event is not None
    said: str = event.data["content"]
    return said


def wait_for(client: Client, state: str) -> None:
    wait_until(lambda: client.state == state, f"{client} to become {state}")


def test_blocking_send_and_receive(server: Server) -> None:
    alice, bob = server.client("alice"), server.client("bob")
    ack = alice.send("hi")
    assert ack is not None
    assert ack.type == "ACK"
    assert content(bob.receive(type="CHAT_MESSAGE")) == "hi"


async def test_awaiting_send_and_receive_from_another_loop(server: Server) -> None:
    alice, bob = await asyncio.to_thread(lambda: (server.client("alice"), server.client("bob")))
    ack = await alice.asend("hi")
    assert ack is not None
    assert ack.type == "ACK"
    assert content(await bob.areceive(type="CHAT_MESSAGE")) == "hi"


async def test_async_for_ends_when_the_client_is_closed(server: Server) -> None:
    alice, bob = await asyncio.to_thread(lambda: (server.client("alice"), server.client("bob")))
    await alice.asend("one")
    await alice.asend("two")
    heard = []
    async for event in bob:
        if event.type == "CHAT_MESSAGE":
            heard.append(event.data["content"])
        if heard == ["one", "two"]:
            await asyncio.to_thread(bob.close)
    assert heard == ["one", "two"]


def test_the_blocking_form_works_in_a_cell_with_a_running_loop() -> None:
    # In a process of its own: here the watch over blocking calls would forbid it.
    program = f"""
import asyncio
import labserver as lab

async def cell(technique):
    with lab.start(technique) as server:
        alice = server.client("alice")
        alice.send("hi")
        print(technique, alice.receive(type="CHAT_MESSAGE").data["content"])

for technique in {TECHNIQUES}:
    asyncio.run(cell(technique))
"""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    said = "".join(f"{technique} hi\n" for technique in TECHNIQUES)
    assert (run.stdout, run.stderr, run.returncode) == (said, "", 0)


def test_an_event_may_be_sent_as_it_is(server: Server) -> None:
    alice, bob = server.client("alice"), server.client("bob")
    alice.send({"type": "CHAT_MESSAGE", "data": {"content": "a dict", "id": "mine"}})
    alice.send(Event("CHAT_MESSAGE", {"content": "an Event"}))
    first = bob.receive(type="CHAT_MESSAGE")
    assert content(first) == "a dict"
    assert first is not None
    assert first.data["id"] == "mine"
    assert content(bob.receive(type="CHAT_MESSAGE")) == "an Event"


@pytest.mark.parametrize("nonsense", [{"content": "no type"}, {"type": 7}])
def test_anything_but_text_or_event_is_an_error(start: Start, nonsense: dict[str, object]) -> None:
    alice = start("websocket").client("alice")
    with pytest.raises(LabError, match="Send a text"):
        alice.send(nonsense)


def test_a_refused_event_raises(server: Server) -> None:
    alice = server.client("alice")
    with pytest.raises(Refused) as caught:
        alice.send("")
    assert caught.value.code == "bad_event"
    assert alice.send("the connection stays") is not None


def test_receive_returns_none_at_the_timeout(server: Server) -> None:
    alice = server.client("alice")
    while alice.receive(0.5) is not None:
        pass
    began = time.monotonic()
    with within(0.2 + PROMPT_S):
        assert alice.receive(0.2) is None
    assert time.monotonic() - began > 0.19


def test_receive_with_a_timeout_of_zero_takes_what_is_there(start: Start) -> None:
    alice = start("websocket").client("alice")
    alice.send("hi")
    wait_until(lambda: (alice.cursor or "").endswith("-1"))
    assert content(alice.receive(0, type="CHAT_MESSAGE")) == "hi"
    assert alice.receive(0) is None


def test_a_type_passes_over_the_others(server: Server) -> None:
    alice, bob = server.client("alice"), server.client("bob")
    bob.send({"type": "TYPING_START"})
    bob.send("hi")
    assert content(alice.receive(type="CHAT_MESSAGE")) == "hi"


def test_cut_and_restore(server: Server) -> None:
    alice, bob = server.client("alice"), server.client("bob")
    bob.cut()
    wait_for(bob, "cut")
    alice.send("missed")
    assert bob.receive(0.3, type="CHAT_MESSAGE") is None
    bob.restore()
    assert content(bob.receive(10, type="CHAT_MESSAGE")) == "missed"
    assert bob.state == "open"
    assert bob.receive(0.3, type="CHAT_MESSAGE") is None


def test_send_while_cut_gives_up_at_the_timeout(server: Server) -> None:
    alice = server.client("alice")
    alice.cut()
    wait_for(alice, "cut")
    with pytest.raises(NotConnected, match="cut by hand"):
        alice.send("hi", timeout=0.2)


def test_closing_twice_does_no_harm_and_ends_what_waits(server: Server) -> None:
    alice = server.client("alice")
    waiting = threading.Thread(target=alice.receive, args=[None], kwargs={"type": "NEVER"})
    waiting.start()
    alice.close()
    alice.close()
    waiting.join(DEADLINE_S)
    assert not waiting.is_alive()
    assert alice.state == "closed"
    with pytest.raises(NotConnected, match=r"server\.client"):
        alice.send("hi")


def test_what_was_received_can_be_read_after_the_close(start: Start) -> None:
    alice = start("websocket").client("alice")
    alice.send("hi")
    wait_until(lambda: (alice.cursor or "").endswith("-1"))
    alice.close()
    assert content(alice.receive(10, type="CHAT_MESSAGE")) == "hi"
    assert alice.receive(1) is None


def test_closing_a_client_that_is_cut_is_quick(server: Server) -> None:
    alice = server.client("alice")
    alice.cut()
    wait_for(alice, "cut")
    with within():
        alice.close()
    assert alice.state == "closed"


def test_a_client_that_is_not_let_in_is_told_why(server: Server, technique: str) -> None:
    address = Address(server.url, "not-a-token", "lobby", "session")
    core = ChatClient(load(technique).connector(address), user="mallory", room="lobby")
    with pytest.raises(Refused) as caught:
        Client(lab_loop, core)
    assert caught.value.status == 401


def test_a_server_that_is_away_is_not_waited_for_for_ever(start: Start) -> None:
    server = start("websocket")
    address = Address(server.url, server.token("alice"), "lobby", "session")
    server.stop()
    core = ChatClient(load("websocket").connector(address), user="alice", room="lobby")
    with pytest.raises(NotConnected, match=r"0\.5 s"):
        Client(lab_loop, core, timeout=0.5)


def test_follow_and_send_soon_keep_the_order(server: Server) -> None:
    alice, bob = server.client("alice"), server.client("bob")
    heard: list[str] = []
    answers: list[Event | None] = []
    done = threading.Event()

    def take(event: Event) -> None:
        if event.type == "CHAT_MESSAGE":
            heard.append(event.data["content"])
            if len(heard) == 10:
                done.set()

    bob.follow(take, lambda: None)
    for n in range(10):
        alice.send_soon(str(n), lambda answer, error: answers.append(answer))
    assert done.wait(DEADLINE_S)
    assert heard == [str(n) for n in range(10)]
    assert all(answer is not None and answer.type == "ACK" for answer in answers)


def test_send_soon_hands_over_the_error(start: Start) -> None:
    alice = start("websocket").client("alice")
    errors: list[LabError | None] = []
    told = threading.Event()

    def then(answer: Event | None, error: LabError | None) -> None:
        errors.append(error)
        told.set()

    alice.send_soon("", then)
    assert told.wait(DEADLINE_S)
    assert isinstance(errors[0], Refused)


def test_it_counts_and_says_who_it_is(server: Server) -> None:
    with server.client("alice", room="attic") as alice:
        alice.send("hi")
        assert alice.receive(type="CHAT_MESSAGE") is not None
        assert (alice.user, alice.room, alice.state) == ("alice", "attic", "open")
        assert alice.counters.sent == 1
        assert alice.counters.received >= 1
        assert alice.counters.payload_sent > len("hi")
        assert alice.cursor is not None
        assert alice.cursor.endswith("-1")
        assert repr(alice) == "<client 'alice' in 'attic': open>"
    assert repr(alice) == "<client 'alice' in 'attic': closed>"


def test_a_client_that_nobody_holds_goes_offline(start: Start) -> None:
    server = start("websocket")
    bob = server.client("bob")
    server.client("alice")
    gc.collect()
    statuses = []
    while not statuses or statuses[-1] != "offline":
        event = bob.receive(10, type="PRESENCE")
        assert event is not None, "alice stays"
        if event.data["userId"] == "alice":
            statuses.append(event.data["status"])
    assert statuses == ["online", "offline"]
