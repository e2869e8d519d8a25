"""The form of a lesson, counted: what a learner does in it, and how long its cells are.

A lesson joins FORM once it is written in the form that CONTRIBUTING.md describes.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from tests.notebooks.execute import REPOSITORY

FORM = ("04_the_websocket_handshake",)
LINES = 12  # of a code cell
PROGRAM_LINES = range(15, 26)  # of the one that does without the lab
WITHOUT = "without-the-lab"
NAVIGATION = re.compile(
    r"\[← (\d\d) · [^\]]+\]\(\d\d_\w+\.ipynb\) · \[exercises [^\]]+\]\(\.\./exercises/\w+\.ipynb\)"
    r" ·\s\[(\d\d) · [^\]]+ →\]\(\d\d_\w+\.ipynb\)$"
)


@pytest.fixture(params=FORM)
def lesson(request: pytest.FixtureRequest) -> Path:
    """Each lesson that has the form."""
    return REPOSITORY / "notebooks" / f"{request.param}.ipynb"


@pytest.fixture
def cells(lesson: Path) -> list[NotebookNode]:
    """Its cells."""
    return list(nbformat.read(lesson, as_version=4).cells)


def code(cells: list[NotebookNode]) -> list[NotebookNode]:
    return [cell for cell in cells if cell.cell_type == "code"]


def source(cells: list[NotebookNode]) -> str:
    return "\n".join(cell.source for cell in code(cells))


def number(lesson: Path) -> int:
    return int(lesson.stem[:2])


def test_previous_exercises_and_next_are_linked_at_the_top(
    lesson: Path, cells: list[NotebookNode]
) -> None:
    found = NAVIGATION.search(cells[0].source)
    assert found
    assert int(found[1]) < number(lesson) < int(found[2])


def test_there_are_three_predictions_each_compared_once(cells: list[NotebookNode]) -> None:
    predicted = re.findall(r"^(\w+) = lab\.predict\(", source(cells), re.M)
    assert len(predicted) >= 3
    assert re.findall(r"^(\w+)\.compare\(", source(cells), re.M) == predicted


def test_a_wrong_guess_gets_a_reason(cells: list[NotebookNode]) -> None:
    compared = [cell.source for cell in code(cells) if ".compare(" in cell.source]
    assert all("why=" in cell for cell in compared)


def test_a_prediction_comes_alone_so_that_nothing_runs_before_the_guess(
    cells: list[NotebookNode],
) -> None:
    for cell in code(cells):
        if "lab.predict(" in cell.source:
            assert ".compare(" not in cell.source


def test_no_cell_repeats_a_result_beside_its_cover(cells: list[NotebookNode]) -> None:
    for cell, following in pairwise(cells):
        if ".compare(" in cell.source:
            assert following.cell_type == "markdown", following.source


def test_the_learner_explains(cells: list[NotebookNode]) -> None:
    assert "lab.explain(" in source(cells)


def test_a_cell_that_holds_an_answer_is_collapsed(cells: list[NotebookNode]) -> None:
    for cell in code(cells):
        holds = "lab.explain(" in cell.source or ".compare(" in cell.source
        assert cell.metadata.get("jupyter", {}).get("source_hidden", False) is holds, cell.source


def test_it_recalls_earlier_lessons(lesson: Path, cells: list[NotebookNode]) -> None:
    wanted = [str(number(lesson))] * (number(lesson) >= 2)
    assert re.findall(r"^lab\.recall\((\d+)\)$", source(cells), re.M) == wanted


def test_it_ends_in_verdicts(lesson: Path, cells: list[NotebookNode]) -> None:
    assert "lab.verdict(" in source(cells)
    assert source(cells).count(f"lab.verdicts(lesson={number(lesson)})") == 1


def test_one_thing_is_changed_and_one_is_broken(cells: list[NotebookNode]) -> None:
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert prose.count("**Change it.**") == 1
    assert prose.count("**Break it.**") >= 1


def test_once_it_does_without_the_lab(cells: list[NotebookNode]) -> None:
    (program,) = (cell for cell in code(cells) if WITHOUT in cell.metadata.get("tags", []))
    assert len(program.source.splitlines()) in PROGRAM_LINES
    assert "lab." not in program.source


def test_a_cell_is_short(cells: list[NotebookNode]) -> None:
    for cell in code(cells):
        if WITHOUT not in cell.metadata.get("tags", []):
            assert len(cell.source.splitlines()) <= LINES, cell.source


def test_it_links_to_the_sources(cells: list[NotebookNode]) -> None:
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert len(set(re.findall(r"\]\((https://[^)\s]+)\)", prose))) >= 3


@pytest.mark.parametrize("call", ["predict", "explain"])
def test_no_two_lessons_ask_under_the_same_key(call: str) -> None:
    keys = [
        key
        for path in sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
        for key in re.findall(
            rf'lab\.{call}\(\s*"([^"]+)"', source(nbformat.read(path, as_version=4).cells)
        )
    ]
    assert keys
    assert len(set(keys)) == len(keys)
