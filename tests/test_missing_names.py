from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

from labserver.missing_names import NOTEBOOK_VARIABLE, Cell, cells_of, note_on

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


Failure = dict[str, Any]


@pytest.fixture(scope="module")
def failure_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, str], Failure]]:
    """Return what a kernel says when a cell of a saved notebook fails in it."""
    path = tmp_path_factory.mktemp("saved") / "n.ipynb"
    cells = [{"cell_type": "code", "id": cell.id, "source": cell.source} for cell in CELLS]
    path.write_text(json.dumps({"cells": cells}))
    manager, client = start_new_kernel(env=os.environ | {NOTEBOOK_VARIABLE: str(path)})

    def fail(code: str, id: str) -> Failure:
        asked = client.session.msg(
            "execute_request",
            {"code": code, "silent": False, "allow_stdin": False},
            metadata={"cellId": id},
        )
        client.shell_channel.send(asked)
        while (told := client.get_iopub_msg(timeout=60))["msg_type"] != "error":
            pass
        content: Failure = told["content"]
        return content

    client.execute("import labserver")
    try:
        yield fail
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_cell_shows_the_note_and_not_its_own_code(
    failure_of: Callable[[str, str], Failure],
) -> None:
    failure = failure_of("server.compare(67, why='the answer')", "d")
    headline, note = failure["traceback"]
    assert headline == "\x1b[31mNameError\x1b[39m: name 'server' is not defined"
    assert note == note_on("server", CELLS, "d")
    assert "answer" not in str(failure)


def test_an_error_without_a_note_is_shown_as_ever(
    failure_of: Callable[[str, str], Failure],
) -> None:
    coloured = "\n".join(failure_of("nowhere + 1", "d")["traceback"])
    shown = re.sub(r"\x1b\[[\d;]*m", "", coloured)
    assert "----> 1 nowhere + 1" in shown
    assert "A cell" not in shown
