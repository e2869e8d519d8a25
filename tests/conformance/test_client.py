"""What a client may rely on, whatever the technique."""

from __future__ import annotations

import threading

import pytest

from labserver.chat.events import Event
from labserver.clock import VirtualClock
from labserver.errors import LabError, Refused
from labserver.runtime import wiring
from labserver.runtime.client import Client
from labserver.runtime.loop import lab_loop
from labserver.runtime.server import Server
from labserver.techniques import NAMES
from labserver.techniques.reconnecting_client import ChatClient
from tests.conformance.listening import (
    Start,
    address_of,
    also_wrapped,
    contents,
    messages,
    wait_for_state,
)
from tests.waiting import wait_until, within


@also_wrapped
def test_a_message_reaches_everyone_in_the_room_and_its_sender(server: Server) -> None:
    alice, bob = server.client("alice"), server.client("bob")
    ack = alice.send("hi")
    assert ack is not None
    assert ack.data["status"] == "delivered"
    for client in (alice, bob):
        (event,) = messages(client, 1)
        assert event.data == {"senderId": "alice", "content": "hi", "id": ack.data["id"]}
        assert (event.room, event.offset) == ("lobby", ack.data["offset"])
        assert event.ts is not None
        assert event.ts.endswith("Z")


def test_rooms_do_not_hear_each_other(server: Server) -> None:
    alice, bob = server.client("alice", room="a"), server.client("bob", room="b")
    alice.send("for a")
    bob.send("for b")
    assert contents(messages(bob, 1)) == ["for b"]
    assert contents(messages(alice, 1)) == ["for a"]


@pytest.mark.parametrize(
    "text",
    [
        "<img src=x onerror=alert(1)>",
        "a\nid: 99\n\ndata: b",
        "\u2028\x00\r",
        "👩‍👩‍👧 نص",
        "x" * 4096,
    ],
)
def test_any_text_arrives_as_it_was(server: Server, text: str) -> None:
    alice, bob = server.client("alice"), server.client("bob")
    alice.send(text)
    assert contents(messages(bob, 1)) == [text]


@also_wrapped
def test_what_was_missed_while_cut_arrives_once(server: Server) -> None:
    alice, bob = server.client("alice"), server.client("bob")
    alice.send("before")
    assert contents(messages(bob, 1)) == ["before"]
    bob.cut()
    wait_for_state(bob, "cut")
    for n in range(5):
        alice.send(f"missed {n}")
    bob.restore()
    alice.send("after")
    assert contents(messages(bob, 6)) == [*(f"missed {n}" for n in range(5)), "after"]
    assert bob.receive(0.3, type="CHAT_MESSAGE") is None


def test_a_message_sent_while_cut_is_sent_after(server: Server) -> None:
    alice, bob = server.client("alice"), server.client("bob")
    alice.cut()
    wait_for_state(alice, "cut")
    sending = threading.Thread(target=alice.send, args=["patience"])
    sending.start()
    assert bob.receive(0.3, type="CHAT_MESSAGE") is None
    alice.restore()
    assert contents(messages(bob, 1)) == ["patience"]
    sending.join()


@also_wrapped
def test_a_client_resumes_where_another_left_off(server: Server) -> None:
    alice, bob = server.client("alice"), server.client("bob")
    alice.send("one")
    messages(bob, 1)
    bob.close()
    alice.send("two")
    with server.client("bob", after=bob.cursor) as again:
        assert contents(messages(again, 1)) == ["two"]


@pytest.mark.parametrize("cursor", ["0000-1", "999999999"])
def test_a_cursor_of_another_log_gets_reset_and_then_what_is_new(
    server: Server, cursor: str
) -> None:
    alice = server.client("alice")
    alice.send("old")
    bob = server.client("bob", after=cursor)
    reset = bob.receive(type="RESET")
    assert reset is not None
    assert (reset.data["oldest"], reset.data["newest"]) == (1, 1)
    alice.send("new")
    assert contents(messages(bob, 1)) == ["new"]


def test_the_same_id_twice_is_one_message(server: Server) -> None:
    alice, bob = server.client("alice"), server.client("bob")
    event = {"type": "CHAT_MESSAGE", "data": {"content": "once", "id": "m1"}}
    first, second = alice.send(event), alice.send(event)
    assert first is not None
    assert second is not None
    assert (first.data["status"], second.data["status"]) == ("delivered", "duplicate")
    assert first.data["offset"] == second.data["offset"]
    assert contents(messages(bob, 1)) == ["once"]
    assert bob.receive(0.3, type="CHAT_MESSAGE") is None


