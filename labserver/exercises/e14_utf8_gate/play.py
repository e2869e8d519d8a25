"""How E14 is played: one gate takes fragment after fragment, until it raises."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from labserver.practice.checking.play import Raised
from labserver.practice.given.frames import ProtocolError


def play(attempt: Callable[[], Any], pushes: Iterable[tuple[bytes, bool]]) -> Any:
    """Return what each push returned, until one raised."""
    gate = attempt()
    actual: list[Any] = []
    for fragment, fin in pushes:
        try:
            actual.append(gate.push(fragment, fin))
        except ProtocolError as error:
            return [*actual, Raised(f"ProtocolError({error.code})")]
    return actual


TYPES = ()
