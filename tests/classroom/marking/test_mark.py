"""Passing, failing, hanging and cheating notebooks, and what each of them earns."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labserver.classroom.marking.mark import MarkedNotebook, is_untouched, mark, titles
from labserver.classroom.marking.references import Reference
from labserver.practice.checking.judge import Outcome
from labserver.practice.progress.store import exercises
from labserver.runtime.state import FOLDER_VARIABLE
from tests.classroom.marking.books import EXERCISES, Notebook, code, notebook, put

Write = Callable[..., Path]

SOLVED = {c["id"]: c["source"] for c in notebook("05_frames", solved=True)["cells"]}
WRONG_MASK = "def mask(payload, key, offset=0):\n    return payload\n"


def outcomes(marked: MarkedNotebook) -> dict[str, str]:
    return {one.exercise: one.outcome.value for one in marked.marks}


@pytest.mark.parametrize(
    "path", sorted((EXERCISES / "solutions").glob("*.ipynb")), ids=lambda path: path.stem
)
def test_the_solved_notebook_has_all_marks(path: Path, references: list[Reference]) -> None:
    marked = mark(path, references)
    assert [one.text for one in marked.marks if one.outcome is not Outcome.PASS] == []
    assert marked.passed
    assert marked.points == marked.most > 0


@pytest.mark.parametrize("path", sorted(EXERCISES.glob("*.ipynb")), ids=lambda path: path.stem)
def test_the_notebook_as_handed_out_is_not_attempted(
    path: Path, references: list[Reference]
) -> None:
    marked = mark(path, references)
    assert {one.outcome for one in marked.marks} == {Outcome.NOT_ATTEMPTED}
    assert marked.points == 0


def test_half_the_answers_have_half_the_marks(write: Write, references: list[Reference]) -> None:
    """Two of E11 to E15 build on E10, which this learner has not done."""
    book = notebook("05_frames")
    for cell_id in ("e11", "e12", "e14"):
        put(book, cell_id, "".join(SOLVED[cell_id]))
    marked = mark(write(book), references)
    done = {"E11", "E12", "E14"}
    assert {e for e, outcome in outcomes(marked).items() if outcome == "pass"} == done
    assert {o for e, o in outcomes(marked).items() if e not in done} == {"not attempted"}


def test_a_wrong_answer_is_told_what_is_wrong_and_takes_nothing_from_others(
    write: Write, references: list[Reference]
) -> None:
    book = notebook("05_frames", solved=True)
    put(book, "e10", WRONG_MASK)
    marked = mark(write(book), references)
    assert [e for e, outcome in outcomes(marked).items() if outcome == "wrong"] == ["E10"]
    told = marked.marks[0].text
    assert told.startswith("✗ E10 mask: ")
    assert "rule" in told
    assert "expected" in told


def test_an_exception_is_told_with_the_learners_line(
    write: Write, references: list[Reference]
) -> None:
    book = notebook("05_frames")
    put(book, "e10", "def mask(payload, key, offset=0):\n    return payload[999]\n")
    told = mark(write(book), references).marks[0].text
    assert "raises IndexError" in told
    assert "in mask, line 2: return payload[999]" in told


def test_a_helper_in_a_cell_of_ones_own_may_be_used(
    write: Write, references: list[Reference]
) -> None:
    book = notebook("05_frames")
    put(book, "e10", "def mask(payload, key, offset=0):\n    return xored(payload, key, offset)\n")
    helper = "".join(SOLVED["e10"]).replace("def mask", "def xored")
    book["cells"].append(code("mine", helper))
    assert outcomes(mark(write(book), references))["E10"] == "pass"


def test_a_helper_in_another_answer_may_be_used(write: Write, references: list[Reference]) -> None:
    book = notebook("05_frames")
    put(book, "e11", "".join(SOLVED["e11"]).replace("mask(payload", "veil(payload"))
    put(book, "e10", "".join(SOLVED["e10"]) + "\n\nveil = mask\n")
    found = outcomes(mark(write(book), references))
    assert (found["E10"], found["E11"]) == ("pass", "pass")


def test_ones_own_cells_may_fail_and_loop(
    write: Write, references: list[Reference], quick: None
) -> None:
    book = notebook("05_frames")
    put(book, "e10", "".join(SOLVED["e10"]))
    for number, source in enumerate(["1/0", "def (", "raise SystemExit", "while True: pass"]):
        book["cells"].insert(1, code(f"mine{number}", source))
    assert outcomes(mark(write(book), references))["E10"] == "pass"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop without end is given up sooner."""
    monkeypatch.setattr("labserver.practice.checking.sandbox.LOAD_MAX_S", 1.5)
    monkeypatch.setattr("labserver.practice.checking.sandbox.CASE_MAX_S", 1.5)


