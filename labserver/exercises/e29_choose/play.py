"""How E29 is played: the function is called, and returns a Choice."""

from __future__ import annotations

from labserver.practice.checking.play import call
from labserver.practice.given.answers import Choice

play = call


TYPES = (Choice,)
