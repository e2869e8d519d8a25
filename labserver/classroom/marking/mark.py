"""Mark a notebook: each answer in a process of its own, beside the solved answers of the others.

An exercise that builds on another is therefore judged by itself, and an infinite loop in one
answer costs the others nothing. The judge is that of `lab.check`.
"""

from __future__ import annotations

import ast
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from labserver.classroom.marking.cells import DeferredCells
from labserver.classroom.marking.notebook import CodeCell, read
from labserver.classroom.marking.references import Reference, belongs_to
from labserver.errors import LabError
from labserver.practice.checking.exercise import Exercise, load
from labserver.practice.checking.judge import NOT_YET, Outcome, Result, judge, result
from labserver.practice.checking.sandbox import LOADED_LATE
from labserver.runtime.state import FOLDER_VARIABLE

TIME_LIMIT_S = 120.0
MISSING = "its cell is not in the notebook."
ELSEWHERE = "not attempted in its own cell; what another cell defines does not count."
TIME_OVER = "not judged: the time was up."


@dataclass(frozen=True, slots=True)
class Mark:
    """How one exercise went.

    Attributes:
        exercise: its id.
        name: what the learner defines.
        outcome: not attempted, wrong, or pass.
        points: what it earned.
        most: what a pass earns.
        text: what the learner is told; the first line is a summary.
    """

    exercise: str
    name: str
    outcome: Outcome
    points: int
    most: int
    text: str

    @property
    def says_more(self) -> bool:
        """Whether the text says more than the outcome does."""
        summary = self.text.partition("\n")[0]
        return self.outcome is not Outcome.PASS and not summary.endswith(NOT_YET)


@dataclass(frozen=True, slots=True)
class MarkedNotebook:
    """How one notebook went.

    Attributes:
        path: the learner's file.
        notebook: the name of the solved notebook it belongs to; "" if it belongs to none.
        marks: one for each of its exercises.
        problem: why there are no marks; otherwise "".
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


def titles(marked: Sequence[MarkedNotebook]) -> list[str]:
    """Name each notebook: by its file's name, or by its path where several files share a name."""
    names = [one.path.name for one in marked]
    return [
        n if names.count(n) == 1 else str(one.path) for n, one in zip(names, marked, strict=True)
    ]


def mark(
    path: Path, references: Sequence[Reference], *, time_limit_s: float = TIME_LIMIT_S
) -> MarkedNotebook:
    """Mark a learner's notebook.

    Args:
        path: the notebook; its name does not matter, the ids of its cells do.
        references: the solved notebooks.
        time_limit_s: seconds for the whole notebook; an answer whose turn has not come by then is
            not judged.
    """
    try:
        cells = read(path)
    except LabError as error:
        return MarkedNotebook(path, problem=str(error))
    reference = belongs_to(cells, references)
    if reference is None:
        names = ", ".join(one.name for one in references)
        return MarkedNotebook(path, problem=f"{path.name} has no answers to any of {names}.")
    until = time.monotonic() + time_limit_s
    answers, own = reference.place(cells)
    marks = []
    with _separate_progress():
        for exercise_id in reference.answers:
            exercise = load(exercise_id)
            if exercise_id not in answers:
                judged = result(exercise, Outcome.NOT_ATTEMPTED, MISSING)
            elif is_untouched(answers[exercise_id].source, exercise.stub):
                why = ELSEWHERE if _defines(exercise.name, own) else NOT_YET
                judged = result(exercise, Outcome.NOT_ATTEMPTED, why)
            elif time.monotonic() > until:
                judged = result(exercise, Outcome.WRONG, TIME_OVER)
            else:
                judged = _judged(exercise, reference, cells, answers, own)
            marks.append(_mark(exercise, judged))
    return MarkedNotebook(path, reference.name, tuple(marks))


def _judged(
    exercise: Exercise,
    reference: Reference,
    cells: Sequence[CodeCell],
    answers: dict[str, CodeCell],
    own: Sequence[CodeCell],
) -> Result:
    """Judge an answer among the cells it may need, in each of several ways until it passes."""
    answer = answers[exercise.id]
    names = list(reference.answers)
    # It may call earlier answers: the solved ones, or those that the learner has.
    earlier = names[: names.index(exercise.id)]
    before = [reference.answers[key] for key in earlier]
    mine = [cell for cell in cells if cell in own or cell is answer]
    theirs = [*(answers[key] for key in earlier if key in answers), *mine]
    ways = [[*before, *mine], [*before, answer], theirs]
    first: Result | None = None
    for way in _different(ways):
        sources = tuple((_name(cell, answers), cell.source) for cell in way)
        judged = judge(exercise, DeferredCells(sources, f"<{exercise.id}>", exercise.name))
        if judged.passed:
            return judged
        first = first or judged
        if LOADED_LATE in judged.text and not any(cell in own for cell in way):
            break  # it is the answer itself that loops
    assert first is not None
    return first


def is_untouched(source: str, stub: str) -> bool:
    """Whether a cell holds the stub and nothing else; comments and docstrings do not count."""
    try:
        return _without_docstrings(source) == _without_docstrings(stub)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False  # it is not Python, which a stub is


def _without_docstrings(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = node.body[ast.get_docstring(node) is not None :]
    return ast.dump(tree)


def _defines(name: str, cells: Sequence[CodeCell]) -> bool:
    """Whether one of these cells defines a function or class with this name."""
    defined = re.compile(rf"^(?:async +)?(?:def|class) +{name}\b", re.MULTILINE)
    return any(defined.search(cell.source) for cell in cells)


def _different(ways: list[list[CodeCell]]) -> list[list[CodeCell]]:
    return [way for at, way in enumerate(ways) if way not in ways[:at]]


def _name(cell: CodeCell, answers: dict[str, CodeCell]) -> str:
    """Name a cell, for messages that show one of its lines."""
    exercise = next((key for key, answer in answers.items() if answer is cell), "")
    return f"<{exercise or cell.grade_id or cell.id or 'cell'}>"


def _mark(exercise: Exercise, judged: Result) -> Mark:
    return Mark(
        exercise.id, exercise.name, judged.outcome, judged.points, exercise.points, judged.text
    )


@contextmanager
def _separate_progress() -> Iterator[None]:
    """Keep progress in a folder of its own: a learner's cell may call `lab.check`."""
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
