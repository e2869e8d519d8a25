"""How E27 is played: the function is called, and returns an Overhead."""

from __future__ import annotations

from labserver.practice.checking.play import call
from labserver.practice.given.answers import Overhead

play = call


TYPES = (Overhead,)
