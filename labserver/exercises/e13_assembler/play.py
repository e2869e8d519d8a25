"""How E13 is played: one assembler takes frame after frame, until it raises."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from labserver.practice.checking.play import Raised
from labserver.practice.given.frames import Close, Frame, Message, Pong, ProtocolError


def play(attempt: Callable[[], Any], frames: Iterable[Frame]) -> Any:
    """What each frame gave, until one raised."""
    assembler = attempt()
    came: list[Any] = []
    for frame in frames:
        try:
            came.append(assembler.on_frame(frame))
        except ProtocolError as error:
            return [*came, Raised(f"ProtocolError({error.code})")]
    return came


TYPES = (Message, Pong, Close)
