"""A prediction: locked in before the run, kept in the learner's progress, compared afterwards.

Everything works without an answer as well: a notebook that runs by itself has nobody to ask.
"""

from __future__ import annotations

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
from labserver.templates import render
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
    """Ask the learner for a prediction; a cell's last line shows the question.

    Args:
        key: its name among the learner's predictions, such as `empty-polls`.
        question: what to predict.
        choices: the answers to choose from; None if the answer is a number.
        unit: the number's unit.
        low, high: the number's bounds; None where it has none.

    Returns:
        The widget. An answer that was locked in earlier under the same key stays locked in.

    Raises:
        LabError: if choices are given together with a number's unit or bounds.
    """
    from labserver.practice.progress.store import predictions

    return Prediction(
        key, question, choices=choices, unit=unit, low=low, high=high, kept=predictions()
    )


class Prediction(anywidget.AnyWidget):
    """A question, and the answer once it is locked in; made by `predict`.

    Args:
        key, question, choices, unit, low, high: as for `predict`.
        kept: what is kept of each prediction, by key: `answer`, `locked` (ISO 8601), `measured`.
        clock: tells the time at which an answer is locked in.
    """

    _esm = es_module(_HERE / "predict.mjs")
    _css = stylesheet(_HERE / "predict.css")

    question = traitlets.Unicode().tag(sync=True)
    choices = traitlets.List(traitlets.Unicode()).tag(sync=True)
    unit = traitlets.Unicode().tag(sync=True)
    low = traitlets.Float(None, allow_none=True).tag(sync=True)
    high = traitlets.Float(None, allow_none=True).tag(sync=True)
    said = traitlets.Unicode().tag(sync=True)  # not empty once the answer is final
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
        self._revealed = False  # the measurement has been seen, so it is too late to predict it
        super().__init__(
            question=question, choices=list(choices or ()), unit=unit, low=low, high=high
        )
        self.said = self._said()
        self.add_class(f"predict-{key}".replace(" ", "-"))  # a space would make two classes of it
        self.on_msg(self._on_browser)

    @property
    def answer(self) -> Answer | None:
        """The answer that was locked in; None until one has been."""
        answer: Answer | None = self._kept.get(self.key, {}).get("answer")
        # The lesson may have changed since; what does not fit the question is not an answer to it.
        return answer if answer is not None and self._fits(answer) else None

    def lock(self, answer: Answer) -> None:
        """Lock the answer in, as the button does.

        Raises:
            LabError: if one is locked in already, if it was compared already, or if this is not
                an answer to the question.
        """
        self.said = self._said()  # another notebook may have locked it in
        if self.said:
            raise LabError(f"{self.said}. To answer again, call reset().")
        if not self._fits(answer):
            raise LabError(f"{answer!r} is not an answer: give {self._wanted()}.")
        self._kept[self.key] = {"answer": answer, "locked": iso(self._clock.time())}
        self.said = self._said()

    def reset(self) -> None:
        """Forget the answer, and ask again."""
        self._kept.pop(self.key, None)
        self._revealed = False
        self.said = self.problem = ""

    def compare(self, measured: Answer) -> PredictionResult:
        """Put the prediction beside what was measured, and keep both.

        Args:
            measured: a number in the question's unit, which may lie beyond the bounds; or the
                choice that turned out right.

        Raises:
            LabError: if it could not have been an answer.
        """
        if not self._is_one(measured):
            raise LabError(f"{measured!r} cannot be compared: give {self._wanted()}.")
        if not isinstance(measured, str):
            measured = float(measured)  # numpy's numbers are not JSON
        answer = self.answer
        if answer is not None:
            self._kept[self.key] = {**self._kept[self.key], "measured": measured}
        self._revealed = True
        self.said = self._said()
        return PredictionResult(answer, measured, self.unit, self.low, self.high)

    def _is_one(self, answer: Any) -> bool:
        """Whether it is one of the choices, or a number if there are none."""
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
class PredictionResult:
    """A prediction beside what was measured: one line, and for a number a small picture.

    Attributes:
        answer: what was predicted; None if nothing was locked in.
        measured: what was measured.
        unit: the unit of both.
        low, high: the question's bounds, which are the ends of the picture's scale.
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
            right = "and that is right" if self.answer == self.measured else f"it is {measured}"
            return f"you said {shown(self.answer)}, {right}"
        return f"you said {shown(self.answer, self.unit)}, measured {measured}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        numbers = [one for one in (self.answer, self.measured) if isinstance(one, int | float)]
        said, measured = self._places(*numbers) if len(numbers) == 2 else (None, None)
        return render(
            "practice/progress/predict.html",
            line=str(self),
            said=said,
            measured=measured,
            grey=GREY,
            said_colour=SAID,
            measured_colour=MEASURED,
        )

    def _places(self, answer: float, measured: float) -> tuple[float, float]:
        """Return where two numbers stand on the picture's scale, in its units."""
        ends = [answer, measured, *(end for end in (self.low, self.high) if end is not None)]
        low, span = min(ends), (max(ends) - min(ends)) or 1.0
        return 10 + 380 * (answer - low) / span, 10 + 380 * (measured - low) / span


def shown(answer: Answer, unit: str = "") -> str:
    """Return an answer as it is read: `50 %`, or “a choice”."""
    if isinstance(answer, str):
        return f"“{answer}”"
    digits = ",.0f" if answer == int(answer) else ",.4g"
    return f"{answer:{digits}} {unit}".rstrip()
