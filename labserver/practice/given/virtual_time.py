"""An event loop whose clock jumps to the next deadline: an hour of waiting takes no time.

Only what is scheduled on the loop counts. If everything waits for something else, that is an
error instead of a hang.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Stuck(Exception):
    """Everything waits, and nothing is left that could wake it."""


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end; the loop's clock starts at 0.

    Raises:
        Stuck: if it can never end.
    """
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(coroutine)


class _Jump(selectors.SelectSelector):
    """Moves the clock instead of waiting."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise Stuck("everything waits, and nothing is left that could wake it")
            self.now += timeout
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now
