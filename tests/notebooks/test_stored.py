"""The committed notebooks hold what they show, and nothing that would hide a failure.

nbval passes a checked cell that was never run, whatever it prints, so that is looked for here.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from labserver.practice.asking.sheet import READABLE
from tests.notebooks.execute import (
    LIMIT_BYTES,
    REPOSITORY,
    WIDGET_VIEW,
    committed_notebooks,
    readable,
)

NOTEBOOKS = committed_notebooks()


@pytest.fixture(params=NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def path(request: pytest.FixtureRequest) -> Path:
    """Each committed notebook."""
    return request.param


@pytest.fixture
def cells(path: Path) -> list[NotebookNode]:
    """Its code cells."""
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def is_checked(cell: NotebookNode) -> bool:
    """Whether nbval compares what the cell shows."""
    tags = cell.metadata.get("tags", [])
    lines = [line.strip().lstrip("# ") for line in cell.source.splitlines() if line.startswith("#")]
    return "nbval-check-output" in tags or "NBVAL_CHECK_OUTPUT" in lines


def test_there_are_notebooks() -> None:
    assert [path.name for path in NOTEBOOKS[:1]] == ["00_start_here.ipynb"]


def test_a_notebook_stays_small(path: Path) -> None:
    assert path.stat().st_size <= LIMIT_BYTES


def test_a_notebook_holds_no_widget_state(path: Path, cells: list[NotebookNode]) -> None:
    assert "widgets" not in nbformat.read(path, as_version=4).metadata
    for cell in cells:
        assert not any(WIDGET_VIEW in output.get("data", {}) for output in cell.outputs)


def test_every_cell_was_run_in_order(cells: list[NotebookNode]) -> None:
    counts = [cell.execution_count for cell in cells if cell.source.strip()]
    assert counts == list(range(1, len(counts) + 1))


def test_a_checked_cell_has_something_to_check(cells: list[NotebookNode]) -> None:
    assert not [cell.source for cell in cells if is_checked(cell) and not cell.outputs]


def test_no_cell_stores_an_error(cells: list[NotebookNode]) -> None:
    for cell in cells:
        if "raises-exception" not in cell.metadata.get("tags", []):
            assert not any(output.output_type == "error" for output in cell.outputs)


def test_no_marker_is_written_where_nbval_does_not_see_it(cells: list[NotebookNode]) -> None:
    for cell in cells:
        for line in cell.source.splitlines():
            if "NBVAL_" in line.upper():
                assert line.startswith("#")
                assert line.lstrip("# ") == line.lstrip("# ").upper()


def test_no_path_of_the_machine_it_ran_on_is_stored(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert str(REPOSITORY) not in text
    assert str(Path.home()) + "/" not in text


def test_of_a_widget_only_a_text_that_is_meant_to_be_read_is_stored() -> None:
    data = {WIDGET_VIEW: {"model_id": "1"}, "text/plain": "It was 67 %."}
    question = nbformat.v4.new_output("execute_result", data, metadata=dict(READABLE))
    window = nbformat.v4.new_output("execute_result", data)
    stored = readable(question)
    assert stored is not None
    assert (stored.data, stored.metadata) == ({"text/plain": "It was 67 %."}, {})
    assert readable(window) is None
