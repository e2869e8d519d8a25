from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from labserver.classroom.marking.gradebook import gradebook
from labserver.classroom.marking.mark import Mark, MarkedNotebook
from labserver.classroom.marking.references import Reference
from labserver.classroom.marking.terminal import print_gradebook, print_marks
from labserver.practice.checking.judge import Outcome

CLASS = Path("class")
MARKED = [
    MarkedNotebook(
        CLASS / "bob" / "05_frames.ipynb",
        "05_frames",
        (
            Mark("E10", "mask", Outcome.PASS, 2, 2, "✓ E10 mask: passes"),
            Mark("E11", "encode_frame", Outcome.WRONG, 0, 3, "✗ E11 [red]wrong[/]\n  rule …"),
            Mark("E12", "FrameDecoder", Outcome.NOT_ATTEMPTED, 0, 5, "· E12 D: not attempted yet."),
        ),
    ),
    MarkedNotebook(CLASS / "eve" / "b.ipynb", problem="b.ipynb is no notebook."),
]


def console() -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=80, highlight=False, markup=False, emoji=False), out


def test_a_table_the_sum_and_what_is_wrong() -> None:
    screen, out = console()
    print_marks(MARKED, screen)
    text = out.getvalue()
    assert "05_frames.ipynb: 2 of 10 points; 1 of 3 exercises pass." in text
    assert "b.ipynb: b.ipynb is no notebook." in text
    assert "✗ E11 [red]wrong[/]\n  rule …" in text
    assert "· E12 D" not in text, "the table says it"
    assert "All together 2 of 10 points." in text
    assert [line.split()[-3:] for line in text.splitlines() if "E12" in line] == [["0", "of", "5"]]


def test_a_class_is_a_line_a_learner(references: list[Reference]) -> None:
    screen, out = console()
    print_gradebook(gradebook(MARKED, CLASS, references), screen)
    rows = [
        line.split() for line in out.getvalue().splitlines() if line.startswith((" bob", " eve"))
    ]
    assert rows == [["bob", "✓", "✗", "·", "2"], ["eve", "0"]]
    assert "eve: b.ipynb is no notebook." in out.getvalue()
