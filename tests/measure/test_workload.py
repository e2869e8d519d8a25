from __future__ import annotations

import math

import pytest

import labserver as lab
from labserver.chat.events import CONTENT_MAX
from labserver.measure.workload import Workload


def test_each_message_is_due_in_a_slot_of_its_own() -> None:
    due = Workload(messages=200, per_s=40).due()
    assert [math.floor(moment * 40) for moment in due] == list(range(200))


def test_the_moments_within_the_slots_are_random_and_can_be_had_again() -> None:
    assert Workload(seed=7).due() == Workload(seed=7).due() != Workload(seed=8).due()
    within = [moment * 50 % 1 for moment in Workload(messages=1000).due()]
    assert 0.45 < sum(within) / 1000 < 0.55


def test_rooms_and_their_members_take_turns() -> None:
    workload = Workload(messages=12, rooms=3, members=2)
    turns = [workload.turn(number) for number in range(7)]
    assert turns == [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1), (0, 0)]
    assert workload.speakers == 6


def test_a_message_is_heard_by_all_in_its_room_but_its_speaker() -> None:
    assert Workload(messages=10, members=4).deliveries == 30


@pytest.mark.parametrize("size", [1, 64, 4096, 4097, 5000, 16383, 16384])
def test_a_content_has_its_size_in_bytes_and_no_more_characters_than_are_allowed(
    size: int,
) -> None:
    content = Workload(size=size).content()
    assert len(content.encode()) == size
    assert len(content) <= CONTENT_MAX


@pytest.mark.parametrize(
    "wrong",
    [
        {"messages": 0},
        {"per_s": 0},
        {"per_s": math.inf},
        {"per_s": math.nan},
        {"size": 0},
        {"size": 16385},
        {"rooms": 0},
        {"members": 1},
    ],
)
def test_senseless_figures_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(lab.LabError, match=f"Workload\\({next(iter(wrong))}"):
        Workload(**wrong)


def test_more_than_a_user_may_send_needs_more_rooms() -> None:
    with pytest.raises(lab.LabError, match="rooms=4"):
        Workload(per_s=400, rooms=1)
    assert Workload(per_s=400, rooms=4).speakers == 8


def test_nobody_has_to_speak_again_before_an_answer_can_be_there() -> None:
    Workload().check_link(lab.Link(rtt_ms=150, jitter_ms=10))
    with pytest.raises(lab.LabError, match="rooms=13"):
        Workload().check_link(lab.LINKS["satellite"])
    Workload(rooms=13).check_link(lab.LINKS["satellite"])
