from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import labserver as lab
from labserver.clock import VirtualClock
from labserver.errors import LabError
from labserver.practice.asking.predict import Comparison, Prediction
from labserver.practice.progress import store

Kept = dict[str, dict[str, Any]]


def share(kept: Kept | None = None) -> Prediction:
    return Prediction(
        "empty-polls",
        "What share of the polls comes back empty?",
        unit="%",
        low=0,
        high=100,
        kept={} if kept is None else kept,
        clock=VirtualClock(1_750_000_000),
    )


def fate(kept: Kept | None = None) -> Prediction:
    choices = ["lost", "kept", "doubled"]
    return Prediction("gap", "An event?", choices=choices, kept={} if kept is None else kept)


def press(widget: Prediction | Comparison, **message: object) -> None:
    """What a button does."""
    widget._handle_custom_msg(message, [])


def test_a_number_is_locked_in_and_kept_with_its_time() -> None:
    kept: Kept = {}
    prediction = share(kept)
    assert (prediction.answer, prediction.said) == (None, "")
    press(prediction, lock=50)
    assert (prediction.answer, prediction.said) == (50, "Your guess: 50 %")
    assert kept == {"empty-polls": {"answer": 50, "locked": "2025-06-15T15:06:40.000Z"}}


def test_an_answer_that_is_locked_in_stays() -> None:
    prediction = share()
    press(prediction, lock=50)
    press(prediction, lock=60)
    assert prediction.answer == 50
    with pytest.raises(LabError, match=r"Your guess: 50 %. To answer again, call reset\(\)"):
        prediction.lock(60)


def test_the_next_run_finds_it_locked_in() -> None:
    kept: Kept = {}
    share(kept).lock(50)
    assert share(kept).answer == 50
    assert share(kept).said == "Your guess: 50 %"


def test_only_a_reset_asks_again() -> None:
    kept: Kept = {}
    prediction = share(kept)
    prediction.lock(50)
    result = prediction.compare(65)
    prediction.reset()
    assert (prediction.answer, prediction.said, kept) == (None, "", {})
    assert (result.covered, result.result) == (True, {})
    prediction.reset()
    prediction.lock(60)
    assert prediction.answer == 60


@pytest.mark.parametrize("answer", [-1, 100.5, True, "50", None, float("nan"), [50]])
def test_what_is_no_answer_is_not_locked_in(answer: Any) -> None:
    prediction = share()
    press(prediction, lock=answer)
    assert prediction.answer is None
    assert prediction.problem.endswith("give a number between 0 and 100 %.")
    with pytest.raises(LabError, match="give a number between 0 and 100 %"):
        prediction.lock(answer)
    press(prediction, lock=50)
    assert prediction.problem == ""


@pytest.mark.parametrize("answer", ["Lost", 0, None])
def test_only_a_choice_answers_a_choice(answer: Any) -> None:
    prediction = fate()
    press(prediction, lock=answer)
    assert prediction.answer is None
    with pytest.raises(LabError, match="give one of lost, kept, doubled"):
        prediction.lock(answer)


def test_an_answer_to_an_earlier_question_is_none() -> None:
    assert fate({"gap": {"answer": "vanished"}}).answer is None
    assert share({"empty-polls": {"answer": "lost"}}).answer is None


def test_what_was_measured_stands_beside_the_answer_and_is_kept() -> None:
    kept: Kept = {}
    prediction = share(kept)
    prediction.lock(50)
    result = prediction.compare(65, why="They come at random.")
    assert not result.covered
    assert result.result == {
        "verdict": "low",
        "line": "You guessed 50 %; it was 65 %: too low by 15 percentage points.",
        "why": "They come at random.",
        "places": (0.5, 0.65),
        "evidence": "",
    }
    assert (kept["empty-polls"]["answer"], kept["empty-polls"]["measured"]) == (50, 65.0)
    assert prediction.compare(70).result["line"].startswith("You guessed 50 %; it was 70 %")
    assert kept["empty-polls"]["measured"] == 70


def test_without_a_guess_the_result_is_covered_and_its_text_states_the_fact() -> None:
    kept: Kept = {}
    result = share(kept).compare(65.432, why="They come at random.")
    assert (result.covered, result.result, kept) == (True, {}, {})
    assert repr(result) == "It was 65.43 %. They come at random."
    assert result._repr_mimebundle_()[0]["text/plain"] == repr(result)
    assert "text/html" not in result._repr_mimebundle_()[0]


def test_what_was_seen_is_covered_with_the_result_and_in_its_text() -> None:
    prediction = share()
    result = prediction.compare(65, why="At random.", evidence="\npoll 1   304\npoll 2   200\n")
    assert result.result == {}
    assert repr(result) == "It was 65 %. At random.\npoll 1   304\npoll 2   200"
    assert "poll 1   304\npoll 2" in result._repr_mimebundle_()[0]["text/plain"]
    prediction.lock(50)
    assert result.result["evidence"] == "poll 1   304\npoll 2   200"


def test_a_guess_at_the_question_uncovers_every_result_below() -> None:
    kept: Kept = {}
    prediction = share(kept)
    earlier, later = prediction.compare(65), prediction.compare(70)
    press(prediction, lock=50)
    assert not earlier.covered
    assert later.result["line"].startswith("You guessed 50 %; it was 70 %")
    assert kept["empty-polls"]["measured"] == 70


