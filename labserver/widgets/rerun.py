"""A cell that runs again first closes what its previous run had opened."""

from __future__ import annotations

from typing import Any, Protocol

from IPython import get_ipython


class Closable(Protocol):
    """Anything that can be closed, such as a widget."""

    def close(self) -> None:
        """Release what the object holds; a second call does nothing."""


_opened: dict[str, tuple[str, list[Closable]]] = {}  # cell id → its latest run, and what it opened
_asked: dict[str, str] = {}  # cell id → the latest run in which first_of_this_run was asked


def close_on_rerun(thing: Closable) -> None:
    """Close `thing` when the cell that is running now is run again.

    Outside a notebook this does nothing.
    """
    cell, run = _running()
    if not cell:
        return
    opened_by, things = _opened.get(cell, (run, []))
    if opened_by != run:
        for old in things:
            old.close()
        things = []
    things.append(thing)
    _opened[cell] = (run, things)


def first_of_this_run() -> bool:
    """Return whether this is asked for the first time in this run of the cell that is running now.

    Outside a notebook this is False.
    """
    cell, run = _running()
    if not cell or _asked.get(cell) == run:
        return False
    _asked[cell] = run
    return True


def in_a_page() -> bool:
    """Return whether the cell that is running now was started from a page, which can show it.

    What runs a notebook by itself sends no cell's id to the kernel.
    """
    return _running()[0] != ""


def _running() -> tuple[str, str]:
    """Return the id of the cell that is running, and of this run; both empty outside a notebook."""
    shell: Any = get_ipython()
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    cell = parent.get("metadata", {}).get("cellId")
    return ("", "") if cell is None else (cell, parent["header"]["msg_id"])
