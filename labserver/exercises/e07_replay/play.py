"""How E07 is played: the function is called, and returns events or a Reset."""

from __future__ import annotations

from labserver.practice.checking.play import call
from labserver.practice.given.sse_events import Event, Reset

play = call


TYPES = (Event, Reset)
