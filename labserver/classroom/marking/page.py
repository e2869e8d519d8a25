"""Marks as one HTML page that opens without a network. What learners wrote is data in it."""

from __future__ import annotations

from collections.abc import Sequence

from labserver.classroom.marking.gradebook import Gradebook
from labserver.classroom.marking.mark import MarkedNotebook, titles
from labserver.practice.checking.judge import SIGNS, Outcome
from labserver.templates import render

CLASSES = {Outcome.PASS: "pass", Outcome.WRONG: "wrong", Outcome.NOT_ATTEMPTED: "not"}


def page(marked: Sequence[MarkedNotebook]) -> str:
    """Return a page with the marks of notebooks, and what is wrong with each answer."""
    notebooks = list(zip(titles(marked), marked, strict=True))
    return render(
        "classroom/marking/marks.html",
        title="Marks",
        notebooks=notebooks,
        signs=SIGNS,
        classes=CLASSES,
    )


def class_page(gradebook: Gradebook) -> str:
    """Return a page with a class's marks: rows are learners, columns exercises."""
    return render(
        "classroom/marking/class.html",
        title="A class",
        gradebook=gradebook,
        signs=SIGNS,
        classes=CLASSES,
    )
