"""`lab.progress`: a table of how far the learner has come with each exercise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from labserver.errors import LabError
from labserver.practice.checking.exercise import Exercise, ids, load
from labserver.practice.progress.store import exercises, predictions
from labserver.templates import render

EXERCISES = Path("../exercises")  # seen from a lesson's folder, and from their own
HEADINGS = ("exercise", "lesson", "outcome", "checks", "hints")


class ProgressRow(NamedTuple):
    """One exercise, and how far the learner has come with it."""

    exercise: str
    lesson: int
    outcome: str
    checks: int
    hints: int


@dataclass(frozen=True, slots=True)
class ProgressTable:
    """How far the learner has come; a cell's last line shows it as a table.

    Attributes:
        rows: one per exercise.
        predictions: how many predictions are locked in.
        links: by the name of an exercise, where its notebook has it.
    """

    rows: tuple[ProgressRow, ...]
    predictions: int
    links: Mapping[str, str] = field(default_factory=dict)

    @property
    def passed(self) -> int:
        """How many exercises pass."""
        return sum(row.outcome == "pass" for row in self.rows)

    def __repr__(self) -> str:
        cells = [HEADINGS, *(tuple(map(str, row)) for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
        return "\n".join([*lines, "", self._summary()])

    def _repr_html_(self) -> str:
        return render(
            "practice/progress/table.html",
            headings=HEADINGS,
            rows=self.rows,
            links=self.links,
            summary=self._summary(),
        )

    def _summary(self) -> str:
        word = "prediction" if self.predictions == 1 else "predictions"
        return (
            f"{self.passed} of {len(self.rows)} exercises pass;"
            f" {self.predictions} {word} locked in."
        )


def progress(lesson: int | None = None) -> ProgressTable:
    """Return how far the learner has come on this machine.

    Args:
        lesson: the lesson whose exercises to list, such as 5; None for all.

    Returns:
        A table, in which predictions are counted over all lessons.

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
    kept = dict(exercises())
    rows, links = [], {}
    for exercise_id, exercise in loaded.items():
        if lesson not in (None, exercise.lesson):
            continue
        entry = kept.get(exercise_id, {})
        name = f"{exercise_id} {exercise.title}"
        if link := _link(exercise):
            links[name] = link
        rows.append(
            ProgressRow(
                name,
                exercise.lesson,
                str(entry.get("outcome", "not attempted")),
                int(entry.get("checks", 0)),
                int(entry.get("hints", 0)),
            )
        )
    return ProgressTable(tuple(rows), len(predictions()), links)


def _link(exercise: Exercise) -> str:
    """Return where an exercise stands, seen from the notebook's folder; "" if it is not there."""
    cell = f"{exercise.id.lower()}-task"
    for path in sorted(EXERCISES.glob(f"{exercise.lesson:02}_*.ipynb")):
        if f'"{cell}"' in path.read_text(encoding="utf-8", errors="replace"):
            return f"{quote(path.as_posix())}#cell-id={cell}"  # JupyterLab's link to a cell
    return ""
