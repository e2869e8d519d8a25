"""How E12 is played: one decoder is fed read by read, until it raises."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from labserver.practice.checking.play import Raised
from labserver.practice.given.frames import Frame, ProtocolError


def play(attempt: Callable[[str, int], Any], role: str, most: int, reads: Iterable[bytes]) -> Any:
    """Return what each feed returned, until one raised.

    A fault may be found at its first byte or when the header is complete, so the feeds before it
    that returned nothing are left out.
    """
    decoder = attempt(role, most)
    actual: list[Any] = []
    for read in reads:
        try:
            actual.append(decoder.feed(read))
        except ProtocolError as error:
            while actual and actual[-1] == []:
                actual.pop()
            return [*actual, Raised(f"ProtocolError({error.code})")]
    return actual


TYPES = (Frame,)
