"""`progress`: a table of how far each exercise has come."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import NamedTuple

from labserver.practice.checking.exercise import ids, load
from labserver.practice.progress.store import exercises, predictions

HEADINGS = ("exercise", "lesson", "outcome", "checks", "hints")


class ProgressRow(NamedTuple):
    """One exercise: what it is, and how far it has come."""

    exercise: str
    lesson: int
    outcome: str
    checks: int
    hints: int


@dataclass(frozen=True, slots=True)
class ProgressTable:
    """How far the exercises have come; as a cell's last line a table.

    Attributes:
        rows: one for each exercise.
        predictions: how many are locked in.
    """

    rows: tuple[ProgressRow, ...]
    predictions: int

    @property
    def passed(self) -> int:
        """How many exercises pass."""
        return sum(row.outcome == "pass" for row in self.rows)

    def __repr__(self) -> str:
        cells = [HEADINGS, *(tuple(map(str, row)) for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
        return "\n".join([*lines, "", self._sum()])

    def _repr_html_(self) -> str:
        head = "".join(f"<th style='text-align:left'>{name}</th>" for name in HEADINGS)
        body = "".join(
            "<tr>"
            + "".join(f"<td style='text-align:left'>{html.escape(str(one))}</td>" for one in row)
            + "</tr>"
            for row in self.rows
        )
        return (
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            f"<div>{html.escape(self._sum())}</div>"
        )

    def _sum(self) -> str:
        word = "prediction" if self.predictions == 1 else "predictions"
        return (
            f"{self.passed} of {len(self.rows)} exercises pass;"
            f" {self.predictions} {word} locked in."
        )


def progress(lesson: int | None = None) -> ProgressTable:
    """How far the exercises have come on this machine.

    Args:
        lesson: only the exercises of this one, such as 5; None: all.

    Returns:
        A table; the predictions in it are counted over all lessons.

    Raises:
        LabError: if the progress file cannot be used.
    """
    kept = dict(exercises())
    rows = []
    for exercise_id in ids():
        exercise, entry = load(exercise_id), kept.get(exercise_id, {})
        if lesson not in (None, exercise.lesson):
            continue
        rows.append(
            ProgressRow(
                f"{exercise_id} {exercise.title}",
                exercise.lesson,
                str(entry.get("outcome", "not attempted")),
                int(entry.get("checks", 0)),
                int(entry.get("hints", 0)),
            )
        )
    return ProgressTable(tuple(rows), len(predictions()))
