"""Questions on earlier lessons, answered before the answer is shown; they lie in recall.toml.

What the learner left out of an earlier explanation comes back as one question more.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import traitlets

from labserver.clock import Clock, SystemClock, iso
from labserver.errors import LabError
from labserver.practice.asking.sheet import Sheet, alone, flowing, script
from labserver.practice.progress.store import kept as kept_on_disk

QUESTIONS = Path(__file__).parents[1] / "recall.toml"
MOST_CHARS = 2000
FORGETTING_S = 6 * 3600  # before it comes back: what was read just now needs no recalling
LEFT_OUT = "left out: "  # before the explanation's key, in the id of a question about it

Kept = MutableMapping[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class RecallQuestion:
    """A question on something learned earlier.

    Attributes:
        id: names it in the learner's progress.
        asked_in: the lesson that asks it.
        about: what it is about, in words: `Lesson 01`.
        question, answer: its texts.
    """

    id: str
    asked_in: int
    about: str
    question: str
    answer: str


@cache
def recall_questions() -> tuple[RecallQuestion, ...]:
    """Return all questions of recall.toml, in their order."""
    with QUESTIONS.open("rb") as file:
        found = tomllib.load(file)["question"]
    return tuple(
        RecallQuestion(
            one["id"],
            one["asked_in"],
            f"Lesson {one['about']:02}",
            flowing(one["question"]),
            flowing(one["answer"]),
        )
        for one in found
    )


def recall(lesson: int) -> Recall:
    """Ask what a lesson builds on: two questions on earlier lessons.

    What was left out of an explanation some hours ago or more is asked as well.

    Args:
        lesson: the number of the lesson that asks.

    Returns:
        The widget. What was answered earlier is still there.

    Raises:
        LabError: if no questions are asked in this lesson.
    """
    return Recall(lesson, kept=kept_on_disk("recalls"), explanations=kept_on_disk("explanations"))


class Recall(Sheet):
    """Questions on earlier lessons; made by `recall`.

    Args:
        lesson: as for `recall`.
        kept: what is kept of each question, by id: `lesson`, `draft` until the answer was shown,
            `text`, `shown` (ISO 8601), `knew`, `judged` (ISO 8601).
        explanations: what is kept of the learner's explanations; is only read.
        clock: tells the times.
    """

    _esm = script("recall.mjs")

    items = traitlets.List(traitlets.Dict()).tag(sync=True)
    drafts = traitlets.Dict().tag(sync=True)  # by id; the page writes it
    most_chars = traitlets.Int(MOST_CHARS).tag(sync=True)

    def __init__(
        self,
        lesson: int,
        *,
        kept: Kept,
        explanations: Mapping[str, Mapping[str, Any]],
        clock: Clock | None = None,
    ) -> None:
        questions = [one for one in recall_questions() if one.asked_in == lesson]
        if not questions:
            lessons = sorted({one.asked_in for one in recall_questions()})
            numbers = ", ".join(f"{number:02}" for number in lessons)
            raise LabError(f"Lesson {lesson!r} recalls nothing: give one of {numbers}.")
        self.lesson = lesson
        self._kept = kept
        self._clock = clock or SystemClock()
        before = iso(self._clock.time() - FORGETTING_S)
        self.questions = (*questions, *left_out(lesson, explanations, kept, before))
        self._seen: set[str] = set()  # ids whose answer was shown although nothing was written
        super().__init__(f"recall {lesson}", f"recall-{lesson}")
        self.refresh()
        self.observe(self._keep_drafts, "drafts")

    @alone
    def show(self, question_id: str, text: str) -> None:
        """Keep an answer and show the right one, as the button does.

        Raises:
            LabError: if there is no such question, or no answer.
        """
        self._question(question_id)
        if not (text := text.strip()[:MOST_CHARS]):
            raise LabError("Write an answer first; a few words are enough.")
        self._change(question_id, draft=None, text=text, shown=iso(self._clock.time()))

    @alone
    def show_unanswered(self, question_id: str) -> None:
        """Show the right answer although nothing was written, as the button does."""
        self._question(question_id)
        self._seen.add(question_id)
        self.refresh()

    @alone
    def judge(self, question_id: str, knew: bool) -> None:
        """Keep whether the learner knew the answer.

        Raises:
            LabError: if there is no such question, or its answer was not shown yet.
        """
        self._question(question_id)
        if not self._shows(question_id):
            raise LabError("Look at the answer before you say whether you knew it.")
        self._change(question_id, knew=knew, judged=iso(self._clock.time()))

    @alone
    def reset(self) -> None:
        """Forget the answers to this lesson's questions, and ask again."""
        for one in self.questions:
            self._kept.pop(one.id, None)
        self._seen.clear()
        self.problem = ""
        self._refresh_all()

    def refresh(self) -> None:
        """Show what is kept now."""
        entries = {one.id: self._kept.get(one.id, {}) for one in self.questions}
        with self.hold_sync():
            self.items = [self._item(one, entries[one.id]) for one in self.questions]
            self.drafts = {key: entry.get("draft", "") for key, entry in entries.items()}

    def act(self, message: Mapping[str, Any]) -> None:
        """Do what a button in the page asks for."""
        question_id = str(message.get("id"))
        if "text" in message:
            self.show(question_id, str(message["text"]))
        elif "knew" in message:
            self.judge(question_id, bool(message["knew"]))
        else:
            self.show_unanswered(question_id)

    def _item(self, one: RecallQuestion, entry: Mapping[str, Any]) -> dict[str, Any]:
        shows = self._shows(one.id)
        return {
            "id": one.id,
            "about": one.about,
            "question": one.question,
            "text": entry.get("text", ""),
            "answer": one.answer if shows else "",
            "knew": entry.get("knew"),
        }

    def _shows(self, question_id: str) -> bool:
        entry = self._kept.get(question_id, {})
        return question_id in self._seen or "shown" in entry or "knew" in entry

    def _question(self, question_id: str) -> RecallQuestion:
        for one in self.questions:
            if one.id == question_id:
                return one
        ids = ", ".join(one.id for one in self.questions)
        raise LabError(f"There is no question {question_id!r} here: give one of {ids}.")

    def _change(self, question_id: str, **values: Any) -> None:
        entry = {**self._kept.get(question_id, {}), "lesson": self.lesson, **values}
        self._kept[question_id] = {name: one for name, one in entry.items() if one is not None}
        self._refresh_all()

    @alone
    def _keep_drafts(self, change: Mapping[str, Any]) -> None:
        drafts = {key: str(text)[:MOST_CHARS] for key, text in change["new"].items()}
        changed = False
        try:
            for one in self.questions:
                entry = self._kept.get(one.id, {})
                draft = drafts.get(one.id, "")
                if "shown" not in entry and entry.get("draft", "") != draft:
                    self._kept[one.id] = {**entry, "lesson": self.lesson, "draft": draft}
                    changed = True
            if changed:
                self._refresh_all()  # the cell may have run again in the meantime
        except LabError as error:
            self.problem = str(error)

    def __repr__(self) -> str:
        return "\n".join(
            f"{number}. {one.about}: {one.question}" for number, one in enumerate(self.questions, 1)
        )


