"""A class's gradebook: whose notebook is whose, and a row of marks per learner."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from labserver.classroom.marking.mark import Mark, MarkedNotebook
from labserver.classroom.marking.references import Reference

CHECKPOINTS = ".ipynb_checkpoints"
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run what begins so


@dataclass(slots=True)
class Learner:
    """One learner.

    Attributes:
        name: from the folder's or the file's name.
        marks: by exercise; the best of several attempts.
        problems: what could not be marked, and why.
    """

    name: str
    marks: dict[str, Mark] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def points(self) -> int:
        """The sum of what was earned."""
        return sum(mark.points for mark in self.marks.values())


@dataclass(frozen=True, slots=True)
class Gradebook:
    """The marks of a class.

    Attributes:
        learners: sorted by name.
        exercises: those in anybody's notebook, in order.
        most: the points of all of them.
    """

    learners: tuple[Learner, ...]
    exercises: tuple[str, ...]
    most: int

    def csv(self) -> str:
        """Return CSV with one row per learner: points by exercise, their sum, and problems.

        A field is empty where the learner has no notebook with that exercise.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["learner", *self.exercises, "points", "of", "problems"])
        for one in self.learners:
            cells = [one.marks[e].points if e in one.marks else "" for e in self.exercises]
            problems = " ".join(one.problems)
            writer.writerow([_cell(one.name), *cells, one.points, self.most, _cell(problems)])
        return text.getvalue()


def submissions(folder: Path) -> list[Path]:
    """Find the notebooks in a folder and below it."""
    found = folder.rglob("*.ipynb")
    return sorted(path for path in found if CHECKPOINTS not in path.parts)


def folders(folder: Path) -> set[str]:
    """Return the names of the learners' folders, whatever is in them."""
    found = [one for one in folder.iterdir() if one.is_dir() and not one.is_symlink()]
    return {one.name for one in found if not one.name.startswith(".")}


def learner_of(path: Path, folder: Path, references: Sequence[Reference]) -> str:
    """Return whose notebook a file is: `alice/05_frames.ipynb`, or `alice_05_frames.ipynb`.

    A notebook may have been handed out under another name, but its number stays:
    `alice_04_handshake.ipynb` belongs to `04_the_websocket_handshake`.
    """
    parts = path.relative_to(folder).parts
    if len(parts) > 1:
        return parts[0]
    for reference in references:
        before, found, _ = path.stem.partition(reference.name)
        if found and before.strip("_- "):
            return before.strip("_- ")
    for reference in references:
        number = reference.name.partition("_")[0]
        before, found, _ = path.stem.partition(f"_{number}_")
        if number.isdigit() and found and before.strip("_- "):
            return before.strip("_- ")
    return path.stem


def gradebook(
    marked: Iterable[MarkedNotebook],
    folder: Path,
    references: Sequence[Reference],
    expected: Iterable[str] = (),
) -> Gradebook:
    """Sort marked notebooks by learner.

    Args:
        marked: the notebooks.
        folder: the class's folder.
        references: the solved notebooks.
        expected: learners who get a row even if they have no notebook.
    """
    learners: dict[str, Learner] = {}
    most: dict[str, int] = {}
    for one in marked:
        name = learner_of(one.path, folder, references)
        learner = learners.setdefault(name, Learner(name))
        if one.problem:
            learner.problems.append(one.problem)
        for mark in one.marks:
            most[mark.exercise] = mark.most
            kept = learner.marks.get(mark.exercise)
            if kept is None or kept.points < mark.points:
                learner.marks[mark.exercise] = mark
    for name in set(expected) - set(learners):
        learners[name] = Learner(name, problems=["no notebook in this folder."])
    by_name = tuple(sorted(learners.values(), key=lambda each: each.name.lower()))
    return Gradebook(by_name, tuple(sorted(most)), sum(most.values()))


def _cell(text: str) -> str:
    """Return text that a spreadsheet shows and does not run."""
    return f"'{text}" if text.startswith(FORMULA) else text
