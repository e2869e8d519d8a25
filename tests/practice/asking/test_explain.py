from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import labserver as lab
from labserver.clock import VirtualClock
from labserver.errors import LabError
from labserver.practice.asking.explain import MOST_CHARS, Explanation
from labserver.practice.progress import store

MODEL = "It proves that the server read this request."
POINTS = ["it read the request", "it speaks WebSocket", "not who it is"]
TEXT = "The server has read my request, nothing more."

Kept = dict[str, dict[str, Any]]


def accept(kept: Kept | None = None, points: list[str] = POINTS) -> Explanation:
    return Explanation(
        "what accept proves",
        "What does the hash prove?",
        MODEL,
        points,
        kept={} if kept is None else kept,
        clock=VirtualClock(1_750_000_000),
    )


def press(widget: Explanation, **message: object) -> None:
    """What a button does."""
    widget._handle_custom_msg(message, [])


def test_a_text_is_locked_in_before_the_model_is_shown() -> None:
    kept: Kept = {}
    explanation = accept(kept)
    assert (explanation.text, explanation.model_text, explanation.points) == ("", "", [])
    press(explanation, lock=f"  {TEXT}\n")
    assert (explanation.text, explanation.model_text) == (TEXT, MODEL)
    assert (explanation.points, explanation.ticked) == (POINTS, [])
    assert kept == {
        "what accept proves": {
            "question": "What does the hash prove?",
            "text": TEXT,
            "locked": "2025-06-15T15:06:40.000Z",
            "points": POINTS,
            "ticked": [],
        }
    }


def test_ticks_are_kept_at_once_and_found_by_the_next_run() -> None:
    kept: Kept = {}
    explanation = accept(kept)
    explanation.lock(TEXT)
    press(explanation, tick=2, on=True)
    press(explanation, tick=0, on=True)
    press(explanation, tick=2, on=False)
    assert kept["what accept proves"]["ticked"] == ["it read the request"]
    again = accept(kept)
    assert (again.text, again.model_text, again.ticked) == (TEXT, MODEL, [0])


def test_a_changed_lesson_keeps_the_ticks_of_the_points_that_it_still_has() -> None:
    kept: Kept = {}
    old = accept(kept)
    old.lock(TEXT)
    old.tick(0)
    old.tick(2)
    new = accept(kept, points=["a new point", "not who it is"])
    assert new.ticked == [1]
    assert kept["what accept proves"]["points"] == POINTS, "until the learner has seen the new ones"
    new.tick(0)
    assert kept["what accept proves"]["ticked"] == ["a new point", "not who it is"]
    assert kept["what accept proves"]["points"] == ["a new point", "not who it is"]


@pytest.mark.parametrize("text", ["", "   ", "because"])
def test_nothing_much_is_not_locked_in(text: str) -> None:
    kept: Kept = {}
    explanation = accept(kept)
    press(explanation, lock=text)
    assert (explanation.problem, kept) == ("Write a sentence or two first.", {})
    press(explanation, lock=TEXT)
    assert explanation.problem == ""


def test_a_book_is_not_locked_in() -> None:
    with pytest.raises(LabError, match="Write at most 4,000 characters"):
        accept().lock("x" * (MOST_CHARS + 1))


def test_what_is_locked_in_stays_until_it_is_reset() -> None:
    kept: Kept = {}
    explanation = accept(kept)
    explanation.lock(TEXT)
    with pytest.raises(LabError, match=r"locked in. To write another, call reset\(\)"):
        explanation.lock(f"{TEXT} And another.")
    explanation.reset()
    assert (explanation.text, explanation.model_text, kept) == ("", "", {})


def test_nobody_is_stuck_the_model_is_shown_when_asked_for() -> None:
    kept: Kept = {}
    explanation = accept(kept)
    press(explanation, show=True)
    assert (explanation.model_text, explanation.points, explanation.text) == (MODEL, POINTS, "")
    with pytest.raises(LabError, match="Lock your explanation in before"):
        explanation.tick(0)
    assert kept == {}
    assert accept(kept).model_text == "", "the question that is run again asks again"


def test_a_draft_survives_the_next_run_and_is_gone_when_it_is_locked_in() -> None:
    kept: Kept = {}
    explanation = accept(kept)
    explanation.draft = "The server has re"  # as the page does while one writes
    again = accept(kept)
    assert again.draft == "The server has re"
    explanation.draft = "The server has read"  # it came while the cell ran again
    assert again.draft == "The server has read"
    explanation.lock(TEXT)
    assert "draft" not in kept["what accept proves"]
    explanation.draft = "late, from another window"
    assert kept["what accept proves"]["text"] == TEXT
    assert "draft" not in kept["what accept proves"]


def test_its_text_is_the_question_and_never_the_model() -> None:
    explanation = accept()
    assert explanation._repr_mimebundle_()[0]["text/plain"] == "What does the hash prove?"
    explanation.lock(TEXT)
    assert repr(explanation) == f"What does the hash prove?\nYou wrote: {TEXT}"
    assert MODEL not in repr(explanation)


def test_two_of_the_same_key_show_the_same() -> None:
    kept: Kept = {}
    one, other = accept(kept), accept(kept)
    one.lock(TEXT)
    one.tick(1)
    assert (other.text, other.ticked) == (TEXT, [1])


def test_what_cannot_be_kept_is_said_beside_the_box(tmp_path: Path) -> None:
    (tmp_path / "progress.lock").mkdir()
    explanation = accept()
    explanation._kept = store.ProgressFile(tmp_path / "progress.json").section("explanations")
    press(explanation, lock=TEXT)
    assert "cannot be locked" in explanation.problem
    assert explanation.model_text == ""


@pytest.mark.parametrize("points", [[], ["one"], ["one", "one"], ["one", " "], "two points"])
def test_there_are_at_least_two_points(points: Any) -> None:
    with pytest.raises(LabError, match="at least two points"):
        lab.explain("key", "Why?", MODEL, points)


def test_no_argument_is_empty() -> None:
    for wrong in (("", "Why?", MODEL), ("key", " ", MODEL), ("key", "Why?", "")):
        with pytest.raises(LabError, match="Give a key, a question and a model explanation"):
            lab.explain(*wrong, POINTS)


def test_there_is_no_point_beyond_the_last() -> None:
    explanation = accept()
    explanation.lock(TEXT)
    with pytest.raises(LabError, match="There is no point 3: give 0 to 2"):
        explanation.tick(3)


def test_an_explanation_is_in_the_learners_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABSERVER_STATE", str(tmp_path))
    lab.explain("hash", "Why?", MODEL, POINTS).lock(TEXT)
    lab.explain("hash", "Why?", MODEL, POINTS).tick(1)
    assert store.kept("explanations")["hash"]["ticked"] == ["it speaks WebSocket"]