def left_out(
    lesson: int,
    explanations: Mapping[str, Mapping[str, Any]],
    recalls: Mapping[str, Any],
    before: str,
) -> tuple[RecallQuestion, ...]:
    """Return a question about what an earlier explanation left out, or nothing.

    Args:
        lesson: the lesson that asks.
        explanations: what is kept of the learner's explanations, by key.
        recalls: what is kept of recalls. A question that this lesson asked before is asked again,
            and one that another lesson asked is not.
        before: a time (ISO 8601); what was locked in later does not come back yet.
    """
    by_time = sorted(explanations.items(), key=lambda one: str(one[1].get("locked", "")))
    missing = {
        f"{LEFT_OUT}{key}": (entry["question"], open_points)
        for key, entry in by_time
        if "locked" in entry
        and entry["locked"] < before
        and (open_points := [p for p in entry["points"] if p not in entry["ticked"]])
    }
    asked = {key: entry.get("lesson") for key, entry in recalls.items() if key in missing}
    mine = [key for key, asker in asked.items() if asker == lesson]
    candidates = [*mine, *(key for key in missing if key not in asked)]
    if not candidates:
        return ()
    question, points = missing[candidates[0]]
    few = "a point" if len(points) == 1 else f"{len(points)} points"
    asked_for = f"{question} Your explanation left out {few}. Which?"
    return (
        RecallQuestion(candidates[0], lesson, "Left out last time", asked_for, " ".join(points)),
    )
