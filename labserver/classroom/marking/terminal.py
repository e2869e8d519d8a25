"""Marks in the terminal: a table for each notebook, and what is wrong."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from labserver.classroom.marking.gradebook import Gradebook
from labserver.classroom.marking.mark import MarkedNotebook, titles
from labserver.practice.checking.judge import SIGNS, Outcome

STYLES = {Outcome.PASS: "green", Outcome.WRONG: "red", Outcome.NOT_ATTEMPTED: "dim"}


def print_marks(marked: Sequence[MarkedNotebook], console: Console | None = None) -> None:
    """Print the marks of notebooks.

    Args:
        marked: one or more notebooks.
        console: where to print; None for standard output.
    """
    console = console or _console()
    for title, one in zip(titles(marked), marked, strict=True):
        console.print(f"{title}: {one.problem or _sum(one)}")
        if one.marks:
            console.print(_table(one))
        for mark in one.marks:
            if mark.says_more:
                console.print(mark.text + "\n")
    if len(marked) > 1:
        points, most = sum(one.points for one in marked), sum(one.most for one in marked)
        console.print(f"All together {points} of {most} points.")


def print_gradebook(gradebook: Gradebook, console: Console | None = None) -> None:
    """Print a class's marks, one line per learner."""
    console = console or _console()
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("learner", overflow="fold")
    for exercise in gradebook.exercises:
        table.add_column(exercise, justify="right", no_wrap=True)
    table.add_column(f"of {gradebook.most}", justify="right", no_wrap=True)
    for learner in gradebook.learners:
        cells = [
            Text(SIGNS[mark.outcome], STYLES[mark.outcome]) if mark else Text("")
            for mark in map(learner.marks.get, gradebook.exercises)
        ]
        table.add_row(Text(learner.name), *cells, str(learner.points))
    console.print(table)
    for learner in gradebook.learners:
        for problem in learner.problems:
            console.print(f"{learner.name}: {problem}")


def _console() -> Console:
    return Console(highlight=False, markup=False, emoji=False)


def _sum(one: MarkedNotebook) -> str:
    passed = sum(mark.outcome is Outcome.PASS for mark in one.marks)
    return f"{one.points} of {one.most} points; {passed} of {len(one.marks)} exercises pass."


def _table(one: MarkedNotebook) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("exercise", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    table.add_column("points", justify="right", no_wrap=True)
    for mark in one.marks:
        table.add_row(
            f"{mark.exercise} {mark.name}",
            Text(f"{SIGNS[mark.outcome]} {mark.outcome.value}", STYLES[mark.outcome]),
            f"{mark.points} of {mark.most}",
        )
    return table
