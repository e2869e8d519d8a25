"""A prediction: locked in before the run, kept in the learner's progress, compared afterwards.

Without an answer everything goes on: a notebook that runs by itself has nobody to ask.
"""

from __future__ import annotations

import html
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from math import isfinite
from numbers import Real
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from labserver.clock import Clock, SystemClock, iso
from labserver.errors import LabError
from labserver.widgets.assets import es_module, stylesheet

Answer = float | str

GREY = "#777777"  # readable on white and on near-black
SAID, MEASURED = "#0072B2", "#D55E00"

_HERE = Path(__file__).parent


def predict(
    key: str,
    question: str,
    *,
    choices: Sequence[str] | None = None,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
) -> Prediction:
    """Ask the learner for a prediction; as a cell's last line it is shown.

    Args:
        key: its name among the learner's predictions, such as `empty-polls`.
        question: what to predict.
        choices: one of these; None: a number.
        unit: of the number.
        low, high: its bounds; None: it has none.

    Returns:
        The widget; what was locked in earlier under the same key stays locked in.

    Raises:
        LabError: if choices and a number's unit or bounds are given together.
    """
    from labserver.practice.progress.store import predictions

    return Prediction(
        key, question, choices=choices, unit=unit, low=low, high=high, kept=predictions()
    )


class Prediction(anywidget.AnyWidget):
    """A question, and the answer once it is locked in; made by `predict`.

    Args:
        key, question, choices, unit, low, high: as for `predict`.
        kept: key → what is kept of a prediction: `answer`, `locked` (when, ISO 8601), `measured`.
        clock: the time.
    """

    _esm = es_module(_HERE / "predict.mjs")
    _css = stylesheet(_HERE / "predict.css")

    question = traitlets.Unicode().tag(sync=True)
    choices = traitlets.List(traitlets.Unicode()).tag(sync=True)
    unit = traitlets.Unicode().tag(sync=True)
    low = traitlets.Float(None, allow_none=True).tag(sync=True)
    high = traitlets.Float(None, allow_none=True).tag(sync=True)
    said = traitlets.Unicode().tag(sync=True)  # once it is final: there is nothing to lock in
    problem = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        key: str,
        question: str,
        *,
        choices: Sequence[str] | None = None,
        unit: str = "",
        low: float | None = None,
        high: float | None = None,
        kept: MutableMapping[str, dict[str, Any]],
        clock: Clock | None = None,
    ) -> None:
        if choices is not None and (unit or low is not None or high is not None):
            raise LabError("Give choices=, or a number's unit=, low= and high=; not both.")
        if choices is not None and len(choices) < 2:
            raise LabError("Give at least two choices.")
        if low is not None and high is not None and low >= high:
            raise LabError("Give a low that is below high.")
        self.key = key
        self._kept = kept
        self._clock = clock or SystemClock()
        self._revealed = False  # what was measured has been seen: it is too late to predict it
        super().__init__(
            question=question, choices=list(choices or ()), unit=unit, low=low, high=high
        )
        self.said = self._said()
        self.add_class(f"predict-{key}".replace(" ", "-"))  # a space would make it two
        self.on_msg(self._on_browser)

    @property
    def answer(self) -> Answer | None:
        """What was locked in; None as long as nothing is."""
        answer: Answer | None = self._kept.get(self.key, {}).get("answer")
        # The lesson may have changed since: what does not fit the question is no answer to it.
        return answer if answer is not None and self._fits(answer) else None

    def lock(self, answer: Answer) -> None:
        """Lock the answer in, as the button does.

        Raises:
            LabError: if one is locked in already, if it was compared already, or if this is no
                answer to the question.
        """
        self.said = self._said()  # another notebook may have locked it in
        if self.said:
            raise LabError(f"{self.said}. To answer anew, call reset().")
        if not self._fits(answer):
            raise LabError(f"{answer!r} is no answer: give {self._wanted()}.")
        self._kept[self.key] = {"answer": answer, "locked": iso(self._clock.time())}
        self.said = self._said()

    def reset(self) -> None:
        """Forget the answer, and ask again."""
        self._kept.pop(self.key, None)
        self._revealed = False
        self.said = self.problem = ""

    def compare(self, measured: Answer) -> Comparison:
        """What was predicted beside what was measured, which is kept with it.

        Args:
            measured: in the question's unit; or the choice that turned out right.

        Raises:
            LabError: if it could not have been an answer; a number may lie beyond the bounds.
        """
        if not self._is_one(measured):
            raise LabError(f"{measured!r} cannot be compared: give {self._wanted()}.")
        if not isinstance(measured, str):
            measured = float(measured)  # numpy's are no JSON
        answer = self.answer
        if answer is not None:
            self._kept[self.key] = {**self._kept[self.key], "measured": measured}
        self._revealed = True
        self.said = self._said()
        return Comparison(answer, measured, self.unit, self.low, self.high)

    def _is_one(self, answer: Any) -> bool:
        """Whether it is a choice, or a number."""
        if self.choices:
            return answer in self.choices
        if isinstance(answer, bool) or not isinstance(answer, Real):
            return False
        return isfinite(answer)

    def _fits(self, answer: Any) -> bool:
        if self.choices or not self._is_one(answer):
            return self._is_one(answer)
        low, high = self.low, self.high
        return (low is None or answer >= low) and (high is None or answer <= high)

    def _wanted(self) -> str:
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        ends = (("at least ", self.low), ("at most ", self.high))
        bounds = [f"{word}{shown(end, self.unit)}" for word, end in ends if end is not None]
        return " ".join(["a number", " and ".join(bounds)]).strip()

    def _said(self) -> str:
        if (answer := self.answer) is not None:
            return f"You said {shown(answer, self.unit)}"
        return "Measured already; run this cell again to predict the next run" * self._revealed

    def _on_browser(self, _: object, message: dict[str, Any], __: object) -> None:
        try:
            self.lock(message["lock"])
            self.problem = ""
        except LabError as error:
            self.problem = "" if self.said else str(error)

    def __repr__(self) -> str:
        return f"{self.question} {self.said or 'No prediction is locked in'}."


