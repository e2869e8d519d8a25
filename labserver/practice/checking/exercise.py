"""What an exercise is: data, and the few functions that differ from one to the next.

The exercises themselves stand in labserver/practice/exercises/, one module each, and are loaded
by their id when they are asked for.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from labserver.errors import LabError

PROBLEM_SET = "labserver.exercises"  # a string: the engine imports no exercise


class Raised(str):
    """An exception, by its name, as an expected or an actual answer: `Raised("ValueError")`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"raises {self}"


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that the learner's code is fed with.

    Attributes:
        given: the arguments of `Exercise.play`, without the learner's code.
        rule: what decides here, with its source: `RFC 6455 §5.3: key byte i mod 4`.
        expected: the answer, from a source other than the reference; `...`: the reference's.
    """

    given: tuple[Any, ...]
    rule: str
    expected: Any = ...


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that went wrong, for a diagnosis to look at.

    Attributes:
        given: what the code was fed with.
        expected: what should have come.
        came: what came: plain values, `Raised`, or `Strange` for what is none of the expected
            types.
        raised: the exception's text where one came; else "".
    """

    given: tuple[Any, ...]
    expected: Any
    came: Any
    raised: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A wrong idea that many have, known by what it does.

    Attributes:
        message: what the learner is told; never the solution.
        fits: whether a failure is of this kind.
    """

    message: str
    fits: Callable[[Failure], bool]


def call(attempt: Any, *given: Any) -> Any:
    """Play a function: call it."""
    return attempt(*given)


def no_field(failure: Failure, index: int) -> str:
    """Bytes that have no fields to name."""
    return ""


def nothing_smaller(given: tuple[Any, ...]) -> Iterable[tuple[Any, ...]]:
    """Cases that are small from the beginning."""
    return ()


def shorter(size: int) -> Iterator[int]:
    """Sizes to cut something down to: by half, by a quarter, and so on to one less."""
    step = size
    while step := step // 2:
        yield size - step


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """One exercise.

    Attributes:
        id: such as `E12`.
        name: what the learner defines.
        title: in a few words.
        lesson: the number of the lesson it belongs to.
        points: what a pass is worth.
        questions: which of the note's interview questions, 1 to 3, it prepares for.
        stub: what the learner begins with, as source.
        cases: all cases, small ones first; random ones are seeded.
        reference: a solution. Cases without an expectation get it from here.
        hints: from a question to nearly all of it.
        diagnoses: looked through in this order; the first that fits is told.
        play: feeds the learner's code, in the child process, and returns what came.
        types: classes beside the plain ones that may come back, all NamedTuples.
        shown: the lines that show a case's input, as a learner would type it.
        field: the field that a byte belongs to, where bytes differ.
        smaller: what to try instead of a random case that failed, smallest first.
    """

    id: str
    name: str
    title: str
    lesson: int
    points: int
    questions: tuple[int, ...] = ()
    stub: str
    cases: Callable[[], Iterable[Case]]
    reference: Any
    hints: tuple[str, str, str]
    diagnoses: tuple[Diagnosis, ...]
    play: Callable[..., Any] = call
    types: tuple[type, ...] = ()
    shown: Callable[[tuple[Any, ...]], list[str]] | None = None
    field: Callable[[Failure, int], str] = no_field
    smaller: Callable[[tuple[Any, ...]], Iterable[tuple[Any, ...]]] = nothing_smaller


def ids() -> list[str]:
    """The ids of all exercises, in their order."""
    return sorted(_modules())


def load(exercise_id: str) -> Exercise:
    """The exercise of an id such as `E12`.

    Raises:
        LabError: if there is none.
    """
    modules = _modules()
    if exercise_id not in modules:
        raise LabError(f"There is no exercise {exercise_id!r}: take one of {', '.join(ids())}.")
    exercise: Exercise = importlib.import_module(modules[exercise_id]).EXERCISE
    return exercise


def _modules() -> dict[str, str]:
    """Id → module, by the folders' names: e12_frame_decoder has E12."""

    def found() -> Iterator[tuple[str, str]]:
        for folder in pkgutil.iter_modules(importlib.import_module(PROBLEM_SET).__path__):
            if folder.ispkg and folder.name[:1] == "e" and folder.name[1:3].isdigit():
                yield f"E{folder.name[1:3]}", f"{PROBLEM_SET}.{folder.name}.exercise"

    return dict(found())
