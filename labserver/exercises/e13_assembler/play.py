"""How E13 is played: one assembler takes frame after frame, until it raises."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from labserver.practice.checking.play import Raised
from labserver.practice.given.frames import Close, Frame, Message, Pong, ProtocolError


def play(attempt: Callable[[], Any], frames: Iterable[Frame]) -> Any:
    """Return what each frame gave, until one raised."""
    assembler = attempt()
    actual: list[Any] = []
    for frame in frames:
        try:
            actual.append(assembler.on_frame(frame))
        except ProtocolError as error:
            return [*actual, Raised(f"ProtocolError({error.code})")]
    return actual


TYPES = (Message, Pong, Close)
