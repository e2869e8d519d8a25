from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import labserver as lab
from labserver.clock import VirtualClock
from labserver.errors import LabError
from labserver.practice.progress import store
from labserver.practice.progress.predict import Prediction, PredictionResult

EVIL = "<img src=x onerror=alert(1)>"

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


def press(prediction: Prediction, answer: object) -> None:
    """What the button does."""
    prediction._handle_custom_msg({"lock": answer}, [])


def test_a_number_is_locked_in_and_kept_with_its_time() -> None:
    kept: Kept = {}
    prediction = share(kept)
    assert (prediction.answer, prediction.said) == (None, "")
    press(prediction, 50)
    assert (prediction.answer, prediction.said) == (50, "You said 50 %")
    assert kept == {"empty-polls": {"answer": 50, "locked": "2025-06-15T15:06:40.000Z"}}


def test_an_answer_that_is_locked_in_stays() -> None:
    prediction = share()
    press(prediction, 50)
    press(prediction, 60)
    assert prediction.answer == 50
    with pytest.raises(LabError, match=r"You said 50 %. To answer again, call reset\(\)"):
        prediction.lock(60)


def test_the_next_run_finds_it_locked_in() -> None:
    kept: Kept = {}
    share(kept).lock(50)
    assert share(kept).answer == 50
    assert share(kept).said == "You said 50 %"


def test_only_a_reset_asks_again() -> None:
    kept: Kept = {}
    prediction = share(kept)
    prediction.lock(50)
    prediction.reset()
    assert (prediction.answer, prediction.said, kept) == (None, "", {})
    prediction.reset()
    prediction.lock(60)
    assert prediction.answer == 60


@pytest.mark.parametrize("answer", [-1, 100.5, True, "50", None, float("nan"), [50]])
def test_what_is_no_answer_is_not_locked_in(answer: Any) -> None:
    prediction = share()
    press(prediction, answer)
    assert prediction.answer is None
    with pytest.raises(LabError, match="give a number at least 0 % and at most 100 %"):
        prediction.lock(answer)


@pytest.mark.parametrize("answer", ["Lost", 0, None])
def test_only_a_choice_answers_a_choice(answer: Any) -> None:
    prediction = fate()
    press(prediction, answer)
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
    assert str(prediction.compare(65)) == "you said 50 %, measured 65 %"
    assert (kept["empty-polls"]["answer"], kept["empty-polls"]["measured"]) == (50, 65.0)


def test_without_an_answer_the_notebook_goes_on() -> None:
    kept: Kept = {}
    compared = share(kept).compare(65.432)
    assert str(compared) == "no prediction was locked in; measured 65.43 %"
    assert kept == {}
    assert compared._repr_html_().strip() == f"<div>{compared}</div>"


def test_what_has_been_measured_is_not_predicted_any_more() -> None:
    kept: Kept = {}
    prediction = share(kept)
    prediction.compare(65)
    press(prediction, 65)
    assert (prediction.answer, kept) == (None, {})
    assert prediction.said.startswith("Measured already; run this cell again")
    with pytest.raises(LabError, match="Measured already"):
        prediction.lock(65)
    assert share(kept).said == "", "the cell that is run again asks again"


def test_what_another_notebook_has_locked_in_is_shown_and_stays() -> None:
    kept: Kept = {}
    one, other = share(kept), share(kept)
    one.lock(50)
    press(other, 60)
    assert (other.answer, other.said, other.problem) == (50, "You said 50 %", "")


def test_what_cannot_be_kept_is_said_where_the_button_is(tmp_path: Path) -> None:
    (tmp_path / "progress.lock").mkdir()
    asked = share()
    asked._kept = store.ProgressFile(tmp_path / "progress.json").section("predictions")
    press(asked, 50)
    assert asked.said == ""
    assert "cannot be locked" in asked.problem
    assert "set LABSERVER_STATE to a folder" in asked.problem
    (tmp_path / "progress.lock").rmdir()
    press(asked, 50)
    assert (asked.said, asked.problem) == ("You said 50 %", "")


def test_a_whole_number_is_shown_whole() -> None:
    assert (
        str(PredictionResult(126, 65_536.0, "bytes")) == "you said 126 bytes, measured 65,536 bytes"
    )


def test_its_class_in_the_page_is_one_word() -> None:
    assert "predict-empty-polls" in Prediction("empty polls", "?", kept={})._dom_classes


def test_a_choice_is_right_or_it_is_another() -> None:
    prediction = fate()
    prediction.lock("lost")
    assert repr(prediction.compare("kept")) == "you said “lost”, it is “kept”"
    assert repr(prediction.compare("lost")) == "you said “lost”, and that is right"
    with pytest.raises(LabError, match="cannot be compared: give one of"):
        prediction.compare("somehow")


def test_a_measurement_may_lie_beyond_what_was_asked_for() -> None:
    prediction = share()
    prediction.lock(0)
    assert str(prediction.compare(120)) == "you said 0 %, measured 120 %"


def test_numbers_of_numpy_are_numbers() -> None:
    import numpy as np

    kept: Kept = {}
    prediction = share(kept)
    prediction.lock(50)
    assert prediction.compare(np.int64(65)).measured == 65
    assert type(kept["empty-polls"]["measured"]) is float


def test_the_picture_says_in_words_what_it_shows() -> None:
    picture = PredictionResult(50, 65.0, "%", 0, 100)._repr_html_()
    assert 'aria-label="you said 50 %, measured 65 %"' in picture
    assert 'cx="200.0"' in picture
    assert "M257.0 19" in picture
    alike = PredictionResult(5, 5.0)._repr_html_()
    assert 'cx="10.0"' in alike, "one point has no width, and no division by zero"


def test_text_is_data() -> None:
    assert EVIL not in PredictionResult(EVIL, "kept")._repr_html_()
    assert EVIL not in PredictionResult(1, 2.0, unit=EVIL)._repr_html_()
    assert "innerHTML" not in Prediction._esm


def test_choices_and_bounds_do_not_go_together() -> None:
    for wrong in ({"choices": ["a", "b"], "unit": "%"}, {"choices": ["a"]}, {"low": 2, "high": 1}):
        with pytest.raises(LabError, match="Give"):
            Prediction("key", "?", kept={}, **wrong)


def test_a_prediction_is_in_the_learners_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABSERVER_STATE", str(tmp_path))
    asked = lab.predict("empty-polls", "How many?", unit="%", low=0, high=100)
    assert asked.answer is None
    asked.lock(50)
    again = lab.predict("empty-polls", "How many?", unit="%", low=0, high=100)
    assert (again.answer, str(again.compare(65))) == (50, "you said 50 %, measured 65 %")
    kept = store.predictions()["empty-polls"]
    assert (kept["answer"], kept["measured"]) == (50, 65.0)
    again.reset()
    assert asked.answer is None
