"""How E09 is played: the function is called, with the subprotocols as a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labserver.practice.given.answers import Response


def play(attempt: Callable[[bytes, list[str]], Any], raw: bytes, spoken: tuple[str, ...]) -> Any:
    """Return the answer to a request."""
    return attempt(raw, list(spoken))


TYPES = (Response,)
