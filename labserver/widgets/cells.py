"""What a cell opened is closed when the cell is run again, as a re-run cell expects."""

from __future__ import annotations

from typing import Any, Protocol

from IPython import get_ipython


class Closable(Protocol):
    """Something with an end."""

    def close(self) -> None:
        """End it."""


_opened: dict[str, tuple[str, list[Closable]]] = {}  # cell → the run that opened, and what


def belongs_to_cell(thing: Closable) -> None:
    """Close `thing` when the cell that runs now runs again; outside a notebook, do nothing."""
    shell: Any = get_ipython()
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    cell = parent.get("metadata", {}).get("cellId")
    if cell is None:
        return
    run = parent["header"]["msg_id"]
    opened_by, things = _opened.get(cell, (run, []))
    if opened_by != run:
        for old in things:
            old.close()
        things = []
    things.append(thing)
    _opened[cell] = (run, things)
