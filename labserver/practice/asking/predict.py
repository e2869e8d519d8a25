"""A prediction: locked in before the run, kept in the learner's progress, compared afterwards.

A result stays covered until there is a guess, or until the learner asks to see it without one.
The notebook goes on either way: the text of a result always states the fact.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import asdict
from typing import Any

import traitlets

from labserver.clock import Clock, SystemClock, iso
from labserver.errors import LabError
from labserver.practice.asking.answer import Answer, Asked, shown
from labserver.practice.asking.outcome import Outcome, outcome
from labserver.practice.asking.sheet import Sheet, alone, flowing, script
from labserver.practice.progress.store import kept as kept_on_disk

SEEN = "You looked at the result without a guess"
GUESS_AGAIN = "To guess before the next run, run this cell again"


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
    return Prediction(
        key,
        question,
        choices=choices,
        unit=unit,
        low=low,
        high=high,
        kept=kept_on_disk("predictions"),
    )


class Prediction(Sheet):
    """A question, and the answer once it is locked in; made by `predict`.

    Args:
        key, question, choices, unit, low, high: as for `predict`.
        kept: what is kept of each prediction, by key: `answer`, `locked` (ISO 8601), `measured`.
        clock: tells the time at which an answer is locked in.
    """

    _esm = script("predict.mjs")

    asked = traitlets.Dict().tag(sync=True)
    said = traitlets.Unicode().tag(sync=True)  # not empty once it is too late to answer

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
        if choices is not None and (isinstance(choices, str) or len(set(choices)) < 2):
            raise LabError("Give at least two choices.")
        self.key = key
        self.question = Asked(flowing(question), tuple(choices or ()), unit, low, high)
        self._kept = kept
        self._clock = clock or SystemClock()
        self._seen = False  # the result was shown without a guess
        super().__init__(f"predict {key}", f"predict-{key}", asked=_for_page(self.question))
        self.refresh()

    @property
    def answer(self) -> Answer | None:
        """The answer that was locked in; None until one has been."""
        answer: Answer | None = self._kept.get(self.key, {}).get("answer")
        # The lesson may have changed since; what does not fit the question is not an answer to it.
        return answer if answer is not None and self.question.fits(answer) else None

    @property
    def seen(self) -> bool:
        """Whether the result was shown without a guess, so that it is too late to guess."""
        return self._seen

    @alone
    def lock(self, answer: Answer) -> None:
        """Lock the answer in, as the button does.

        Raises:
            LabError: if one is locked in already, if the result was shown already, or if this is
                not an answer to the question.
        """
        self.refresh()  # another notebook may have locked it in
        if self.said:
            raise LabError(f"{SEEN if self._seen else self.said}. To answer again, call reset().")
        if not self.question.fits(answer):
            raise LabError(f"{answer!r} is not an answer: give {self.question.wanted()}.")
        self._kept[self.key] = {"answer": answer, "locked": iso(self._clock.time())}
        self._refresh_all()

    @alone
    def reset(self) -> None:
        """Forget the answer, and ask again."""
        self._kept.pop(self.key, None)
        self._seen = False
        self.problem = ""
        self._refresh_all()

    @alone
    def compare(
        self, measured: Answer, *, why: str | Mapping[str, str] = "", evidence: str = ""
    ) -> Comparison:
        """Put the prediction beside what was measured, and keep both.

        Args:
            measured: a number in the question's unit, which may lie beyond the bounds; or the
                choice that turned out right.
            why: the reason for the result, in one or two sentences; for choices also a mapping
                from each wrong choice to its reason.
            evidence: what was seen, as lines of text; it is shown, and covered, with the result.

        Returns:
            The widget, which stays covered until there is a guess. Its text states the fact.

        Raises:
            LabError: if it could not have been an answer, or a reason is for no choice.
        """
        if not self.question.is_one(measured):
            raise LabError(f"{measured!r} cannot be compared: give {self.question.wanted()}.")
        if not isinstance(why, str) and (unknown := set(why) - set(self.question.choices)):
            raise LabError(f"why= has a reason for {unknown.pop()!r}, which is not a choice.")
        if not isinstance(measured, str):
            measured = float(measured)  # numpy's numbers are not JSON
        if isinstance(why, str):
            why = flowing(why)
        else:
            why = {choice: flowing(reason) for choice, reason in why.items()}
        return Comparison(self, measured, why, evidence.strip("\n"))

    @alone
    def show_result(self) -> None:
        """Uncover the result without a guess, as its button does."""
        self._seen = self.answer is None
        self._refresh_all()

    def keep_measured(self, measured: Answer) -> None:
        """Keep what was measured beside the answer, if there is one."""
        if self.answer is not None:
            self._kept[self.key] = {**self._kept.get(self.key, {}), "measured": measured}

    def refresh(self) -> None:
        """Show what is kept now."""
        if (answer := self.answer) is not None and not self._seen:
            self.said = f"Your guess: {shown(answer, self.question.unit)}"
        else:
            self.said = f"{SEEN}. {GUESS_AGAIN}" if self._seen else ""

    def act(self, message: Mapping[str, Any]) -> None:
        """Lock in what the page sends; a guess that is there already is shown instead."""
        try:
            self.lock(message["lock"])
        except LabError:
            if not self.said:
                raise

    def __repr__(self) -> str:
        choices = " · ".join(self.question.choices)
        said = f"{self.said}." if self.said else choices and f"({choices})"
        return f"{self.question.question} {said}".strip()


class Comparison(Sheet):
    """A prediction beside what was measured; made by `Prediction.compare`.

    Args:
        prediction: the prediction, whose answer may still come.
        measured: what was measured.
        why: the reason, or the reasons by choice.
        evidence: what was seen, as lines of text.
    """

    _esm = script("comparison.mjs")

    asked = traitlets.Dict().tag(sync=True)
    covered = traitlets.Bool().tag(sync=True)
    result = traitlets.Dict().tag(sync=True)  # empty while it is covered

    def __init__(
        self,
        prediction: Prediction,
        measured: Answer,
        why: str | Mapping[str, str] = "",
        evidence: str = "",
    ) -> None:
        self.measured = measured
        self._evidence = evidence
        self._prediction = prediction
        self._why = why
        prediction.keep_measured(measured)
        super().__init__(
            f"predict {prediction.key}",
            f"compare-{prediction.key}",
            asked=_for_page(prediction.question),
            covered=prediction.answer is None and not prediction.seen,
        )
        self.refresh()

    @property
    def answer(self) -> Answer | None:
        """What was predicted; None if nothing was, or not before the result was seen."""
        return None if self._prediction.seen else self._prediction.answer

    @property
    def outcome(self) -> Outcome:
        """What the measurement says of the guess, whether it is covered or not."""
        return outcome(self._prediction.question, self.answer, self.measured, self._why)

    def show(self) -> None:
        """Uncover the result without a guess, as the button does."""
        self._prediction.show_result()

    def refresh(self) -> None:
        """Show what is kept now: a guess uncovers the result."""
        covered = self.answer is None and not self._prediction.seen
        if self.covered and not covered:
            self._prediction.keep_measured(self.measured)
        self.result = {} if covered else asdict(self.outcome) | {"evidence": self._evidence}
        self.covered = covered

    def act(self, message: Mapping[str, Any]) -> None:
        """Lock in what the page sends, or uncover the result without a guess."""
        if "lock" in message:
            self._prediction.act(message)
        else:
            self.show()

    def __repr__(self) -> str:
        return "\n".join(filter(None, [str(self.outcome), self._evidence]))


def _for_page(asked: Asked) -> dict[str, Any]:
    return {**asdict(asked), "choices": list(asked.choices), "wanted": asked.wanted()}
