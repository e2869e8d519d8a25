"""A guess beside what was measured, in words: right, close, or how far off and which way. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from labserver.practice.asking.answer import Answer, Asked, shown

Verdict = Literal["right", "close", "low", "high", "wrong", "unguessed"]

CLOSE_SHARE = 0.1  # of what was measured
CLOSE_POINTS = 5  # of a percentage, for which a tenth of the value may be next to nothing
FAR_FACTOR = 2  # from here on, how many times says more than how much
TIMES = ("times", "×", "x")  # "too low by 4 times" could be read as a factor


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the measurement says of a guess.

    Attributes:
        verdict: `unguessed` if there was no guess.
        line: the fact, in one or two sentences.
        why: the reason that the lesson gives; may be empty.
        places: where the guess and the measured number stand between 0 and 1; None for choices
            and without a guess.
    """

    verdict: Verdict
    line: str
    why: str = ""
    places: tuple[float, float] | None = None

    def __str__(self) -> str:
        return f"{self.line} {self.why}".strip()


def outcome(
    asked: Asked, answer: Answer | None, measured: Answer, why: str | Mapping[str, str] = ""
) -> Outcome:
    """Put a guess beside what was measured.

    Args:
        asked: the question.
        answer: the guess; None if there is none.
        measured: what was measured.
        why: the reason, or the reasons by choice.
    """
    if not isinstance(why, str):
        why = why.get(str(measured if answer is None else answer), "")
    if isinstance(measured, str):
        if answer is None:
            return Outcome("unguessed", f"It is {shown(measured)}.", why)
        if answer == measured:
            return Outcome("right", f"You guessed {shown(answer)}, and that is right.", why)
        return Outcome("wrong", f"It is {shown(measured)}, not {shown(answer)}.", why)
    was = shown(measured, asked.unit)
    if not isinstance(answer, float | int):
        return Outcome("unguessed", f"It was {was}.", why)
    guessed, places = f"You guessed {shown(answer, asked.unit)}", _places(asked, answer, measured)
    if shown(answer) == shown(measured):
        return Outcome("right", f"{guessed}, and that is right.", why, places)
    off = _off(answer, measured, asked.unit)
    if _is_close(answer, measured, asked.unit):
        return Outcome("close", f"{guessed}; it was {was}. That is close: {off}.", why, places)
    way: Verdict = "low" if answer < measured else "high"
    return Outcome(way, f"{guessed}; it was {was}: {off}.", why, places)


def _is_close(answer: float, measured: float, unit: str) -> bool:
    off = abs(answer - measured)
    return off <= CLOSE_SHARE * abs(measured) or (unit == "%" and off <= CLOSE_POINTS)


def _off(answer: float, measured: float, unit: str) -> str:
    """Return which way a guess was off and how far, in the unit and as a factor."""
    way = "too low" if answer < measured else "too high"
    # The difference between the numbers as they are shown, so that it can be checked by eye.
    much = abs(float(f"{answer:.6g}") - float(f"{measured:.6g}"))
    if unit == "%":
        return f"{way} by {shown(much, 'percentage point' if shown(much) == '1' else POINTS)}"
    small, large = sorted((abs(answer), abs(measured)))
    factor = large / small if answer * measured > 0 else None
    if factor is not None and unit in TIMES:
        return f"{way} by a factor of {_rounded(factor)}"
    if factor is not None and factor >= FAR_FACTOR:
        return f"{way} by {shown(much, unit)}, a factor of {_rounded(factor)}"
    return f"{way} by {shown(much, '' if unit in TIMES else unit)}"


POINTS = "percentage points"


def _rounded(factor: float) -> str:
    return shown(round(factor) if factor >= 10 else float(f"{factor:.2g}"))


def _places(asked: Asked, answer: float, measured: float) -> tuple[float, float]:
    bounds = [end for end in (asked.low, asked.high) if end is not None]
    ends = [answer, measured, *bounds]
    low, span = min(ends), (max(ends) - min(ends)) or 1.0
    return (answer - low) / span, (measured - low) / span
