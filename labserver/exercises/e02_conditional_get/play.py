"""How E02 is played: the function is called, and returns a status."""

from __future__ import annotations

from labserver.practice.checking.play import call

play = call


TYPES = ()
