"""`lab.progress`: a table of how far the learner has come with each exercise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from labserver.errors import LabError
from labserver.practice.checking.exercise import ids, load
from labserver.practice.course_links import exercise_link
from labserver.practice.progress.store import exercises, kept
from labserver.templates import render

HEADINGS = ("exercise", "lesson", "outcome", "checks", "hints")


class ProgressRow(NamedTuple):
    """One exercise, how far the learner has come with it, and the link to it, if it is there."""

    exercise: str
    lesson: int
    outcome: str
    checks: int
    hints: int
    link: str | None = None


@dataclass(frozen=True, slots=True)
class ProgressTable:
    """How far the learner has come; a cell's last line shows it as a table.

    Attributes:
        rows: one per exercise.
        predictions: how many predictions are locked in, over all lessons; None in the table of
            one lesson, as a prediction does not say which lesson it belongs to.
    """

    rows: tuple[ProgressRow, ...]
    predictions: int | None

    @property
    def passed(self) -> int:
        """How many exercises pass."""
        return sum(row.outcome == "pass" for row in self.rows)

    def __repr__(self) -> str:
        cells = [HEADINGS, *(tuple(map(str, row[: len(HEADINGS)])) for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
        return "\n".join([*lines, "", self._summary()])

    def _repr_html_(self) -> str:
        return render(
            "practice/progress/table.html",
            headings=HEADINGS,
            rows=self.rows,
            summary=self._summary(),
        )

    def _summary(self) -> str:
        passed = f"{self.passed} of {len(self.rows)} exercises pass"
        if self.predictions is None:
            return f"{passed}."
        word = "prediction" if self.predictions == 1 else "predictions"
        return f"{passed}; {self.predictions} {word} locked in."


def progress(lesson: int | None = None) -> ProgressTable:
    """Return how far the learner has come on this machine.

    Args:
        lesson: the lesson whose exercises to list, such as 5; None for all.

    Returns:
        A table, in which the names of exercises lead to their cells. That of all lessons says how
        many predictions are locked in.

    Raises:
        LabError: if no exercise belongs to that lesson, or the progress file cannot be used.
    """
    loaded = {exercise_id: load(exercise_id) for exercise_id in ids()}
    lessons = sorted({exercise.lesson for exercise in loaded.values()})
    if lesson is not None and lesson not in lessons:
        raise LabError(
            f"No exercise belongs to lesson {lesson!r}: choose one of"
            f" {', '.join(map(str, lessons))}, or leave it out for all."
        )
    entries = dict(exercises())
    rows = []
    for exercise_id, exercise in loaded.items():
        if lesson not in (None, exercise.lesson):
            continue
        entry = entries.get(exercise_id, {})
        rows.append(
            ProgressRow(
                f"{exercise_id} {exercise.title}",
                exercise.lesson,
                str(entry.get("outcome", "not attempted")),
                int(entry.get("checks", 0)),
                int(entry.get("hints", 0)),
                exercise_link(exercise.lesson, exercise_id),
            )
        )
    return ProgressTable(tuple(rows), len(kept("predictions")) if lesson is None else None)