@dataclass(frozen=True, slots=True)
class Comparison:
    """A prediction and what was measured: one line, and for a number a small picture.

    Attributes:
        answer: what was predicted; None: nothing was locked in.
        measured: what came out.
        unit: of both.
        low, high: the question's bounds, and the ends of the picture's scale.
    """

    answer: Answer | None
    measured: Answer
    unit: str = ""
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        measured = shown(self.measured, self.unit)
        if self.answer is None:
            return f"no prediction was locked in; measured {measured}"
        if isinstance(self.measured, str):
            right = "and so it is" if self.answer == self.measured else f"it is {measured}"
            return f"you said {shown(self.answer)}, {right}"
        return f"you said {shown(self.answer, self.unit)}, measured {measured}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        line = html.escape(str(self))
        if self.answer is None or isinstance(self.answer, str) or isinstance(self.measured, str):
            return f"<div>{line}</div>"
        return f"<div>{line}</div>{self._picture(self.answer, self.measured)}"

    def _picture(self, answer: float, measured: float) -> str:
        """A scale with two marks, told apart by their shapes; the line above says the same."""
        ends = [answer, measured, *(end for end in (self.low, self.high) if end is not None)]
        low, span = min(ends), (max(ends) - min(ends)) or 1.0
        said, came = (10 + 380 * (value - low) / span for value in (answer, measured))
        scale = f"<path d='M10 28H390' stroke='{GREY}' stroke-width='2'/>"
        gap = f"<path d='M{said:.1f} 28H{came:.1f}' stroke='{MEASURED}' stroke-width='4'/>"
        ring = (
            f"<circle cx='{said:.1f}' cy='28' r='7' fill='none' stroke='{SAID}' stroke-width='3'/>"
        )
        diamond = f"<path d='M{came:.1f} 19l9 9l-9 9l-9 -9z' fill='{MEASURED}'/>"
        return (
            f"<svg viewBox='0 0 400 56' width='400' style='max-width:100%' role='img'"
            f" aria-label='{html.escape(str(self), quote=True)}'>"
            f"{scale}{gap}{ring}{diamond}"
            f"{_label(said, 13, 'you said')}{_label(came, 52, 'measured')}</svg>"
        )


def shown(answer: Answer, unit: str = "") -> str:
    """An answer as it is read: `50 %`, or “a choice”."""
    if isinstance(answer, str):
        return f"“{answer}”"
    digits = ",.0f" if answer == int(answer) else ",.4g"
    return f"{answer:{digits}} {unit}".rstrip()


def _label(x: float, y: float, text: str) -> str:
    anchor = "start" if x < 60 else "end" if x > 340 else "middle"
    return (
        f"<text x='{x:.1f}' y='{y}' text-anchor='{anchor}' font-size='12' font-family='sans-serif'"
        f" fill='{GREY}'>{text}</text>"
    )
