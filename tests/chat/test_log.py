from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labserver.chat.events import Event
from labserver.chat.log import Cursor, RoomLog
from labserver.errors import Refused


def said(text: str) -> Event:
    return Event("CHAT_MESSAGE", {"content": text})


def test_offsets_begin_at_one_and_grow_by_one() -> None:
    log = RoomLog("lobby")
    assert [log.append(said("x")).event.offset for _ in range(3)] == [1, 2, 3]
    assert (log.oldest, log.newest) == (1, 3)
    assert log[2].event.room == "lobby"


@pytest.mark.parametrize(
    ("text", "cursor"),
    [("0", Cursor(0)), ("12", Cursor(12)), ("a3f-12", Cursor(12, "a3f"))],
)
def test_a_cursor_is_an_offset_with_or_without_an_epoch(text: str, cursor: Cursor) -> None:
    assert Cursor.parse(text) == cursor
    assert str(cursor) == text


@given(st.text(max_size=30))
def test_whatever_else_is_no_cursor(text: str) -> None:
    try:
        assert str(Cursor.parse(text)).lstrip("0") in (text.lstrip("0"), text)
    except Refused as refused:
        assert refused.code == "bad_cursor"
    else:
        assert text.isascii()


@pytest.mark.parametrize("text", ["", "-1", "١", "1\n", "a-", "A-1", "9" * 19, "1-2-3"])
def test_near_misses_are_refused(text: str) -> None:
    with pytest.raises(Refused, match="EPOCH-OFFSET"):
        Cursor.parse(text)


@given(st.integers(1, 20), st.integers(0, 60), st.integers(0, 70))
def test_what_is_covered_can_be_read_without_a_gap(retain: int, entries: int, after: int) -> None:
    log = RoomLog("r", retain_entries=retain)
    for number in range(entries):
        log.append(said(str(number)))
    assert log.newest == entries
    assert log.oldest == max(1, entries - retain + 1)
    covered = log.oldest - 1 <= after <= entries
    assert log.covers(Cursor(after)) is covered
    assert log.covers(Cursor(after, log.epoch)) is covered
    assert not log.covers(Cursor(after, "other"))
    if covered:
        found, position = log.after(after, "anyone", limit=1000)
        assert [entry.event.offset for entry in found] == list(range(after + 1, entries + 1))
        assert position == entries


def test_the_log_forgets_by_bytes_too() -> None:
    log = RoomLog("r", retain_bytes=1000)
    for _ in range(10):
        log.append(said("x" * 300))
    assert log.newest == 10
    assert log.oldest == 9


def test_pages_are_read_one_after_the_other() -> None:
    log = RoomLog("r")
    for number in range(7):
        log.append(said(str(number)))
    first, position = log.after(0, "a", limit=5)
    second, position = log.after(position, "a", limit=5)
    assert [entry.event.offset for entry in first + second] == [1, 2, 3, 4, 5, 6, 7]
    assert position == 7


def test_a_private_entry_is_passed_over_by_others_and_known_as_mail() -> None:
    log = RoomLog("r", retain_entries=3)
    log.append(said("psst"), recipient="bob", mail=4)
    log.append(said("all"))
    assert [e.event.offset for e in log.after(0, "bob", 9)[0]] == [1, 2]
    assert log.after(0, "carol", 9) == ([log[2]], 2)
    assert log.mail_of("bob") == {4: 1}
    log.forget_mail("bob", [4, 5])
    assert log.mail_of("bob") == {}


def test_mail_that_left_the_log_is_no_more_known_in_it() -> None:
    log = RoomLog("r", retain_entries=1)
    log.append(said("psst"), recipient="bob", mail=4)
    log.append(said("all"))
    assert log.mail_of("bob") == {}


def test_who_watches_is_told_until_it_ceases_to() -> None:
    log, heard = RoomLog("r"), []
    log.watch(heard.append)
    log.append(said("a"))
    log.unwatch(heard.append)
    log.append(said("b"))
    assert [entry.event.data["content"] for entry in heard] == ["a"]


def test_an_entry_that_does_not_follow_is_an_error() -> None:
    log, other = RoomLog("r"), RoomLog("r", newest=5)
    with pytest.raises(ValueError, match="does not follow"):
        log.extend(other.append(said("x")))


def test_a_log_that_begins_anew_tells_who_watches() -> None:
    log, heard = RoomLog("r", "one"), []
    log.append(said("a"))
    log.watch(heard.append)
    log.restart("two", newest=9)
    assert heard[0].event.data == {"epoch": "two", "oldest": 10, "newest": 9}
    assert not log.covers(Cursor(1, "one"))
    assert log.append(said("b")).event.offset == 10
