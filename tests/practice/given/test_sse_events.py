from __future__ import annotations

from labserver.practice.checking.values import decode, encode, same
from labserver.practice.given.sse_events import Event, Reset


def test_both_come_back_from_the_child_as_what_they_are() -> None:
    types = (Event, Reset)
    answers = [[Event("message", "a", "7")], Reset("7")]
    came = [decode(encode(answer, types), types) for answer in answers]
    assert all(map(same, answers, came))


def test_a_reset_is_not_taken_for_an_empty_answer() -> None:
    assert Reset("")
    assert not same([], Reset(""))
