"""How E15 is played: the function is called, and returns a CloseReply."""

from __future__ import annotations

from labserver.practice.checking.play import call
from labserver.practice.given.answers import CloseReply

play = call


TYPES = (CloseReply,)
