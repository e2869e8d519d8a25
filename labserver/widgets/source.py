"""The scripts and styles of the widgets, which lie beside them."""

from __future__ import annotations

from pathlib import Path

WIDGETS = Path(__file__).parent


def joined(*names: str | Path) -> str:
    """Files as one: a module that anywidget loads cannot import another.

    Args:
        names: of files in this folder; or paths of others.
    """
    return "\n".join((WIDGETS / name).read_text(encoding="utf-8") for name in names)
