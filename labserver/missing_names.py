"""A name that is not defined, in a notebook whose cells above have not run: which cell makes it.

After a kernel has started anew, a cell in the middle of a notebook fails with a NameError. The
kernel does not know the notebook, but Jupyter tells it the notebook's path and the id of the cell
that runs, and so a note can be added to the error. `import labserver` sees to that; a kernel in
which not even that cell has run needs this module as an extension of IPython's. `labserver lab`
starts such kernels; elsewhere, the setting `c.InteractiveShellApp.extensions` of IPython does it.
"""

from __future__ import annotations

import json
import os
import re
import symtable
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from labserver.errors import headline

NOTEBOOK_VARIABLE = "JPY_SESSION_NAME"  # set by Jupyter for a kernel: the notebook's path
LINE = 70  # characters of a line that are shown


class Cell(NamedTuple):
    """A cell with code: its id in the notebook, and its text."""

    id: str
    source: str


def load_ipython_extension(shell: Any) -> None:
    """Add a note to each NameError from now on; called by IPython."""
    shell.set_custom_exc((NameError,), _show)


def watch() -> None:
    """Do the same in the kernel that this runs in, if it is one."""
    core = sys.modules.get("IPython.core.getipython")  # if it is not loaded, this is no notebook
    shell = core and core.get_ipython()
    if hasattr(shell, "get_parent"):
        load_ipython_extension(shell)


def note_on(name: str, cells: list[Cell], running: str) -> str:
    """Return which cell has to run first so that a name is defined.

    Args:
        name: what is not defined.
        cells: the notebook's.
        running: the id of the cell that needs the name.

    Returns:
        What to do, and the line that defines it; nothing if no other cell defines it.
    """
    here = next((at for at, cell in enumerate(cells) if cell.id == running), len(cells))
    above = [cell for cell in cells[:here] if _defines(cell.source, name)]
    below = [cell for cell in cells[here + 1 :] if _defines(cell.source, name)]
    if above:
        return (
            f"A cell above this one defines {name!r}, but has not run in this kernel, or failed:\n"
            f"    {_line(above[-1], name)}\n"
            "Choose Run → Run All Above Selected Cell, and then run this cell again."
        )
    if below:
        return (
            f"A cell further down defines {name!r}:\n    {_line(below[0], name)}\n"
            "Run that cell first, and then this one again."
        )
    return ""


def cells_of(notebook: Path) -> list[Cell]:
    """Return a saved notebook's cells with code; none if it cannot be read."""
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        return [
            Cell(cell.get("id", ""), "".join(cell["source"]))
            for cell in cells
            if cell["cell_type"] == "code"
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _show(
    shell: Any,
    kind: type[BaseException],
    error: NameError,
    trace: TracebackType,
    tb_offset: int | None = None,
) -> None:
    """Show a NameError as IPython does; with a note, it goes without the lines of code.

    A learner's cell may be folded because it has the answer to a question in it.
    """
    notebook = os.environ.get(NOTEBOOK_VARIABLE)
    running = shell.get_parent().get("metadata", {}).get("cellId")
    if notebook and running and error.name and _is_from_a_cell(shell, trace):
        note = note_on(error.name, cells_of(Path(notebook)), running)
        if note:
            shown = [headline(error), note]
            error._render_traceback_ = lambda: shown  # type: ignore[attr-defined]
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)


def _is_from_a_cell(shell: Any, trace: TracebackType) -> bool:
    while trace.tb_next is not None:
        trace = trace.tb_next
    return shell.compile.format_code_name(trace.tb_frame.f_code.co_filename) is not None


def _defines(source: str, name: str) -> bool:
    """Whether a cell's code binds a name at its top level."""
    lines = source.splitlines()
    code = "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in lines)
    try:
        symbol = symtable.symtable(code, "cell", "exec").lookup(name)
    except (SyntaxError, KeyError):
        return False
    return symbol.is_assigned() or symbol.is_imported()


def _line(cell: Cell, name: str) -> str:
    """Return the first line of a cell that has a name in it."""
    line = next(line for line in cell.source.splitlines() if re.search(rf"\b{name}\b", line))
    return line if len(line) <= LINE else f"{line[: LINE - 1]}…"
