"""Run notebooks and store what they show, in a form that can be committed.

    python tests/notebooks/execute.py [NOTEBOOK…]       all lessons and solutions by default

A notebook is written only when it ran to its end and stays within the limit. What would be dead
or different in every run is left out: the state of widgets (megabytes), the views of widgets that
no kernel is behind any more, times, the version of Python.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from labserver.practice.asking.sheet import READABLE
from labserver.runtime.state import FOLDER_VARIABLE

REPOSITORY = Path(__file__).parents[2]
FOLDERS = (REPOSITORY / "notebooks", REPOSITORY / "exercises" / "solutions")
LIMIT_BYTES = 200_000  # a figure is 7 KB; above this a diff cannot be read and the clone grows
CELL_TIMEOUT_S = 180  # a measurement takes a minute and a half
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def committed_notebooks() -> list[Path]:
    """The notebooks that are committed with what they show."""
    return [path for folder in FOLDERS for path in sorted(folder.glob("*.ipynb"))]


def execute(notebook: NotebookNode, folder: Path) -> None:
    """Run every cell of `notebook`, with `folder` as the working directory.

    Raises:
        CellExecutionError: from the first cell that raises.
    """
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT_S,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        store_widget_state=False,
        record_timing=False,
    )
    with TemporaryDirectory() as state:  # nobody's own predictions belong into what is stored
        client.execute(env=os.environ | {FOLDER_VARIABLE: state})


def strip(notebook: NotebookNode) -> None:
    """Leave out what would be dead or different in every run."""
    notebook.metadata = NotebookNode(
        kernelspec=NotebookNode(
            display_name="Python 3 (ipykernel)", language="python", name="python3"
        ),
        language_info=NotebookNode(name="python"),
    )
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.metadata.pop("execution", None)
            cell.outputs = [output for output in map(readable, cell.outputs) if output]


def readable(output: NotebookNode) -> NotebookNode | None:
    """An output without a widget's view: the text beside it, if that is meant to be read."""
    if WIDGET_VIEW not in output.get("data", {}):
        return output
    if not output.metadata.pop(*READABLE, None):
        return None
    del output.data[WIDGET_VIEW]
    return output


def store(path: Path) -> str:
    """Run the notebook at `path` and write it back.

    Returns:
        One line about how it went.

    Raises:
        CellExecutionError: from the first cell that raises; the file stays as it was.
        ValueError: if it is too large to be committed; the file stays as it was.
    """
    start = time.monotonic()
    notebook = nbformat.read(path, as_version=4)
    execute(notebook, path.parent)
    strip(notebook)
    text = nbformat.writes(notebook) + "\n"
    size = len(text.encode())
    if size > LIMIT_BYTES:
        raise ValueError(f"{path.name} would have {size:,} bytes, more than {LIMIT_BYTES:,}")
    path.write_text(text, encoding="utf-8")
    return f"{path.name}: {time.monotonic() - start:.1f} s, {size / 1000:.0f} KB"


def main() -> int:
    """Run the notebooks named on the command line; 1 if one of them failed."""
    parser = argparse.ArgumentParser(description="Run notebooks and store what they show.")
    parser.add_argument("notebook", nargs="*", type=Path, help="default: lessons and solutions")
    failed = 0
    for path in parser.parse_args().notebook or committed_notebooks():
        try:
            print(store(path.resolve()), flush=True)
        except (CellExecutionError, ValueError) as error:
            print(f"{path.name}: not written. {error}", file=sys.stderr, flush=True)
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
