"""Learners' notebooks for tests of marking: those that are handed out, with answers put in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

EXERCISES = Path(__file__).parents[3] / "exercises"

Notebook = dict[str, Any]


def notebook(name: str, *, solved: bool = False) -> Notebook:
    """A learner's notebook as it is handed out, or the solved one."""
    folder = EXERCISES / "solutions" if solved else EXERCISES
    found: Notebook = json.loads((folder / f"{name}.ipynb").read_text(encoding="utf-8"))
    return found


def put(book: Notebook, cell_id: str, source: str) -> None:
    """Write into a cell."""
    (cell,) = (cell for cell in book["cells"] if cell["id"] == cell_id)
    cell["source"] = source


def code(cell_id: str, source: str) -> dict[str, Any]:
    """A cell of the learner's own."""
    return {
        "cell_type": "code",
        "id": cell_id,
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }
