"""What counts as a change, and what a learner's edition leaves out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import nbformat
import pytest

from labserver.course.notebook import fingerprint, is_notebook, learners_edition
from tests.course.editions import notebook


def encoded(book: dict[str, Any]) -> bytes:
    return json.dumps(book).encode()


def changed(change: Callable[[dict[str, Any]], object]) -> bool:
    book = notebook("hello")
    before = fingerprint("a.ipynb", encoded(book))
    change(book)
    return fingerprint("a.ipynb", encoded(book)) != before


def executed() -> dict[str, Any]:
    book = notebook("hello", outputs=[{"output_type": "stream", "name": "stdout", "text": "2.77"}])
    code = book["cells"][1]
    code["execution_count"] = 41
    code["metadata"] = {
        "collapsed": True,
        "execution": {"iopub.execute_input": "2026"},
        "nbgrader": {"grade_id": "E01"},
        "jupyter": {"source_hidden": True},
        "tags": ["nbval-check-output", "hard"],
    }
    book["metadata"]["widgets"] = {"state": {"2.77": 1}}
    book["metadata"]["language_info"]["version"] = "3.11.7"
    return book


def test_a_learners_edition_has_nothing_of_a_run() -> None:
    edition = learners_edition(encoded(executed()))
    book = json.loads(edition)
    text, code = book["cells"]
    assert text["source"] == ["# hello"]
    assert (code["outputs"], code["execution_count"]) == ([], None)
    assert code["metadata"] == {
        "nbgrader": {"grade_id": "E01"},
        "jupyter": {"source_hidden": True},
        "tags": ["hard"],
    }
    assert book["metadata"]["language_info"] == {"name": "python"}
    assert b"2.77" not in edition
    nbformat.validate(nbformat.reads(edition.decode(), as_version=4))


def test_a_learners_edition_is_written_as_nbformat_writes_it() -> None:
    edition = learners_edition(encoded(executed())).decode()
    assert edition == nbformat.writes(nbformat.reads(edition, as_version=4)) + "\n"


def saved_by_jupyterlab(book: dict[str, Any]) -> None:
    book["metadata"]["language_info"] = {"name": "python", "version": "3.13.1"}
    book["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    text, code = book["cells"]
    text["source"], code["source"] = "".join(text["source"]), "".join(code["source"])
    code["metadata"] = {
        "tags": [],
        "editable": True,
        "slideshow": {"slide_type": ""},
        "jupyter": {"source_hidden": False},
        "execution": {"iopub.execute_input": "2026"},
        "scrolled": True,
        "trusted": True,
    }


def test_opening_and_saving_it_is_no_change() -> None:
    assert not changed(saved_by_jupyterlab)


def test_running_a_cell_that_shows_nothing_is_no_change() -> None:
    assert not changed(lambda book: book["cells"][1].update(execution_count=3))


@pytest.mark.parametrize(
    "change",
    [
        lambda book: book["cells"][1]["source"].append(" "),
        lambda book: book["cells"][1].update(outputs=[{"output_type": "display_data"}]),
        lambda book: book["cells"][0].update(cell_type="raw"),
        lambda book: book["cells"][0].update(attachments={"a.png": {"image/png": "…"}}),
        lambda book: book["cells"][0]["metadata"].update(tags=["remember"]),
        lambda book: book["cells"].reverse(),
        lambda book: book["cells"].pop(),
        lambda book: book.update(cells=None),
    ],
)
def test_what_a_learner_adds_or_takes_away_is_a_change(
    change: Callable[[dict[str, Any]], object],
) -> None:
    assert changed(change)


BROKEN = [b"", b"{", b"[]", b'{"cells": 1}', b'{"cells": [{}]}', b"\xff\xfe\xfd", b"[" * 100_000]


@pytest.mark.parametrize("content", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_notebook_has_a_fingerprint_of_its_own(content: bytes) -> None:
    assert not is_notebook(content)
    others = [fingerprint("a.ipynb", one) for one in BROKEN if one != content]
    assert fingerprint("a.ipynb", content) not in others


def test_of_another_file_every_byte_counts() -> None:
    assert fingerprint("a.trace", b'{"cells": []}') != fingerprint("a.trace", b'{"cells":[]}')
    assert is_notebook(encoded(notebook("hello")))
