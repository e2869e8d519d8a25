"""The learners' notebooks are those of the solved ones, and each asks for what it should."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from labserver.classroom.release import BEGIN, END, cleared, main, release, text_of
from labserver.practice.checking.exercise import ids, load

EXERCISES = Path(__file__).parents[2] / "exercises"
SOLVED = sorted((EXERCISES / "solutions").glob("*.ipynb"))


@pytest.fixture(params=SOLVED, ids=[path.stem for path in SOLVED])
def path(request: pytest.FixtureRequest) -> Path:
    """Each solved notebook."""
    return request.param


def cells(path: Path) -> dict[str, Any]:
    """The cells that nbgrader knows, by their grade id."""
    found = nbformat.read(path, as_version=4).cells
    return {cell.metadata.nbgrader.grade_id: cell for cell in found if "nbgrader" in cell.metadata}


def test_a_region_becomes_a_stub_at_its_own_depth() -> None:
    source = (
        f"def a():\n    {BEGIN}\n    return 1\n\ndef b(): ...\n{END}\nx = 1\n{BEGIN}\n2\n  {END}"
    )
    stub = "def a():\n    raise NotImplementedError\nx = 1\nraise NotImplementedError"
    assert cleared(source) == stub
    assert cleared("x = 1") == "x = 1"


@pytest.mark.parametrize(
    "source", [BEGIN, END, f"{BEGIN}\n{BEGIN}\n{END}", f"{BEGIN}\n{END}\n{END}"], ids=range(4)
)
def test_a_region_that_is_not_closed_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match="SOLUTION"):
        cleared(source)


def test_the_solved_one_stays_as_it_was() -> None:
    cell = new_code_cell(f"{BEGIN}\n1\n{END}", outputs=[new_output("stream", text="1")])
    solved = new_notebook(cells=[cell])
    before = text_of(solved)
    release(solved)
    assert text_of(solved) == before


def test_a_link_is_one_folder_shorter() -> None:
    cell = new_markdown_cell("[5](../../notebooks/05.ipynb) [s](https://a/)")
    (released,) = release(new_notebook(cells=[cell])).cells
    assert released.source == "[5](../notebooks/05.ipynb) [s](https://a/)"


def test_the_learners_notebook_is_in_step_with_the_solved_one(path: Path) -> None:
    released = release(nbformat.read(path, as_version=4))
    mine = (EXERCISES / path.name).read_text(encoding="utf-8")
    assert mine == text_of(released), "run: python -m labserver.classroom.release exercises"


def test_the_command_writes_all_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "solutions").mkdir()
    for path in SOLVED:
        (tmp_path / "solutions" / path.name).write_bytes(path.read_bytes())
    main([str(tmp_path)])
    written = {one.name: one.read_text() for one in tmp_path.glob("*.ipynb")}
    assert written == {one.name: one.read_text() for one in EXERCISES.glob("*.ipynb")}


def test_every_exercise_stands_in_one_notebook_that_is_its_lessons() -> None:
    found = {grade_id: path for path in SOLVED for grade_id in cells(path) if len(grade_id) == 3}
    assert sorted(found) == ids()
    assert all(path.name[:2] == f"{load(one).lesson:02}" for one, path in found.items())


def test_a_learner_begins_with_the_stub_that_reset_gives_back(path: Path) -> None:
    for grade_id, cell in cells(EXERCISES / path.name).items():
        if len(grade_id) == 3:
            assert cell.source == load(grade_id).stub.rstrip("\n")


def test_below_each_answer_are_its_panel_and_its_points_and_both_are_locked(path: Path) -> None:
    notebook = [cell.id for cell in nbformat.read(path, as_version=4).cells]
    found = cells(path)
    for exercise in (load(one) for one in found if len(one) == 3):
        name = exercise.id.lower()
        answer, panel, points = (found[exercise.id + end] for end in ("", "-check", "-points"))
        assert panel.source == f'lab.exercise("{exercise.id}")'
        assert points.source == f'lab.check("{exercise.id}", {exercise.name}).points'
        assert (answer.metadata.nbgrader.solution, answer.metadata.nbgrader.locked) == (True, False)
        assert panel.metadata.nbgrader.locked
        assert panel.metadata.tags == ["nbval-ignore-output"]
        assert points.metadata.nbgrader.locked
        assert (points.metadata.nbgrader.grade, points.metadata.nbgrader.points) == (
            True,
            exercise.points,
        )
        assert points.metadata.tags == ["nbval-check-output"]
        assert points.outputs[0].data["text/plain"] == str(exercise.points)
        # Notebooks that were handed out earlier are marked by these ids.
        at = notebook.index(name)
        assert notebook[at - 1 : at + 3] == [
            f"{name}-task",
            name,
            f"{name}-check",
            f"{name}-points",
        ]


def test_what_nbgrader_knows_is_whole_and_named_once() -> None:
    every: list[str] = []
    keys = {"grade", "grade_id", "locked", "schema_version", "solution", "task"}
    for path in SOLVED:
        every += cells(path)
        for cell in cells(path).values():
            assert set(cell.metadata.nbgrader) - {"points"} == keys
            assert cell.metadata.nbgrader.schema_version == 3
    assert len(every) == len(set(every))


def test_each_exercise_has_its_heading(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    prose = "".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for exercise in (load(one) for one in cells(path) if len(one) == 3):
        assert f"## {exercise.id} · {exercise.title}" in prose