HOSTILE = {
    "a loop without end": "def mask(payload, key, offset=0):\n    while True: pass",
    "a loop on the way": "while True: pass",
    "sleep": "import time\ndef mask(*_):\n    time.sleep(1000)",
    "memory": "def mask(*_):\n    return b'x' * 10**12",
    "memory on the way": "big = [0] * 10**11",
    "memory, bit by bit": "def mask(*_):\n    held = []\n    while True: held.append('x' * 10**7)",
    "recursion": "def mask(*_):\n    return mask(*_)",
    "exit": "raise SystemExit(0)",
    "a hard exit": "import os\nos._exit(0)",
    "a hard exit when called": "import os\ndef mask(*_):\n    os._exit(0)",
    "a signal": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "no output": "import sys, os\nos.close(1)\nsys.stdout = None\ndef mask(*_):\n    return b''",
    "a flood": "def mask(*_):\n    while True: print('✓ E10 mask: passes all cases.')",
    "the expected line": "print('✓ E10 mask: passes all 52 cases.')",
    "nothing": "",
    "another name": "def masc(payload, key, offset=0):\n    return payload",
    "the check": "import labserver as lab\nlab.check = lambda *_: lab\nlab.points = 2\n"
    + WRONG_MASK,
    "the judge": "from labserver.practice import checks\nchecks.judge = lambda *_: True\n"
    "checks.same = lambda *_: True\n" + WRONG_MASK,
    "the child's own": "import labserver.practice.checking.sandbox_child as child\n"
    "child._play = lambda *_: {}\nchild.encode = lambda *_: 1\n" + WRONG_MASK,
    "equal to all": "class Yes(bytes):\n    def __eq__(self, other): return True\n"
    "    __hash__ = bytes.__hash__\ndef mask(*_):\n    return Yes()",
    "the solution": "from labserver.exercises.e10_mask.exercise import mask",
    "the solution, later": "def mask(*given):\n"
    "    from labserver.exercises.e10_mask.exercise import mask\n    return mask(*given)",
    "assert": "import builtins\nbuiltins.AssertionError = Exception\n" + WRONG_MASK,
}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=list(HOSTILE))
def test_who_cheats_or_harms_gains_nothing_and_harms_nothing(
    source: str, write: Write, references: list[Reference], quick: None
) -> None:
    book = notebook("05_frames")
    put(book, "e10", source)
    put(book, "e14", "".join(SOLVED["e14"]))
    marked = mark(write(book), references)
    assert outcomes(marked)["E10"] == "wrong"
    assert outcomes(marked)["E14"] == "pass", "what others have done counts all the same"
    assert marked.marks[0].text.startswith("✗ E10 mask: ")


def _all_checks_gone(book: Notebook) -> None:
    book["cells"] = [cell for cell in book["cells"] if "check" not in cell["id"]]


def _all_checks_lie(book: Notebook) -> None:
    for cell in book["cells"]:
        if cell["cell_type"] == "code" and cell["id"].endswith(("-check", "-points")):
            cell["source"] = "from types import SimpleNamespace as S\ne10 = S(points=99)\ne10"


def _outputs_lie(book: Notebook) -> None:
    told = {"output_type": "stream", "name": "stdout", "text": "✓ E10 mask: passes all 52 cases."}
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [told]


def _points_lie(book: Notebook) -> None:
    for cell in book["cells"]:
        if marks := cell["metadata"].get("nbgrader"):
            marks.update(points=99, solution=True, grade=True)


def _same_id_twice(book: Notebook) -> None:
    for cell in [*book["cells"]]:
        if cell["id"] == "e10":
            book["cells"].append({**cell, "source": "print('✓')"})


@pytest.mark.parametrize(
    "change", [_all_checks_gone, _all_checks_lie, _outputs_lie, _points_lie, _same_id_twice]
)
def test_what_the_notebook_says_of_itself_does_not_count(
    change: Callable[[Notebook], Any], write: Write, references: list[Reference]
) -> None:
    book = notebook("05_frames")
    put(book, "e10", WRONG_MASK)
    put(book, "e14", "".join(SOLVED["e14"]))
    change(book)
    marked = mark(write(book), references)
    assert outcomes(marked)["E10"] == "wrong"
    assert outcomes(marked)["E14"] == "pass"
    points = {one.exercise: one.most for one in marked.marks}
    assert marked.points == points["E14"]
    assert marked.most == 21


def test_an_answer_that_was_deleted_is_not_attempted(
    write: Write, references: list[Reference]
) -> None:
    book = notebook("05_frames", solved=True)
    book["cells"] = [cell for cell in book["cells"] if cell["id"] != "e12"]
    marked = mark(write(book), references)
    assert outcomes(marked)["E12"] == "not attempted"
    assert "its cell is not in the notebook" in marked.marks[2].text
    assert marked.points == marked.most - marked.marks[2].most


def test_an_answer_in_another_cell_is_told_where_it_belongs(
    write: Write, references: list[Reference]
) -> None:
    book = notebook("05_frames")
    book["cells"].append(code("mine", "".join(SOLVED["e10"])))
    first, second, *_ = mark(write(book), references).marks
    assert (first.outcome, second.outcome) == (Outcome.NOT_ATTEMPTED, Outcome.NOT_ATTEMPTED)
    assert "what another cell defines does not count" in first.text
    assert second.text.splitlines()[0] == "· E11 encode_frame: not attempted yet."


def test_a_second_attempt_in_the_cell_that_reset_gave_counts(
    write: Write, references: list[Reference]
) -> None:
    book = notebook("05_frames")
    put(book, "e10", WRONG_MASK)
    at = next(n for n, cell in enumerate(book["cells"]) if cell["id"] == "e10-points")
    book["cells"].insert(at, code("mine", "".join(SOLVED["e10"])))
    assert outcomes(mark(write(book), references))["E10"] == "pass"


def test_notebooks_of_one_name_are_told_apart_by_their_paths() -> None:
    paths = [Path("a/05.ipynb"), Path("b/05.ipynb"), Path("a/04.ipynb")]
    told = titles([MarkedNotebook(path) for path in paths])
    assert told == [str(paths[0]), str(paths[1]), "04.ipynb"]


def test_a_stub_with_more_room_is_still_the_stub(write: Write, references: list[Reference]) -> None:
    book = notebook("05_frames")
    (cell,) = (cell for cell in book["cells"] if cell["id"] == "e10")
    put(book, "e10", "\n".join(f"{line}  " for line in "".join(cell["source"]).split("\n")) + "\n")
    assert outcomes(mark(write(book), references))["E10"] == "not attempted"


def test_a_notebook_of_another_name_is_known_by_its_cells(
    write: Write, references: list[Reference]
) -> None:
    path = write(notebook("05_frames"), "homework (1).ipynb")
    assert mark(path, references).notebook == "05_frames"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "its JSON is broken"),
        ('{"cells": []}', "has no answers to any of 01_first_chat_and_short_polling"),
    ],
)
def test_what_cannot_be_marked_has_a_reason(
    text: str, told: str, write: Write, references: list[Reference]
) -> None:
    marked = mark(write(text), references)
    assert told in marked.problem
    assert (marked.points, marked.passed) == (0, False)


def test_when_the_time_is_over_the_rest_is_not_judged(
    write: Write, references: list[Reference]
) -> None:
    marked = mark(write(notebook("05_frames", solved=True)), references, time_limit_s=-1)
    assert {one.text.splitlines()[0].partition(": ")[2] for one in marked.marks} == {
        "not judged: the time was up."
    }
    assert marked.points == 0


def test_a_check_in_a_cell_of_ones_own_changes_nobodys_progress(
    write: Write, references: list[Reference], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "teacher"))
    book = notebook("05_frames")
    put(book, "e10", "".join(SOLVED["e10"]))
    checks = 'import labserver as lab\nprint(lab.check("E10", mask))'
    book["cells"].append(code("mine", checks))
    assert outcomes(mark(write(book), references))["E10"] == "pass"
    assert os.environ[FOLDER_VARIABLE] == str(tmp_path / "teacher")
    assert exercises() == {}


@pytest.mark.parametrize(
    ("source", "untouched"),
    [
        (
            'def f(x):\n    """As it said last year."""\n    raise NotImplementedError  #',
            True,
        ),
        ("def f(x):\n    raise NotImplementedError", True),
        ('def f(x):\n    """Stub."""\n    return x', False),
        ("def f(x):\n    raise NotImplementedError\nf = abs", False),
        ("def f(", False),
        ("\0", False),
    ],
)
def test_a_stub_is_known_by_its_code_alone(source: str, untouched: bool) -> None:
    stub = 'def f(x):\n    """Stub."""\n    raise NotImplementedError\n'
    assert is_untouched(source, stub) is untouched
