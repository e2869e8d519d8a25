"""Make the learners' notebooks of solved ones.

    python -m labserver.classroom.release exercises

exercises/solutions/NN_name.ipynb is the source. In exercises/NN_name.ipynb a stub replaces each
solution region, outputs are removed, and links are one folder shorter; everything else is the
same. The metadata is nbgrader's (schema 3), which makes the same cells from the same source.
"""

from __future__ import annotations

import argparse
import copy
import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from labserver.course.notebook import clear_outputs

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = "raise NotImplementedError"


def cleared(source: str) -> str:
    """Replace each solution region of a cell's source by a stub, indented like its first line.

    Raises:
        ValueError: if a region does not end, or ends without having begun.
    """
    kept: list[str] = []
    within = False
    for line in source.splitlines():
        marker = line.strip()
        if marker in (BEGIN, END):
            if within is (marker == BEGIN):
                raise ValueError(f"{marker!r} where it does not belong")
            if marker == BEGIN:
                kept.append(line.replace(BEGIN, STUB))
            within = not within
        elif not within:
            kept.append(line)
    if within:
        raise ValueError(f"no {END!r}")
    return "\n".join(kept)


def release(solved: NotebookNode) -> NotebookNode:
    """Make the learners' notebook from a solved one.

    Raises:
        ValueError: if the markers of its solution regions do not match.
    """
    notebook = copy.deepcopy(solved)
    clear_outputs(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = cleared(cell.source)
        else:
            cell.source = re.sub(r"\]\(\.\./\.\./", "](../", cell.source)
    return notebook


def text_of(notebook: NotebookNode) -> str:
    """Return a notebook's text as it is written to a file."""
    return str(nbformat.writes(notebook)) + "\n"


def main(arguments: list[str] | None = None) -> None:
    """Write the learners' notebooks of all the solved ones in a folder."""
    parser = argparse.ArgumentParser(description="Make the learners' notebooks of solved ones.")
    parser.add_argument("folder", type=Path, help="the folder that holds solutions/*.ipynb")
    folder = parser.parse_args(arguments).folder
    for path in sorted((folder / "solutions").glob("*.ipynb")):
        notebook = release(nbformat.read(path, as_version=4))
        (folder / path.name).write_text(text_of(notebook), encoding="utf-8")


if __name__ == "__main__":
    main()
