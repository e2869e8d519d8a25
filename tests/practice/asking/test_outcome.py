from __future__ import annotations

import pytest

from labserver.practice.asking.answer import Asked
from labserver.practice.asking.outcome import outcome

YES_NO = Asked("Is it safe?", ("yes", "no"))


@pytest.mark.parametrize(
    ("unit", "guess", "measured", "verdict", "line"),
    [
        ("%", 20, 67, "low", "You guessed 20 %; it was 67 %: too low by 47 percentage points."),
        ("%", 3, 2, "close", "too high by 1 percentage point."),
        ("%", 62, 67, "close", "You guessed 62 %; it was 67 %. That is close: too low by 5"),
        ("%", 67, 67.0, "right", "You guessed 67 %, and that is right."),
        ("bytes", 20, 126, "low", "too low by 106 bytes, a factor of 6.3."),
        ("bytes", 10, 11, "close", "That is close: too low by 1 byte."),
        ("ms", 130, 100, "high", "You guessed 130 ms; it was 100 ms: too high by 30 ms."),
        ("ms", 5_000, 2, "high", "too high by 4,998 ms, a factor of 2,500."),
        ("", 0, 14, "low", "You guessed 0; it was 14: too low by 14."),
        ("", -5, 5, "low", "too low by 10."),
        ("", 0, 0, "right", "and that is right"),
        ("times", 10, 5.8, "high", "You guessed 10 times; it was 5.8 times: too high by a factor"),
        ("times", 0, 4, "low", "it was 4 times: too low by 4."),
        ("s", 0.2, 0.3, "low", "too low by 0.1 s."),
    ],
)
def test_a_number_is_right_close_or_off_one_way_by_so_much(
    unit: str, guess: float, measured: float, verdict: str, line: str
) -> None:
    found = outcome(Asked("?", unit=unit), guess, measured)
    assert found.verdict == verdict
    assert line in found.line


def test_a_choice_is_right_or_it_is_another() -> None:
    assert outcome(YES_NO, "no", "no").line == "You guessed “no”, and that is right."
    wrong = outcome(YES_NO, "yes", "no")
    assert (wrong.verdict, wrong.line) == ("wrong", "It is “no”, not “yes”.")


def test_the_reason_follows_the_fact() -> None:
    assert str(outcome(YES_NO, "yes", "no", "Anybody can do it.")) == (
        "It is “no”, not “yes”. Anybody can do it."
    )
    assert str(outcome(Asked("?"), None, 3, "It adds up.")) == "It was 3. It adds up."


def test_reasons_by_choice_answer_the_choice_that_was_made() -> None:
    reasons = {"always": "Not with a cursor.", "never": "Not without one."}
    asked = Asked("Lost?", ("always", "never", "it depends"))
    assert outcome(asked, "always", "it depends", reasons).why == "Not with a cursor."
    assert outcome(asked, "it depends", "it depends", reasons).why == ""
    assert outcome(asked, None, "it depends", reasons).why == ""


def test_without_a_guess_the_fact_alone_is_stated() -> None:
    found = outcome(Asked("?", unit="%"), None, 70)
    assert (found.verdict, str(found), found.places) == ("unguessed", "It was 70 %.", None)
    assert str(outcome(YES_NO, None, "no")) == "It is “no”."


def test_the_picture_reaches_from_bound_to_bound_and_to_what_lies_beyond() -> None:
    asked = Asked("?", low=0, high=100)
    assert outcome(asked, 50, 75).places == (0.5, 0.75)
    assert outcome(asked, 0, 200).places == (0.0, 1.0)
    assert outcome(Asked("?"), 5, 5).places == (0.0, 0.0), "no division by zero"
    assert outcome(YES_NO, "no", "no").places is None
