from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from labserver.errors import LabError
from labserver.practice.definition import (
    defined,
    defines,
    is_current,
    refuse_outdated,
    shell,
    source_of,
)
from tests.practice.notebook_cells import Cells

CELL = """import os
class FrameDecoder:
    limit = 3
    @staticmethod
    def feed(data):
        return []
def mask(payload): return payload
"""
MASK = "def mask(payload):\n    return payload"


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch) -> Cells:
    return Cells(monkeypatch)


def written(path: Path, source: str) -> dict[str, Any]:
    """What a file defines."""
    path.write_text(source)
    names: dict[str, Any] = {"__name__": path.stem}
    exec(compile(source, path, "exec"), names)
    return names


@pytest.mark.parametrize("name", ["FrameDecoder", "mask"])
def test_the_whole_cell_is_the_source(tmp_path: Path, name: str) -> None:
    assert source_of(written(tmp_path / "cell.py", CELL)[name]) == CELL


@pytest.mark.parametrize("code", [print, int, None, 3, "text"])
def test_what_no_cell_defined_has_no_source(code: object) -> None:
    assert source_of(code) == ""


@pytest.mark.parametrize("wraps", [True, False])
def test_a_decorated_functions_source_is_its_own_cell(
    cells: Cells, tmp_path: Path, wraps: bool
) -> None:
    library = """
    import functools
    def decorated(function):
        %s
        def inner(*given):
            return function(*given)
        return inner
    """
    source = textwrap.dedent(library) % ("@functools.wraps(function)" if wraps else "")
    cells.shell.user_ns["decorated"] = written(tmp_path / "library.py", source)["decorated"]
    cells.run(f"@decorated\n{MASK}")
    assert source_of(cells["mask"]).rstrip() == f"@decorated\n{MASK}"
    assert defined("mask") is cells["mask"]
    cells.run(f"broken(\n@decorated\n{MASK}")
    with pytest.raises(LabError, match="SyntaxError"):
        defined("mask")


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (
            f"{MASK} +",
            r"did not run \(SyntaxError in line 2: invalid syntax\), so nothing was judged",
        ),
        (f"{MASK}\n  x = 1", "IndentationError in line 3"),
        ("def mask(payload:\n    pass", "SyntaxError"),
        ("deff mask(payload):\n    pass", "SyntaxError"),
        (f"1 / 0\n{MASK}", r"stopped \(ZeroDivisionError\) before it defined"),
        (f"@no_such_decorator\n{MASK}", r"stopped \(NameError\)"),
        (f"if 1 / 0:\n    pass\nelse:\n    {MASK.splitlines()[0]} pass", "ZeroDivisionError"),
    ],
)
def test_what_an_earlier_run_had_defined_is_refused(cells: Cells, broken: str, why: str) -> None:
    cells.run(MASK)
    cells.run(broken)
    cells.run("1 + 1")
    with pytest.raises(LabError, match=why):
        refuse_outdated(cells["mask"], "mask")
    with pytest.raises(LabError, match=why):
        defined("mask")
    cells.run(MASK)
    refuse_outdated(cells["mask"], "mask")


def test_a_class_is_refused_in_the_same_way(cells: Cells) -> None:
    cells.run("class Gate:\n    def feed(self, data):\n        return data")
    cells.run("class Gate:\n    def feed(self, data)\n        return data")
    with pytest.raises(LabError, match=r"The cell of Gate did not run \(SyntaxError"):
        refuse_outdated(cells["Gate"], "Gate")


def test_an_outdated_function_that_the_answer_calls_is_named(cells: Cells) -> None:
    cells.run("def turned(key):\n    return key")
    cells.run("class Gate:\n    def feed(self, data):\n        return [turned(k) for k in data]")
    refuse_outdated(cells["Gate"], "Gate")
    cells.run("def turned(key):\n    return key[")
    with pytest.raises(LabError, match="The cell of turned did not run"):
        refuse_outdated(cells["Gate"], "Gate")


@pytest.mark.parametrize(
    "later",
    [
        [MASK],  # the same cell again
        ["def mask(payload):\n    return b''"],  # another cell
        [f"{MASK}\nmask(1)(2)"],  # a line below it fails
        ["mask = lambda payload: payload", "mask(1)(2)"],
        ["mask_v2 = mask\nmask = mask_v2\n1 / 0"],
        ["from base64 import b64encode as mask\n1 / 0"],
        ["import functools\nmask = functools.cache(mask)"],
        ["print mask(1)", "check('E10', mask", "mask(", "# mask"],  # slips elsewhere
        [f"def outer():\n    {MASK.splitlines()[0]} pass\n    1 / 0\nouter()"],
        ["%no_such_magic mask"],
        ["%%timeit -n1 -r1\nmask(1)"],
        ["!true\n" + MASK],
    ],
    ids=range(12),
)
def test_there_is_no_false_alarm(cells: Cells, later: list[str]) -> None:
    cells.run(MASK)
    for source in later:
        cells.run(source)
    assert defined("mask") is cells["mask"]


def test_what_has_another_name_or_none_is_judged_by_itself(cells: Cells, tmp_path: Path) -> None:
    cells.run("def mine(payload):\n    return payload")
    cells.run("def mask(")
    refuse_outdated(cells["mine"], "mask")
    refuse_outdated(written(tmp_path / "own.py", MASK)["mask"], "mask")
    refuse_outdated(lambda payload: payload, "mask")


def test_what_was_never_defined_is_said(cells: Cells) -> None:
    with pytest.raises(LabError, match="mask is not defined yet: run the cell with your answer"):
        defined("mask")
    cells.run("def mask(")
    with pytest.raises(LabError, match=r"The cell of mask did not run \(SyntaxError"):
        defined("mask")


def test_outside_a_notebook_everything_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shell() is None
    refuse_outdated(print, "mask")
    with pytest.raises(LabError, match="not defined yet"):
        defined("mask")


def test_a_cell_that_ran_as_it_stands_need_not_run_again(cells: Cells) -> None:
    assert not is_current("mask", MASK)
    cells.run(f"{MASK}\n")
    assert is_current("mask", MASK)
    assert is_current("mask", f"{MASK}\n\n")
    assert not is_current("mask", MASK.replace("payload", "data"))
    cells.run("def mask(")
    assert not is_current("mask", "def mask(")
    assert not is_current("mask", MASK)
    cells.run(f"{MASK}\n1 / 0")
    assert is_current("mask", f"{MASK}\n1 / 0")


def test_a_cell_says_what_it_defines() -> None:
    assert defines(MASK, "mask")
    assert defines("def mask(", "mask")
    assert not defines("def mask2(payload): pass", "mask")
    assert not defines("mask(1)", "mask")
