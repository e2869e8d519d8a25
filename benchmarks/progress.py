"""How far a benchmark is, on standard error."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import track

T = TypeVar("T")


def with_progress(steps: Sequence[T]) -> Iterable[T]:
    """Go through steps with a bar, which is drawn between them and never during one."""
    return track(
        steps,
        description="",
        console=Console(stderr=True),
        transient=True,
        auto_refresh=False,  # a thread that draws would disturb what is measured
    )
