"""The panels of this kernel, told when something else checks, resets or gives a hint.

Nothing here imports a widget: `lab.check` in a script needs none.
"""

from __future__ import annotations

from typing import Protocol
from weakref import WeakSet

from labserver.practice.checking.judge import Result


class Panel(Protocol):
    """What shows an exercise; see `labserver.practice.exercise_panel`."""

    @property
    def shows(self) -> str:
        """The id of the exercise."""

    @property
    def seen(self) -> bool:
        """Whether a page has shown it, and can be asked for something."""

    def refresh(self, result: Result | None = None, problem: str = "") -> None:
        """Show what is kept now.

        Args:
            result: how a check went just now; None: as it was kept.
            problem: why there was no check.
        """

    def ask_for_reset(self) -> None:
        """Let the page put the stub into the answer's cell."""


_panels: WeakSet[Panel] = WeakSet()


def join(panel: Panel) -> None:
    """Let a panel be told, as long as it lives."""
    _panels.add(panel)


def leave(panel: Panel) -> None:
    """Let a panel no longer be told."""
    _panels.discard(panel)


def tell(exercise_id: str, result: Result | None = None, problem: str = "") -> None:
    """Let every panel of an exercise show what is kept now; see `Panel.refresh`."""
    for panel in list(_panels):
        if panel.shows == exercise_id:
            panel.refresh(result, problem)


def ask_for_reset(exercise_id: str) -> bool:
    """Ask a panel of an exercise to put the stub into the answer's cell.

    Returns:
        Whether there is one that a page has shown.
    """
    seen = [one for one in list(_panels) if one.shows == exercise_id and one.seen]
    for panel in seen[:1]:
        panel.ask_for_reset()
    return bool(seen)
