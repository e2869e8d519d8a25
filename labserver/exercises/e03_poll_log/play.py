"""How E03 is played: a script of calls on one log."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

Step = tuple[Any, ...]
Script = tuple[Step, ...]


def play(attempt: Callable[[], Any], script: Script) -> list[Any]:
    """Return what each call returned."""
    log = attempt()
    # A copy, because a list of the log's own may grow later.
    return [copy.deepcopy(getattr(log, name)(*given)) for name, *given in script]


TYPES = ()
