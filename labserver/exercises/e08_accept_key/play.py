"""How E08 is played: the function is called, and returns a text."""

from __future__ import annotations

from labserver.practice.checking.play import call

play = call


TYPES = ()
