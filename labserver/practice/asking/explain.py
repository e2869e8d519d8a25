"""An explanation in the learner's own words: locked in, then set beside a model and its points.

What was locked in, the points that were asked for and those that were ticked are kept. The points
that were left out come back in a later lesson (`recall.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

import traitlets

from labserver.clock import Clock, SystemClock, iso
from labserver.errors import LabError
from labserver.practice.asking.sheet import Sheet, alone, flowing, script
from labserver.practice.progress.store import kept as kept_on_disk

LEAST_CHARS, MOST_CHARS = 20, 4000  # a sentence; two pages


def explain(key: str, question: str, model: str, points: Sequence[str]) -> Explanation:
    """Ask the learner to explain something; a cell's last line shows the question.

    Args:
        key: its name among the learner's explanations, such as `what the hash proves`.
        question: what to explain, in two sentences.
        model: a model explanation, which is shown afterwards; a blank line parts paragraphs.
        points: what a good explanation says, two points or more, which the learner ticks.

    Returns:
        The widget. A text that was written earlier under the same key is still there.

    Raises:
        LabError: if an argument is missing, or there are fewer than two points.
    """
    return Explanation(key, question, model, points, kept=kept_on_disk("explanations"))


class Explanation(Sheet):
    """A question, and the learner's own explanation of it; made by `explain`.

    Args:
        key, question, model, points: as for `explain`.
        kept: what is kept of each explanation, by key: `draft` until it is locked in; then
            `question`, `text`, `locked` (ISO 8601), `points` and, of these, `ticked`.
        clock: tells the time at which a text is locked in.
    """

    _esm = script("explain.mjs")

    question = traitlets.Unicode().tag(sync=True)
    most_chars = traitlets.Int(MOST_CHARS).tag(sync=True)
    draft = traitlets.Unicode().tag(sync=True)  # the page writes it
    text = traitlets.Unicode().tag(sync=True)  # not empty once it is locked in
    model_text = traitlets.Unicode().tag(sync=True)  # empty until it may be seen
    points = traitlets.List(traitlets.Unicode()).tag(sync=True)
    ticked = traitlets.List(traitlets.Int()).tag(sync=True)

    def __init__(
        self,
        key: str,
        question: str,
        model: str,
        points: Sequence[str],
        *,
        kept: MutableMapping[str, dict[str, Any]],
        clock: Clock | None = None,
    ) -> None:
        if not (key.strip() and question.strip() and model.strip()):
            raise LabError("Give a key, a question and a model explanation.")
        if isinstance(points, str) or len({one for one in points if one.strip()}) < 2:
            raise LabError("Give at least two points that a good explanation makes.")
        self.key = key
        self._model, self._points = flowing(model), [flowing(point) for point in points]
        self._kept = kept
        self._clock = clock or SystemClock()
        self._seen = False  # the model was shown although nothing had been written
        super().__init__(f"explain {key}", f"explain-{key}", question=flowing(question))
        self.refresh()
        self.observe(self._keep_draft, "draft")

    @alone
    def lock(self, text: str) -> None:
        """Lock the explanation in, as the button does.

        Raises:
            LabError: if there is one already, or if it is too short or too long.
        """
        self.refresh()  # another notebook may have locked one in
        text = text.strip()
        if self.text:
            raise LabError("Your explanation is locked in. To write another, call reset().")
        if len(text) < LEAST_CHARS:
            raise LabError("Write a sentence or two first.")
        if len(text) > MOST_CHARS:
            raise LabError(f"Write at most {MOST_CHARS:,} characters.")
        self._kept[self.key] = {
            "question": self.question,
            "text": text,
            "locked": iso(self._clock.time()),
            "points": self._points,
            "ticked": [],
        }
        self._refresh_all()

    @alone
    def tick(self, index: int, on: bool = True) -> None:
        """Tick a point that the explanation made, or take the tick away.

        Args:
            index: the point's place, from 0.
            on: whether it is ticked.

        Raises:
            LabError: if nothing is locked in, or there is no such point.
        """
        entry = self._kept.get(self.key, {})
        if not entry.get("text"):
            raise LabError("Lock your explanation in before you tick what it says.")
        if not 0 <= index < len(self._points):
            raise LabError(f"There is no point {index}: give 0 to {len(self._points) - 1}.")
        chosen = {*entry.get("ticked", ())} - {self._points[index]}
        chosen |= {self._points[index]} if on else set()
        # The points of today's lesson: an earlier edition may have asked for others.
        ticked = [point for point in self._points if point in chosen]
        self._kept[self.key] = {**entry, "points": self._points, "ticked": ticked}
        self._refresh_all()

    @alone
    def show(self) -> None:
        """Show the model explanation although nothing was written, as the button does."""
        self._seen = True
        self.refresh()

    @alone
    def reset(self) -> None:
        """Forget the explanation and its ticks, and ask again."""
        self._kept.pop(self.key, None)
        self._seen = False
        self.problem = ""
        self._refresh_all()

    def refresh(self) -> None:
        """Show what is kept now."""
        entry = self._kept.get(self.key, {})
        text = str(entry.get("text", ""))
        shows = bool(text) or self._seen
        with self.hold_sync():
            self.text = text
            self.draft = "" if text else str(entry.get("draft", ""))
            self.model_text = self._model if shows else ""
            self.points = self._points if shows else []
            chosen = entry.get("ticked", ())
            self.ticked = [i for i, point in enumerate(self._points) if point in chosen]

    def act(self, message: Mapping[str, Any]) -> None:
        """Do what a button or a checkbox in the page asks for."""
        if "lock" in message:
            self.lock(str(message["lock"]))
        elif "tick" in message:
            self.tick(int(message["tick"]), bool(message["on"]))
        else:
            self.show()

    @alone
    def _keep_draft(self, change: Mapping[str, Any]) -> None:
        entry = self._kept.get(self.key, {})
        draft = change["new"][:MOST_CHARS]
        if entry.get("text") or entry.get("draft", "") == draft:
            return  # a late draft does not touch what is locked in
        try:
            self._kept[self.key] = {**entry, "draft": draft}
            self._refresh_all()  # the cell may have run again in the meantime
        except LabError as error:
            self.problem = str(error)

    def __repr__(self) -> str:
        return f"{self.question}\nYou wrote: {self.text}" if self.text else self.question
