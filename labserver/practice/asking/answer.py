"""What a prediction asks for, a choice or a number, and how answers are written. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from numbers import Real
from typing import Any

from labserver.errors import LabError

Answer = float | str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the answers that it allows.

    Attributes:
        question: what is asked.
        choices: the answers to choose from; empty if the answer is a number.
        unit: the number's unit.
        low, high: the number's bounds; None where it has none.

    Raises:
        LabError: if choices are given together with a number's unit or bounds.
    """

    question: str
    choices: tuple[str, ...] = ()
    unit: str = ""
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if self.choices and (self.unit or self.low is not None or self.high is not None):
            raise LabError("Give choices=, or a number's unit=, low= and high=; not both.")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise LabError("Give a low that is below high.")

    def is_one(self, answer: Any) -> bool:
        """Return whether it is one of the choices, or a number if there are none."""
        if self.choices:
            return answer in self.choices
        if isinstance(answer, bool) or not isinstance(answer, Real):
            return False
        return isfinite(answer)

    def fits(self, answer: Any) -> bool:
        """Return whether it can be locked in: a number also keeps to the bounds."""
        if self.choices or not self.is_one(answer):
            return self.is_one(answer)
        low, high = self.low, self.high
        return (low is None or answer >= low) and (high is None or answer <= high)

    def wanted(self) -> str:
        """Return what fits, in words: `a number between 0 and 100 %`."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        low, high = self.low, self.high
        if low is not None and high is not None:
            return f"a number between {shown(low)} and {shown(high, self.unit)}"
        if low is not None:
            return f"a number that is at least {shown(low, self.unit)}"
        if high is not None:
            return f"a number that is at most {shown(high, self.unit)}"
        return "a number"


def shown(answer: Answer, unit: str = "") -> str:
    """Return an answer as it is read: `50 %`, `1 byte`, or “a choice”."""
    if isinstance(answer, str):
        return f"“{answer}”"
    if abs(answer) >= 1e15:
        digits = ".4g"
    else:
        digits = ",.0f" if answer == int(answer) or abs(answer) >= 1000 else ".4g"
    number = f"{answer:{digits}}"
    return f"{number} {_singular(unit) if number == '1' else unit}".rstrip()


def _singular(unit: str) -> str:
    # "ms" and "s" are symbols; what has spaces in it is more than a noun.
    return unit[:-1] if len(unit) > 2 and unit.isalpha() and unit.endswith("s") else unit
