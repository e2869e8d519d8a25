"""How an exercise's code is fed, and what may come back: all that the child process knows of it.

A folder labserver/exercises/eNN_name/ is exercise ENN. Its play.py defines `play(attempt, *given)`,
which feeds the learner's code and returns what is compared, and `TYPES`, the NamedTuples that may
be in it. The reference and the cases stand apart in exercise.py, which the child never imports.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any, NamedTuple

from labserver.errors import LabError

PROBLEM_SET = "labserver.exercises"  # a string: the engine imports no exercise by itself


class Raised(str):
    """An exception, by its name, as an expected or an actual answer: `Raised("ValueError")`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"raises {self}"


class Play(NamedTuple):
    """What an exercise's play.py defines.

    Attributes:
        play: feeds the learner's code, its first argument, and returns what is compared.
        types: the NamedTuples that may be in what it returns.
    """

    play: Callable[..., Any]
    types: tuple[type, ...]


def call(attempt: Any, *given: Any) -> Any:
    """Play a function by calling it."""
    return attempt(*given)


def packages() -> dict[str, str]:
    """Return the package of each exercise by its id: e12_frame_decoder is E12."""
    found = pkgutil.iter_modules(importlib.import_module(PROBLEM_SET).__path__)
    return {
        f"E{package.name[1:3]}": f"{PROBLEM_SET}.{package.name}"
        for package in found
        if package.ispkg and package.name[:1] == "e" and package.name[1:3].isdigit()
    }


def package_of(exercise_id: str) -> str:
    """Return the name of an exercise's package.

    Args:
        exercise_id: such as `E12`, in upper or lower case.

    Raises:
        LabError: if there is no such exercise.
    """
    known = packages()
    package = known.get(str(exercise_id).strip().upper())
    if package is None:
        names = ", ".join(sorted(known))
        raise LabError(f"There is no exercise {exercise_id!r}: take one of {names}.")
    return package


def load_play(exercise_id: str) -> Play:
    """Return what an exercise's play.py defines, without its reference and cases.

    Raises:
        LabError: if there is no such exercise.
    """
    module = importlib.import_module(f"{package_of(exercise_id)}.play")
    return Play(module.play, module.TYPES)
