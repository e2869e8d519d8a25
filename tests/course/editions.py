"""Small courses in several editions, and what learners do to their copies of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ZERO, THREE = "notebooks/00_start_here.ipynb", "notebooks/03_streams.ipynb"
EXERCISE, SOLUTION = "exercises/03_streams.ipynb", "exercises/solutions/03_streams.ipynb"
TRACE = "notebooks/traces/03_streams.trace"
FIRST = {
    ZERO: "zero, edition 1",
    THREE: "three, edition 1",
    EXERCISE: "exercise, edition 1",
    SOLUTION: "solution, edition 1",
    TRACE: "trace, edition 1",
}
SECOND = {path: text.replace("1", "2") for path, text in FIRST.items()}


def notebook(source: str, *, outputs: list[Any] | None = None) -> dict[str, Any]:
    """A notebook with a text and a code cell that hold `source`."""
    text = {"cell_type": "markdown", "id": "text", "metadata": {}, "source": [f"# {source}"]}
    code = {
        "cell_type": "code",
        "execution_count": None,
        "id": "code",
        "metadata": {},
        "outputs": outputs or [],
        "source": [f"print({source!r})\n", "1 + 1"],
    }
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return {"cells": [text, code], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def write(path: Path, content: object) -> None:
    """Write a file as JupyterLab would, its folder included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def edition(root: Path, files: Mapping[str, str]) -> Path:
    """Make a course of these files, by what their cells or lines say, executed once."""
    for path, text in files.items():
        if path.endswith(".ipynb"):
            outputs = [{"output_type": "stream", "name": "stdout", "text": [f"{text}, run\n"]}]
            book = notebook(text, outputs=outputs)
            book["cells"][1]["execution_count"] = 17
            book["cells"][1]["metadata"] = {"tags": ["nbval-check-output"]}
            write(root / path, book)
        else:
            write(root / path, text)
    return root


def change(path: Path, text: str) -> None:
    """Add a cell to a learner's notebook, or a line to another file."""
    if path.suffix != ".ipynb":
        path.write_text(f"{path.read_text(encoding='utf-8')}\n{text}", encoding="utf-8")
        return
    book = json.loads(path.read_text(encoding="utf-8"))
    cell = {"cell_type": "markdown", "id": "mine", "metadata": {}, "source": [text]}
    book["cells"].append(cell)
    write(path, book)


def run(path: Path, shown: str) -> None:
    """Leave an output in a learner's notebook."""
    book = json.loads(path.read_text(encoding="utf-8"))
    cell = book["cells"][1]
    cell["execution_count"] = 1
    cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": [shown]}]
    write(path, book)


def texts(folder: Path) -> dict[str, str]:
    """All visible files of a folder, by their paths."""
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }
