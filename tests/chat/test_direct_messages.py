"""Direct messages: kept, in order, until they are acknowledged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from labserver.backends.memory_bus import MemoryBus
from labserver.backends.sqlite_mailbox import SqliteMailbox
from labserver.chat.events import Event
from labserver.chat.hub import Hub
from labserver.chat.log import Cursor
from labserver.clock import VirtualClock
from tests.chat.test_hub import Lab, said


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    lab = Lab()
    yield lab
    await lab.stack.aclose()
    await lab.hub.aclose()


async def dm(lab: Lab, content: str, to: str = "bob", room: str = "lobby", **data: Any) -> Event:
    return await lab.say("ann", content, room, recipientId=to, **data)


async def test_it_reaches_every_tab_of_the_recipient_and_nobody_else(lab: Lab) -> None:
    _, one = await lab.visit("bob")
    _, other = await lab.visit("bob", room="games")
    _, ann = await lab.visit("ann")
    _, eve = await lab.visit("eve")
    assert (await dm(lab, "psst")).data["status"] == "delivered"
    assert said(one) == said(other) == ["psst"]
    assert said(ann) == said(eve) == []
    assert one[-1].data["recipientId"] == "bob"


async def test_it_waits_for_who_is_away_and_comes_before_anything_newer(lab: Lab) -> None:
    assert [(await dm(lab, str(n))).data["status"] for n in range(3)] == ["queued"] * 3
    await lab.say("ann", "to all")
    _, bob = await lab.visit("bob")
    await lab.say("ann", "later")
    assert said(bob) == ["0", "1", "2", "later"]


async def test_on_a_resume_it_stands_where_it_was_said(lab: Lab) -> None:
    member, _ = await lab.visit("bob")
    await lab.say("ann", "r1")
    cursor = Cursor(1, member.epoch)
    lab.hub.leave(member)
    await dm(lab, "dm")
    await lab.say("ann", "r2")
    _, bob = await lab.visit("bob", after=cursor)
    assert said(bob) == ["dm", "r2"]


async def test_it_is_found_in_a_room_that_is_new_to_the_recipient(lab: Lab) -> None:
    await dm(lab, "dm", room="lobby")
    _, bob = await lab.visit("bob", room="games")
    assert said(bob) == ["dm"]
    assert bob[0].room == "games"


async def test_it_comes_again_until_it_is_acknowledged(lab: Lab) -> None:
    await dm(lab, "dm")
    first, heard = await lab.visit("bob")
    lab.hub.leave(first)
    second, again = await lab.visit("bob")
    assert said(heard) == said(again) == ["dm"]
    await lab.tell("bob", "ACK", offset=again[0].offset)
    lab.hub.leave(second)
    _, third = await lab.visit("bob")
    assert said(third) == []


async def test_a_cursor_past_it_is_a_receipt_and_one_before_it_is_none(lab: Lab) -> None:
    await lab.say("ann", "r1")
    await dm(lab, "dm")
    member, heard = await lab.visit("bob")
    (offset,) = [event.offset for event in heard if event.offset]
    lab.hub.leave(member)
    before, _ = await lab.visit("bob", after=Cursor(offset - 1))
    lab.hub.leave(before)
    again, heard = await lab.visit("bob")
    assert said(heard) == ["dm"]
    lab.hub.leave(again)
    after, _ = await lab.visit("bob", after=Cursor(offset))
    lab.hub.leave(after)
    _, heard = await lab.visit("bob")
    assert said(heard) == []


async def test_somebody_elses_receipt_does_not_count(lab: Lab) -> None:
    await dm(lab, "dm")
    await lab.visit("eve")
    await lab.tell("eve", "ACK", offset=99)
    _, bob = await lab.visit("bob")
    assert said(bob) == ["dm"]


async def test_the_same_id_twice_is_one_letter(lab: Lab) -> None:
    first, again = await dm(lab, "dm", id="x"), await dm(lab, "dm", id="x")
    assert (first.data["status"], again.data["status"]) == ("queued", "duplicate")
    assert first.data["offset"] == again.data["offset"]
    _, bob = await lab.visit("bob")
    assert said(bob) == ["dm"]


async def test_what_retention_took_from_the_log_is_placed_anew() -> None:
    lab = Lab(retain_entries=3)
    await dm(lab, "dm")
    for number in range(9):
        await lab.say("ann", str(number))
    _, bob = await lab.visit("bob")
    assert said(bob) == ["dm"]
    await lab.stack.aclose()
    await lab.hub.aclose()


async def test_accepted_mail_outlives_the_hub(tmp_path: Any) -> None:
    for_bob = '{"type":"CHAT_MESSAGE","data":{"content":"dm","recipientId":"bob"}}'
    clock = VirtualClock()
    first = Hub(bus=MemoryBus(), mailbox=SqliteMailbox(tmp_path / "mail"), clock=clock)
    await first.receive("ann", "lobby", for_bob)
    await first.aclose()
    second = Lab()
    await second.hub.aclose()
    second.hub = Hub(bus=MemoryBus(), mailbox=SqliteMailbox(tmp_path / "mail"), clock=clock)
    _, bob = await second.visit("bob", after=Cursor(5, "gone"))
    assert [event.type for event in bob] == ["RESET", "CHAT_MESSAGE"]
    await second.stack.aclose()
    await second.hub.aclose()


async def test_the_rooms_last_visited_are_remembered_and_no_more(lab: Lab) -> None:
    for number in range(12):
        member, _ = await lab.visit("bob", room=f"r{number}")
        lab.hub.leave(member)
    await dm(lab, "dm")
    placed = [room for room in lab.hub._rooms if lab.hub._rooms[room].log.mail_of("bob")]
    assert placed == [f"r{number}" for number in range(4, 12)]