def test_a_guess_can_be_made_where_the_result_is_covered() -> None:
    prediction = share()
    result = prediction.compare(65)
    press(result, lock=500)
    assert result.covered
    assert "give a number between 0 and 100 %" in result.problem
    press(result, lock=50)
    assert (result.covered, result.problem, prediction.said) == (False, "", "Your guess: 50 %")


def test_a_guess_made_after_the_question_ran_again_uncovers_the_result() -> None:
    kept: Kept = {}
    result = share(kept).compare(65)
    again = share(kept)
    again.lock(50)
    assert result.result["verdict"] == "low"
    assert kept["empty-polls"]["measured"] == 65


def test_the_result_is_shown_without_a_guess_only_when_asked_for() -> None:
    kept: Kept = {}
    prediction = share(kept)
    result = prediction.compare(65)
    press(result, show=True)
    assert (result.covered, result.result["line"]) == (False, "It was 65 %.")
    assert not prediction.compare(66).covered, "the cell that is run again stays open"
    press(prediction, lock=65)
    assert (prediction.answer, kept) == (None, {})
    assert prediction.said.startswith("You looked at the result without a guess. To guess before")
    with pytest.raises(LabError, match=r"without a guess. To answer again, call reset\(\)"):
        prediction.lock(65)
    assert share(kept).said == "", "the question that is run again asks again"


def test_a_guess_in_another_kernel_is_not_lost_by_showing_the_result() -> None:
    kept: Kept = {}
    prediction = share(kept)
    result = prediction.compare(65)
    kept["empty-polls"] = {"answer": 60, "locked": "…"}
    result.show()
    assert (result.result["verdict"], prediction.said) == ("close", "Your guess: 60 %")


def test_what_another_notebook_has_locked_in_is_shown_and_stays() -> None:
    kept: Kept = {}
    other = share(kept)
    kept["empty-polls"] = {"answer": 50, "locked": "…"}
    press(other, lock=60)
    assert (other.answer, other.said, other.problem) == (50, "Your guess: 50 %", "")


def test_two_questions_with_one_key_have_one_answer() -> None:
    kept: Kept = {}
    one, other = share(kept), share(kept)
    press(one, lock=50)
    assert other.said == "Your guess: 50 %"


def test_what_cannot_be_kept_is_said_where_the_button_is(tmp_path: Path) -> None:
    (tmp_path / "progress.lock").mkdir()
    asked = share()
    asked._kept = store.ProgressFile(tmp_path / "progress.json").section("predictions")
    press(asked, lock=50)
    assert asked.said == ""
    assert "cannot be locked" in asked.problem
    assert "set LABSERVER_STATE to a folder" in asked.problem
    (tmp_path / "progress.lock").rmdir()
    press(asked, lock=50)
    assert (asked.said, asked.problem) == ("Your guess: 50 %", "")


def test_the_trouble_of_another_sheet_is_said_there(tmp_path: Path) -> None:
    (tmp_path / "progress.lock").mkdir()
    troubled, sound = share(), share()
    troubled._kept = store.ProgressFile(tmp_path / "progress.json").section("predictions")
    press(sound, lock=50)
    assert (sound.said, sound.problem) == ("Your guess: 50 %", "")
    assert "cannot be locked" in troubled.problem


def test_its_class_in_the_page_is_one_word() -> None:
    assert "predict-empty-polls" in Prediction("empty polls", "?", kept={})._dom_classes


def test_its_text_is_the_question_and_the_guess() -> None:
    prediction = fate()
    assert repr(prediction) == "An event? (lost · kept · doubled)"
    prediction.lock("lost")
    assert repr(prediction) == "An event? Your guess: “lost”."


def test_what_could_not_have_been_an_answer_is_not_compared() -> None:
    with pytest.raises(LabError, match="cannot be compared: give one of"):
        fate().compare("somehow")
    with pytest.raises(LabError, match="a reason for 'somehow', which is not a choice"):
        fate().compare("lost", why={"somehow": "No."})
    for choices in (["a"], ["a", "a"], "ab"):
        with pytest.raises(LabError, match="at least two choices"):
            Prediction("key", "?", choices=choices, kept={})


def test_the_reason_is_for_the_choice_that_was_made() -> None:
    prediction = fate()
    prediction.lock("doubled")
    result = prediction.compare("kept", why={"doubled": "The cursor\n  moves on.", "lost": "No."})
    assert repr(result) == "It is “kept”, not “doubled”. The cursor moves on."


def test_numbers_of_numpy_are_numbers() -> None:
    import numpy as np

    kept: Kept = {}
    prediction = share(kept)
    prediction.lock(50)
    assert prediction.compare(np.int64(65)).measured == 65
    assert type(kept["empty-polls"]["measured"]) is float


def test_a_prediction_is_in_the_learners_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABSERVER_STATE", str(tmp_path))
    asked = lab.predict("empty-polls", "How many?", unit="%", low=0, high=100)
    assert asked.answer is None
    asked.lock(50)
    again = lab.predict("empty-polls", "How many?", unit="%", low=0, high=100)
    assert again.answer == 50
    assert str(again.compare(65)).startswith("You guessed 50 %; it was 65 %")
    kept = store.kept("predictions")["empty-polls"]
    assert (kept["answer"], kept["measured"]) == (50, 65.0)
    again.reset()
    assert asked.answer is None
