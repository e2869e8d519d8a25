"""The learners' notebooks are those of the solved ones, and each asks for what it should."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from labserver.classroom.release import BEGIN, END, cleared, main, release, text_of
from labserver.practice.checking.exercise import ids, load
from labserver.practice.checking.judge import judge

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


def test_each_exercise_has_its_check_and_its_points_locked(path: Path) -> None:
    found = cells(path)
    for exercise in (load(one) for one in found if len(one) == 3):
        name = exercise.id.lower()
        answer, check, points = (found[exercise.id + end] for end in ("", "-check", "-points"))
        assert check.source == f'{name} = lab.check("{exercise.id}", {exercise.name})\n{name}'
        assert points.source == f"{name}.points"
        assert (answer.metadata.nbgrader.solution, answer.metadata.nbgrader.locked) == (True, False)
        assert check.metadata.nbgrader.locked
        assert points.metadata.nbgrader.locked
        assert (points.metadata.nbgrader.grade, points.metadata.nbgrader.points) == (
            True,
            exercise.points,
        )
        assert points.outputs[0].data["text/plain"] == str(exercise.points)
        assert [one.id for one in (answer, check, points)] == [
            name,
            f"{name}-check",
            f"{name}-points",
        ]


def test_each_check_of_a_solved_notebook_shows_what_it_says_of_the_solution_now(path: Path) -> None:
    found = cells(path)
    for exercise in (load(one) for one in found if len(one) == 3):
        (stored,) = found[f"{exercise.id}-check"].outputs
        passed = judge(exercise, exercise.reference)
        now = {"text/plain": repr(passed), "text/html": passed._repr_html_()}
        assert stored.data == now, f"{path.name} is stale: run make notebooks, and commit it"


def test_what_nbgrader_knows_is_whole_and_named_once() -> None:
    every: list[str] = []
    keys = {"grade", "grade_id", "locked", "schema_version", "solution", "task"}
    for path in SOLVED:
        every += cells(path)
        for cell in cells(path).values():
            assert set(cell.metadata.nbgrader) - {"points"} == keys
            assert cell.metadata.nbgrader.schema_version == 3
    assert len(every) == len(set(every))


def test_each_exercise_says_what_an_interviewer_asks_next(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    prose = "".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    asked = [one for one in cells(path) if len(one) == 3]
    assert prose.count("An interviewer asks next") == len(asked)
    for exercise in map(load, asked):
        assert f"## {exercise.id} · {exercise.title}" in prose
        for question in exercise.questions:
            assert f"Q{question}" in prose