@also_wrapped
def test_direct_messages_wait_for_their_recipient_and_come_first(server: Server) -> None:
    alice = server.client("alice")
    for n in range(3):
        ack = alice.send(
            {"type": "CHAT_MESSAGE", "data": {"content": f"dm {n}", "recipientId": "bob"}}
        )
        assert ack is not None
        assert ack.data["status"] == "queued"
    bob = server.client("bob")
    alice.send("to all")
    assert contents(messages(bob, 4)) == ["dm 0", "dm 1", "dm 2", "to all"]
    assert contents(messages(alice, 1)) == ["to all"]  # and nobody else saw the direct ones
    cursor = bob.cursor
    bob.close()
    with server.client("bob", after=cursor) as again:
        assert again.receive(0.3, type="CHAT_MESSAGE") is None
    with server.client("bob") as later:  # acknowledged: gone from the mailbox
        assert later.receive(0.3, type="CHAT_MESSAGE") is None


def test_typing_reaches_the_others_and_not_the_typist(server: Server) -> None:
    alice, bob = server.client("alice"), server.client("bob")
    alice.send({"type": "TYPING_START"})
    event = bob.receive(type="TYPING_START")
    assert event is not None
    assert event.data == {"userId": "alice"}
    assert event.offset is None
    alice.send({"type": "TYPING_STOP"})
    assert bob.receive(type="TYPING_STOP") is not None
    assert alice.receive(0.3, type="TYPING_START") is None


@pytest.mark.parametrize("technique", NAMES)
def test_presence_comes_with_the_first_tab_and_goes_with_the_last(
    technique: str, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = VirtualClock()
    monkeypatch.setattr(wiring, "clock", clock)
    server = start(technique)

    async def tick() -> None:
        clock.advance(1)
        server.hub.tick()

    bob = server.client("bob")
    first, second = server.client("alice"), server.client("alice")
    event = bob.receive(type="PRESENCE")
    assert event is not None
    assert event.data == {"userId": "alice", "status": "online"}
    first.close()
    for _ in range(15):  # seconds, in which whoever polls goes on polling
        lab_loop.call(tick)
        assert bob.receive(0.1, type="PRESENCE") is None
    second.close()

    def gone() -> Event | None:
        lab_loop.call(tick)
        return bob.receive(0.1, type="PRESENCE")

    event = wait_until(gone)
    assert event is not None
    assert event.data == {"userId": "alice", "status": "offline"}


def test_who_comes_later_is_told_who_is_there(server: Server) -> None:
    alice = server.client("alice")
    bob = server.client("bob")
    event = bob.receive(type="PRESENCE")
    assert event is not None
    assert event.data["userId"] == "alice"
    assert alice.state == "open"


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"type": "CHAT_MESSAGE", "data": {"content": ""}}, "bad_event"),
        ({"type": "CHAT_MESSAGE", "data": {"content": "x" * 4097}}, "bad_event"),
        ({"type": "CHAT_MESSAGE", "data": {"content": "x", "recipientId": "a b"}}, "bad_name"),
    ],
)
def test_an_event_that_is_not_as_agreed_is_answered(
    server: Server, event: dict[str, object], code: str
) -> None:
    alice = server.client("alice")
    with pytest.raises(Refused) as refused:
        alice.send(event)
    assert refused.value.code == code
    assert alice.send("still here") is not None


@also_wrapped
def test_a_bad_token_is_refused_for_good(server: Server) -> None:
    from labserver.techniques import load

    connector = load(server.technique).connector(address_of(server, "not.a.token"))
    with pytest.raises(Refused) as refused:
        Client(lab_loop, ChatClient(connector, user="eve", room="lobby"))
    assert refused.value.status == 401


def test_a_bad_name_is_refused(server: Server) -> None:
    with pytest.raises(Refused, match="user"):
        server.client("a b")
    with pytest.raises(Refused, match="room"):
        server.client("alice", room="a/b")


@also_wrapped
def test_stopping_is_prompt_with_streams_open(server: Server) -> None:
    clients = [server.client(f"user{n}") for n in range(10)]
    with within():
        server.stop()
    assert {client.state for client in clients} == {"closed"}


def test_a_stopped_server_says_so(server: Server) -> None:
    server.stop()
    with pytest.raises(LabError, match="stopped"):
        server.client("alice")


def test_a_client_survives_a_restart_of_its_server(server: Server, start: Start) -> None:
    keeper = start("websocket", hub=server.hub, name="keeper")  # so that the log lives on
    wire_client = server.client("bob")
    port = server.port
    server._clients.clear()  # the client is not to be closed with its server
    server.stop()
    wait_for_state(wire_client, "waiting")
    keeper.client("alice").send("meanwhile")
    start(server.technique, hub=keeper.hub, port=port)
    assert contents(messages(wire_client, 1)) == ["meanwhile"]
    wire_client.close()
