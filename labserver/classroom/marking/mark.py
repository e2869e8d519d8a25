"""Mark a notebook: each answer in a process of its own, beside the solved answers of the others.

So an exercise that builds on another is judged for itself, and a loop without end in one takes
nothing from the rest.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from labserver.classroom.marking.cells import Cells
from labserver.classroom.marking.notebook import Cell, read
from labserver.classroom.marking.references import Reference, belongs_to
from labserver.errors import LabError
from labserver.practice.checking.exercise import Exercise, load
from labserver.practice.checking.judge import MARKS, Outcome, judge
from labserver.practice.checking.sandbox import LOADED_LATE
from labserver.runtime.state import FOLDER_VARIABLE

TIME_LIMIT_S = 120.0
NOT_YET = "not attempted yet."
ELSEWHERE = "not attempted in its own cell; what another cell defines does not count."


@dataclass(frozen=True, slots=True)
class Mark:
    """How one exercise went.

    Attributes:
        exercise: its id.
        name: what the learner defines.
        outcome: not attempted, wrong, or pass.
        points: what it earned.
        most: what a pass earns.
        text: what the learner is told.
    """

    exercise: str
    name: str
    outcome: Outcome
    points: int
    most: int
    text: str

    @property
    def says_more(self) -> bool:
        """Whether the text tells what the outcome does not."""
        return self.outcome is not Outcome.PASS and not self.text.endswith(NOT_YET)


@dataclass(frozen=True, slots=True)
class Marked:
    """How one notebook went.

    Attributes:
        path: the learner's file.
        notebook: the name of the solved one; "" where it is none of them.
        marks: one for each of its exercises.
        problem: why there are no marks.
    """

    path: Path
    notebook: str = ""
    marks: tuple[Mark, ...] = ()
    problem: str = ""

    @property
    def points(self) -> int:
        """The sum of what was earned."""
        return sum(mark.points for mark in self.marks)

    @property
    def most(self) -> int:
        """The sum of what can be earned."""
        return sum(mark.most for mark in self.marks)

    @property
    def passed(self) -> bool:
        """Whether every exercise passes."""
        return bool(self.marks) and all(mark.outcome is Outcome.PASS for mark in self.marks)


def titles(marked: Sequence[Marked]) -> list[str]:
    """What each notebook is called: its file's name, or its path where several have that name."""
    names = [one.path.name for one in marked]
    return [
        n if names.count(n) == 1 else str(one.path) for n, one in zip(names, marked, strict=True)
    ]


def mark(
    path: Path, references: Sequence[Reference], *, time_limit_s: float = TIME_LIMIT_S
) -> Marked:
    """Mark a learner's notebook.

    Args:
        path: the notebook; its name does not matter, its cells' ids do.
        references: the solved notebooks.
        time_limit_s: seconds for all of it; what has not begun by then is not judged.
    """
    try:
        cells = read(path)
    except LabError as error:
        return Marked(path, problem=str(error))
    reference = belongs_to(cells, references)
    if reference is None:
        names = ", ".join(one.name for one in references)
        return Marked(path, problem=f"{path.name} has no answers to any of {names}.")
    until = time.monotonic() + time_limit_s
    answers, own = reference.place(cells)
    marks = []
    with _nobodys_progress():
        for exercise_id in reference.answers:
            exercise = load(exercise_id)
            if exercise_id not in answers:
                marks.append(_not_attempted(exercise, "its cell is not in the notebook."))
            elif _bare(answers[exercise_id].source) == _bare(exercise.stub):
                why = ELSEWHERE if _defines(exercise.name, own) else NOT_YET
                marks.append(_not_attempted(exercise, why))
            elif time.monotonic() > until:
                marks.append(_mark(exercise, Outcome.WRONG, "not judged: the time was over.", 0))
            else:
                marks.append(_judged(exercise, reference, cells, answers, own))
    return Marked(path, reference.name, tuple(marks))


def _judged(
    exercise: Exercise,
    reference: Reference,
    cells: Sequence[Cell],
    answers: dict[str, Cell],
    own: Sequence[Cell],
) -> Mark:
    """The first way of putting the answer into a notebook in which it passes, or else the first."""
    answer = answers[exercise.id]
    names = list(reference.answers)
    # What comes before it may be what it calls: as it was solved, or as the learner has it.
    earlier = names[: names.index(exercise.id)]
    before = [reference.answers[key] for key in earlier]
    mine = [cell for cell in cells if cell in own or cell is answer]
    theirs = [*(answers[key] for key in earlier if key in answers), *mine]
    ways = [[*before, *mine], [*before, answer], theirs]
    first: Mark | None = None
    for way in _different(ways):
        sources = tuple((_name(cell, answers), cell.source) for cell in way)
        result = judge(exercise, Cells(sources, f"<{exercise.id}>", exercise.name))
        judged = Mark(
            exercise.id, exercise.name, result.outcome, result.points, exercise.points, result.text
        )
        if result.passed:
            return judged
        first = first or judged
        if LOADED_LATE in result.text and not any(cell in own for cell in way):
            break  # it is the answer itself that loops
    assert first is not None
    return first


def _defines(name: str, cells: Sequence[Cell]) -> bool:
    """Whether one of these cells has a function or class of this name."""
    defined = re.compile(rf"^(?:async +)?(?:def|class) +{name}\b", re.MULTILINE)
    return any(defined.search(cell.source) for cell in cells)


def _different(ways: list[list[Cell]]) -> list[list[Cell]]:
    return [way for at, way in enumerate(ways) if way not in ways[:at]]


def _name(cell: Cell, answers: dict[str, Cell]) -> str:
    """What a line of it is said to be in."""
    exercise = next((key for key, answer in answers.items() if answer is cell), "")
    return f"<{exercise or cell.grade_id or cell.id or 'cell'}>"


def _bare(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


def _not_attempted(exercise: Exercise, why: str) -> Mark:
    return _mark(exercise, Outcome.NOT_ATTEMPTED, why, 0)


def _mark(exercise: Exercise, outcome: Outcome, why: str, points: int) -> Mark:
    text = f"{MARKS[outcome]} {exercise.id} {exercise.name}: {why}"
    return Mark(exercise.id, exercise.name, outcome, points, exercise.points, text)


@contextmanager
def _nobodys_progress() -> Iterator[None]:
    """A cell of the learner's may call `lab.check`: that is not the teacher's progress."""
    before = os.environ.get(FOLDER_VARIABLE)
    with TemporaryDirectory() as folder:
        os.environ[FOLDER_VARIABLE] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ[FOLDER_VARIABLE]
            else:
                os.environ[FOLDER_VARIABLE] = before
