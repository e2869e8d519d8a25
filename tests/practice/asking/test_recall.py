from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import labserver as lab
from labserver.clock import VirtualClock
from labserver.errors import LabError
from labserver.practice.asking.recall import Recall, left_out, recall_questions
from labserver.practice.progress import store

Kept = dict[str, dict[str, Any]]

FIRST, SECOND = (one for one in recall_questions() if one.asked_in == 2)
EXPLAINED = {
    "why": {"question": "Why?", "locked": "2025-06-14", "points": ["a", "b"], "ticked": ["a"]},
    "how": {"question": "How?", "locked": "2025-06-15T09:00", "points": ["c", "d"], "ticked": []},
    "done": {"question": "?", "locked": "2025-06-01", "points": ["e"], "ticked": ["e"]},
    "draft": {"draft": "not yet locked in"},
}


def second_lesson(kept: Kept | None = None, explanations: Kept | None = None) -> Recall:
    return Recall(
        2,
        kept={} if kept is None else kept,
        explanations=explanations or {},
        clock=VirtualClock(1_750_000_000),
    )


def press(widget: Recall, **message: object) -> None:
    """What a button does."""
    widget._handle_custom_msg(message, [])


def test_every_lesson_from_02_on_asks_two_questions_about_earlier_ones() -> None:
    questions = recall_questions()
    for lesson in range(2, 14):
        asked = [one for one in questions if one.asked_in == lesson]
        assert len(asked) == 2, lesson
        assert all(int(one.about.split()[1]) < lesson for one in asked), lesson
    assert len({one.id for one in questions}) == len(questions)
    assert {one.asked_in for one in questions} == set(range(2, 14))


@pytest.mark.parametrize("one", recall_questions(), ids=lambda one: one.id)
def test_a_question_asks_and_its_answer_takes_one_to_three_sentences(one: Any) -> None:
    assert one.question.endswith("?")
    assert one.answer.endswith(".")
    assert 40 < len(one.answer) < 420


def test_an_answer_is_written_before_the_right_one_is_shown() -> None:
    kept: Kept = {}
    recall = second_lesson(kept)
    assert [item["answer"] for item in recall.items] == ["", ""]
    press(recall, id=FIRST.id, text=" 304 ")
    assert [item["answer"] for item in recall.items] == [FIRST.answer, ""]
    assert kept == {
        FIRST.id: {"lesson": 2, "text": "304", "shown": "2025-06-15T15:06:40.000Z"},
    }


def test_an_empty_answer_shows_nothing() -> None:
    recall = second_lesson()
    press(recall, id=FIRST.id, text="  ")
    assert recall.items[0]["answer"] == ""
    assert recall.problem == "Write an answer first; a few words are enough."


def test_nobody_is_stuck_the_answer_is_shown_when_asked_for() -> None:
    kept: Kept = {}
    recall = second_lesson(kept)
    press(recall, id=SECOND.id)
    assert recall.items[1]["answer"] == SECOND.answer
    assert kept == {}
    assert second_lesson(kept).items[1]["answer"] == "", "what is run again asks again"


def test_whether_it_was_known_is_kept_with_its_time_and_can_be_changed() -> None:
    kept: Kept = {}
    recall = second_lesson(kept)
    press(recall, id=FIRST.id, text="304")
    press(recall, id=FIRST.id, knew=True)
    assert recall.items[0]["knew"] is True
    assert kept[FIRST.id]["judged"] == "2025-06-15T15:06:40.000Z"
    press(recall, id=FIRST.id, knew=False)
    again = second_lesson(kept)
    assert (again.items[0]["knew"], again.items[0]["text"]) == (False, "304")


def test_it_is_not_judged_before_the_answer_was_seen() -> None:
    recall = second_lesson()
    with pytest.raises(LabError, match="Look at the answer before"):
        recall.judge(FIRST.id, True)
    recall.show_unanswered(FIRST.id)
    recall.judge(FIRST.id, True)
    assert recall.items[0]["knew"] is True


def test_drafts_survive_the_next_run() -> None:
    kept: Kept = {}
    recall = second_lesson(kept)
    recall.drafts = {FIRST.id: "I thi", SECOND.id: ""}  # as the page does while one writes
    again = second_lesson(kept)
    assert again.drafts[FIRST.id] == "I thi"
    recall.drafts = {FIRST.id: "I think", SECOND.id: ""}  # it came while the cell ran again
    assert again.drafts[FIRST.id] == "I think"
    assert SECOND.id not in kept
    recall.show(SECOND.id, "2 s")
    assert kept[FIRST.id]["draft"] == "I think"
    recall.show(FIRST.id, "I think 304")
    assert "draft" not in kept[FIRST.id]


def test_a_reset_asks_again() -> None:
    kept: Kept = {"of another lesson": {}}
    recall = second_lesson(kept)
    recall.show(FIRST.id, "304")
    recall.show_unanswered(SECOND.id)
    recall.reset()
    assert [item["answer"] for item in recall.items] == ["", ""]
    assert kept == {"of another lesson": {}}


def test_a_point_that_was_left_out_comes_back_once() -> None:
    kept: Kept = {}
    recall = second_lesson(kept, EXPLAINED)
    assert len(recall.items) == 3
    item = recall.items[2]
    assert (item["about"], item["answer"]) == ("Left out last time", "")
    assert item["question"] == "Why? Your explanation left out a point. Which?"
    recall.show(item["id"], "b?")
    assert recall.items[2]["answer"] == "b"
    recall.judge(item["id"], True)
    assert second_lesson(kept, EXPLAINED).items[2]["answer"] == "b", "the same when run again"
    (next_one,) = left_out(3, EXPLAINED, kept, "2025-06-15T10")
    assert next_one.question == "How? Your explanation left out 2 points. Which?", "another one"
    assert next_one.answer == "c d"
    assert left_out(4, {"done": EXPLAINED["done"]}, kept, "2025-06-15T10") == ()


def test_what_was_left_out_a_moment_ago_does_not_come_back_yet() -> None:
    just_now = {"how": EXPLAINED["how"] | {"locked": "2025-06-15T15:00:00.000Z"}}
    assert len(second_lesson({}, just_now).items) == 2
    this_morning = {"how": EXPLAINED["how"] | {"locked": "2025-06-15T09:00:00.000Z"}}
    assert len(second_lesson({}, this_morning).items) == 3


def test_its_text_is_the_questions() -> None:
    recall = second_lesson()
    assert repr(recall) == f"1. Lesson 01: {FIRST.question}\n2. Lesson 01: {SECOND.question}"


def test_its_text_fits_a_page() -> None:
    bundle = second_lesson()._repr_mimebundle_()
    assert bundle is not None
    text = bundle[0]["text/plain"]
    assert text.split() == repr(second_lesson()).split()
    assert all(len(line) <= 100 for line in text.splitlines())


@pytest.mark.parametrize("lesson", [1, 14, "2", None])
def test_a_lesson_without_questions_is_a_lab_error(lesson: Any) -> None:
    with pytest.raises(LabError, match="recalls nothing: give one of 02, 03"):
        lab.recall(lesson)


def test_there_is_no_other_question() -> None:
    with pytest.raises(LabError, match="There is no question 'other' here: give one of"):
        second_lesson().show("other", "text")


def test_a_recall_is_in_the_learners_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABSERVER_STATE", str(tmp_path))
    lab.recall(2).show(FIRST.id, "304")
    assert lab.recall(2).items[0]["text"] == "304"
    assert store.kept("recalls")[FIRST.id]["lesson"] == 2
