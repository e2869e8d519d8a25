"""Record anew what the lessons bring of a run, with `make traces`.

It is the lesson's own run: the notebook is run as far as the cell that loads the first of its
files, and saves what its server saw on the wire, or what it measured, until then.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tests.notebooks.execute import REPOSITORY, execute

LESSONS = REPOSITORY / "notebooks"
TRACES = LESSONS / "traces"
LOADS = '.load("traces/'
# What of a lesson is kept: file → what saves it.
RECORDED = {
    "00_start_here": {"00_first_message.trace": "server.trace"},
    "01_first_chat_and_short_polling": {"01_polling.trace": "polling.trace"},
    "02_long_polling": {"02_long_polling.trace": "server.trace"},
    "03_server_sent_events": {"03_server_sent_events.trace": "server.trace"},
    "04_the_websocket_handshake": {"04_handshake.trace": "server.trace"},
    "05_frames": {"05_frames.trace": "server.trace"},
    "09_measure_and_choose": {"09_overhead.csv": "spent", "09_latency.csv": "latency"},
}


def until_loaded(notebook: NotebookNode) -> list[NotebookNode]:
    """The cells before the first that loads what was recorded.

    Raises:
        LookupError: if no cell does.
    """
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and LOADS in cell.source:
            return list(notebook.cells[:index])
    raise LookupError("no cell loads what was recorded")


def loaded(notebook: NotebookNode) -> set[str]:
    """The names of the files that a lesson loads."""
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return {part.partition('"')[0] for source in sources for part in source.split(LOADS)[1:]}


def record(path: Path) -> str:
    """Run a lesson and keep what it has recorded; returns a line about it."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = until_loaded(notebook)
    kept = RECORDED[path.stem]
    saves = [f"{what}.save({str(TRACES / name)!r})" for name, what in kept.items()]
    notebook.cells.append(nbformat.v4.new_code_cell("\n".join(saves)))
    execute(notebook, path.parent)
    return ", ".join(f"{name}: {(TRACES / name).stat().st_size / 1000:.1f} KB" for name in kept)


if __name__ == "__main__":
    TRACES.mkdir(exist_ok=True)
    os.environ.setdefault("LABSERVER_QUICK", "1")  # a measurement that is small to keep
    for stem in sys.argv[1:] or RECORDED:
        print(record(LESSONS / f"{stem}.ipynb"), flush=True)
