"""What an exercise is: data, and the few functions that differ from one to the next.

The exercises themselves stand in labserver/exercises/, a folder each, and are loaded by their id
when they are asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from labserver.practice.checking.play import package_of, packages


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


def no_field(failure: Failure, index: int) -> str:
    """Bytes that have no fields to name."""
    return ""


def as_it_is(given: tuple[Any, ...], answer: Any) -> Any:
    """Answers of which exactly one is right."""
    return answer


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
        play: from its play.py; feeds the learner's code, in the child process.
        types: from its play.py; the NamedTuples that may come back.
        canonical: where several answers are right, puts the one form in which they are compared
            in place of an answer: `canonical(given, answer)`. The judge calls it, not the child,
            so it may use the reference; it must take any value.
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
    play: Callable[..., Any]
    types: tuple[type, ...]
    canonical: Callable[[Any, Any], Any] = as_it_is
    shown: Callable[[tuple[Any, ...]], list[str]] | None = None
    field: Callable[[Failure, int], str] = no_field
    smaller: Callable[[tuple[Any, ...]], Iterable[tuple[Any, ...]]] = nothing_smaller


def ids() -> list[str]:
    """The ids of all exercises, in their order."""
    return sorted(packages())


def load(exercise_id: str) -> Exercise:
    """The exercise of an id such as `E12`.

    Raises:
        LabError: if there is none.
    """
    module = importlib.import_module(f"{package_of(exercise_id)}.exercise")
    exercise: Exercise = module.EXERCISE
    return exercise
