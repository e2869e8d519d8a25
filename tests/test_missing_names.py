from __future__ import annotations

import json
from pathlib import Path

import pytest

from labserver.missing_names import Cell, cells_of, note_on

CELLS = [
    Cell("a", "import labserver as lab"),
    Cell("b", 'server = lab.start("sse")\nserver'),
    Cell("c", "%time\nwith open(server) as file, other as (one, two):\n    pass"),
    Cell("d", "def listen(): return inner\nclass Pane: pass\nfor number in range(3): pass"),
    Cell("e", "this is no code"),
    Cell("f", "server = None"),
]


def test_the_nearest_cell_above_that_defines_the_name_is_named() -> None:
    note = note_on("server", CELLS, "d")
    assert "A cell above this one defines 'server'" in note
    assert 'server = lab.start("sse")' in note
    assert "Run All Above Selected Cell" in note


@pytest.mark.parametrize("name", ["lab", "file", "one", "two", "listen", "Pane", "number"])
def test_every_way_to_define_a_name_counts(name: str) -> None:
    assert note_on(name, CELLS, "f").startswith(f"A cell above this one defines {name!r}")


@pytest.mark.parametrize("name", ["inner", "other", "range", "nowhere"])
def test_a_name_that_is_only_used_has_no_note(name: str) -> None:
    assert note_on(name, CELLS, "f") == ""


def test_what_only_a_cell_further_down_defines_is_said_so() -> None:
    assert note_on("listen", CELLS, "b").startswith("A cell further down defines 'listen'")


def test_the_cell_itself_does_not_count() -> None:
    assert note_on("lab", CELLS, "a") == ""


def test_a_cell_that_is_not_saved_yet_comes_after_all_others() -> None:
    assert "server = None" in note_on("server", CELLS, "new")


def test_a_notebook_that_cannot_be_read_has_no_cells(tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    assert cells_of(path) == []
    for text in ("", "[]", "{}", '{"cells": [{}]}'):
        path.write_text(text)
        assert cells_of(path) == []


def test_only_cells_with_code_count(tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    cells = [
        {"cell_type": "markdown", "id": "m", "source": ["x = 1"]},
        {"cell_type": "code", "id": "k", "source": ["x = 1\n", "x"]},
    ]
    path.write_text(json.dumps({"cells": cells}))
    assert cells_of(path) == [Cell("k", "x = 1\nx")]
