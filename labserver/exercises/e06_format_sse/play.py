"""How E06 is played: the function is called with the fields that there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def play(
    attempt: Callable[..., Any], data: str, event: Any = None, id: Any = None, retry: Any = None
) -> Any:
    """The event as the function writes it; a field that is None is left out of the call."""
    fields = {"event": event, "id": id, "retry": retry}
    return attempt(data, **{name: value for name, value in fields.items() if value is not None})


TYPES = ()
