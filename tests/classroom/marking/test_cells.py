"""Cells are executed where they are unpickled; here that is this process, in a copy of it."""

from __future__ import annotations

import linecache
import pickle
import subprocess
import sys

import pytest

from labserver.classroom.marking.cells import DeferredCells, run


def test_what_the_answer_defines_comes_out() -> None:
    sources = (("<E1>", "def double(x): return 2 * x"),)
    assert outcome(sources, "double") == "<function double"


def test_a_cell_may_use_what_another_defines() -> None:
    sources = (("<cell>", "base = 3"), ("<E1>", "f = base + 1"))
    assert outcome(sources, "f") == "4"


def test_what_others_raise_is_passed_over() -> None:
    sources = (("<a>", "raise SystemExit"), ("<b>", "1/0"), ("<c>", "def ("), ("<E1>", "f = 1"))
    assert outcome(sources, "f") == "1"


def test_what_the_answer_raises_comes_out_unless_it_is_defined() -> None:
    assert outcome((("<E1>", "f = 1\nassert f == 2"),), "f") == "1"
    assert outcome((("<E1>", "f == 2"),), "f").startswith("NameError: name 'f' is not defined")
    assert outcome((("<E1>", "def f(:"),), "f").startswith("SyntaxError")


def test_an_answer_that_defines_something_else_is_told_so() -> None:
    assert outcome((("<E1>", "g = 1"),), "f") == "NameError: the cell does not define f"


def test_magics_and_awaits_are_no_errors() -> None:
    source = "%timeit 1\n!ls\nimport asyncio\nawait asyncio.sleep(0)\nf = 1"
    assert outcome((("<E1>", source),), "f") == "1"


@pytest.mark.parametrize(
    "source",
    [
        "from labserver.exercises.e10_mask.exercise import mask",
        "from labserver.exercises import e10_mask; mask = e10_mask.mask",
        "from labserver.practice import exercises; mask = exercises.e10_mask.mask",
        "from labserver.practice.checking.exercise import load; mask = load('E10').reference",
        "import sys; mask = sys.modules['labserver.exercises.e10_mask.exercise'].mask",
        "import sys; M = sys.modules['labserver.exercises.e10_mask.play'];"
        " import importlib; mask = importlib.reload(M).mask",
        "from labserver.exercises.e10_mask.answers import right as mask",
        "import labserver.learner_server.parts",
        "from labserver.exercises.e11_encode_frame.exercise import mask",
    ],
)
def test_an_answer_does_not_import_the_solution(source: str) -> None:
    told = outcome((("<E10>", source),), "mask", first="labserver.exercises.e10_mask.play")
    assert told.partition(":")[0] in (
        "ImportError",
        "AttributeError",
        "ModuleNotFoundError",
        "KeyError",
    )


def test_a_line_of_the_answer_can_be_shown() -> None:
    DeferredCells((("<E99>", "first\nsecond\n"),), "<E99>", "f")
    linecache.checkcache()
    assert linecache.getline("<E99>", 2) == "second\n"


def test_unpickling_is_running() -> None:
    packed = pickle.dumps(DeferredCells((("<E1>", "f = 1"),), "<E1>", "f"))
    assert b"f = 1" in packed
    assert DeferredCells((), "", "").__reduce__()[0] is run


def outcome(sources: tuple[tuple[str, str], ...], wanted: str, first: str = "json") -> str:
    """What comes out in a process of its own, as its text: nothing may change this one."""
    program = (
        f"import {first}, labserver.classroom.marking.cells as cells\n"
        "try:\n"
        f"    came = cells.run({sources!r}, {sources[-1][0]!r}, {wanted!r})\n"
        "    print(repr(came).partition(' at ')[0])\n"
        "except BaseException as error:\n"
        "    print(f'{type(error).__name__}: {error}')\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.strip()
