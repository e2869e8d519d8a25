"""How a client tells events and answers apart on one connection."""

from __future__ import annotations

import asyncio

import pytest

from labserver.chat.events import Event, ack, envelope, error, hello, reset
from labserver.errors import Refused
from labserver.techniques.transport.conversation import Conversation, receipt
from labserver.techniques.transport.interface import ConnectionLost, Counters, Received


def message(offset: int, **data: str) -> Event:
    """Return a chat message in a log."""
    return Event("CHAT_MESSAGE", {"senderId": "bob", "content": "✓", **data}, offset=offset)


async def nowhere(raw: bytes) -> None:
    """Do not send anything."""


def test_the_cursor_follows_what_is_received() -> None:
    conversation = Conversation(Counters(), None)
    assert conversation.receive(hello("ab-6").json) == Received("ab-6")
    event = message(7, id="m")
    assert conversation.receive(envelope(event).json.decode()) == Received("ab-7", event)
    typing = Event("TYPING_START", {"userId": "bob"})
    assert conversation.receive(envelope(typing).json) == Received(None, typing)
    received = conversation.receive(reset("cd", 1, 9, room="lobby").json)
    assert received is not None
    assert received.cursor == "cd-9"


def test_who_resumes_keeps_the_own_cursor_until_more_is_received() -> None:
    conversation = Conversation(Counters(), "ab-3")
    assert conversation.receive(hello("ab-6").json) == Received(None)
    event = message(4)
    assert conversation.receive(envelope(event).json) == Received("ab-4", event)


async def test_an_answer_finds_its_question_and_is_not_received() -> None:
    counters = Counters()
    conversation = Conversation(counters, None)
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(conversation.send(b"1", "a", nowhere))
        second = tasks.create_task(conversation.send(b"22", "b", nowhere))
        await asyncio.sleep(0)
        refused = error(Refused(400, "bad_event", "no"), "b")
        assert conversation.receive(refused.json) is None
        assert conversation.receive(ack("a", 1, "delivered").json) is None
    answers = first.result(), second.result()
    assert [answer.type for answer in answers if answer] == ["ACK", "ERROR"]
    assert (counters.sent, counters.payload_sent) == (2, 3)
    assert conversation.receive(refused.json) is not None  # nobody asks any more


async def test_what_has_no_id_has_no_answer() -> None:
    assert await Conversation(Counters(), None).send(b"{}", None, nowhere) is None


async def test_who_waits_for_an_answer_is_told_of_the_end() -> None:
    conversation = Conversation(Counters(), None)

    async def send() -> None:
        with pytest.raises(ConnectionLost):
            await conversation.send(b"{}", "a", nowhere)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(send())
        await asyncio.sleep(0)
        conversation.end()


def test_bytes_are_counted_and_not_characters() -> None:
    counters = Counters()
    raw = envelope(message(1)).json
    Conversation(counters, None).receive(raw.decode())
    assert counters.payload_received == len(raw)


def test_only_a_direct_message_gets_a_receipt() -> None:
    assert receipt(Received(None)) is None
    assert receipt(Received("ab-1", message(1))) is None
    assert receipt(Received("ab-2", message(2, recipientId="me"))) == (
        b'{"type":"ACK","data":{"offset":2}}'
    )
