"""How E01 is played: the function is called, and returns a PollCost."""

from __future__ import annotations

from labserver.practice.checking.play import call
from labserver.practice.given.answers import PollCost

play = call


TYPES = (PollCost,)
