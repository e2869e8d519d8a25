"""Make the learners' notebooks from the solved ones.

    python -m labserver.classroom.release exercises

exercises/solutions/NN_name.ipynb is the one source. In exercises/NN_name.ipynb a stub stands for
each solution region, outputs are gone, and links are one folder shorter; all else is the same.
The metadata is nbgrader's (schema 3), which makes the same cells of the same source.
"""

from __future__ import annotations

import argparse
import copy
import json
import re
from pathlib import Path
from typing import Any

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = "raise NotImplementedError"

Notebook = dict[str, Any]


def cleared(source: str) -> str:
    """A cell's source with a stub for each solution region, indented as its first line.

    Raises:
        ValueError: if a region does not end, or ends without a beginning.
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


def release(solved: Notebook) -> Notebook:
    """The learners' notebook of a solved one.

    Raises:
        ValueError: if the marks of its solution regions do not match.
    """
    notebook = copy.deepcopy(solved)
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
            source = cleared(source)
        else:
            source = re.sub(r"\]\(\.\./\.\./", "](../", source)
        cell["source"] = source.splitlines(keepends=True)
    return notebook


def text_of(notebook: Notebook) -> str:
    """A notebook as it is written to a file."""
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main(arguments: list[str] | None = None) -> None:
    """Write the learners' notebooks of all solved ones in a folder anew."""
    parser = argparse.ArgumentParser(description="Write the learners' notebooks anew.")
    parser.add_argument("folder", type=Path, help="with solutions/*.ipynb in it")
    folder = parser.parse_args(arguments).folder
    for path in sorted((folder / "solutions").glob("*.ipynb")):
        notebook = release(json.loads(path.read_text(encoding="utf-8")))
        (folder / path.name).write_text(text_of(notebook), encoding="utf-8")


if __name__ == "__main__":
    main()
