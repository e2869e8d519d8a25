"""Who receives what in one room."""

from __future__ import annotations

from labserver.chat.events import Event, envelope, typing
from labserver.chat.log import RoomLog
from labserver.chat.room import Member, Room, inbox


def test_an_entry_reaches_those_who_are_live_and_may_see_it() -> None:
    room = Room(RoomLog("lobby"))
    received: dict[str, list[str]] = {"alice": [], "bob": [], "carol": []}
    for user, types in received.items():
        deliver = lambda entry, types=types: types.append(entry.event.type)  # noqa: E731
        member = Member(user, "lobby", deliver, room.log, room.log.epoch, 0)
        room.add(member)
        if user != "carol":
            room.go_live(member)
    room.log.watch(room.fan_out)
    room.log.append(Event("CHAT_MESSAGE", {"content": "hi"}))
    room.log.append(Event("CHAT_MESSAGE", {"content": "psst"}), recipient="bob")
    room.notify(typing("alice", started=True), but="alice")
    assert received == {
        "alice": ["CHAT_MESSAGE"],
        "bob": ["CHAT_MESSAGE", "CHAT_MESSAGE", "TYPING_START"],
        "carol": [],
    }


def test_a_user_comes_with_the_first_connection_and_goes_with_the_last() -> None:
    room = Room(RoomLog("lobby"))
    tabs = [Member("alice", "lobby", print, room.log, "e", 0) for _ in range(2)]
    assert [room.add(tab) for tab in tabs] == [True, False]
    assert [room.remove(tab) for tab in tabs] == [False, True]
    assert not room.users


def test_presence_is_told_once_and_never_in_an_inbox() -> None:
    room, private = Room(RoomLog("lobby")), Room(RoomLog(inbox("bob")))
    received = []
    for place in (room, private):
        deliver = lambda entry: received.append(entry.event.data)  # noqa: E731
        place.go_live(Member("bob", place.log.room, deliver, place.log, "e", 0))
        for _ in range(2):
            place.announce("alice")
        place.withdraw("alice")
    assert [data["status"] for data in received] == ["online", "offline"]
    assert envelope(Event("PONG")).visible_to("bob")
