"""What an exercise is: data, and the few functions that differ from one exercise to the next.

The exercises themselves are in labserver/exercises/, one folder per exercise, and are loaded by
their id when they are asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from labserver.practice.checking.play import package_of, packages


@dataclass(frozen=True, slots=True)
class Case:
    """One input for the learner's code.

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
    """A case that went wrong, for a diagnosis to examine.

    Attributes:
        given: what the code was fed with.
        expected: the right answer.
        actual: what came instead: plain values, `Raised`, or `Strange` for what is none of the
            expected types.
        raised: the exception's text if there was one; otherwise "".
    """

    given: tuple[Any, ...]
    expected: Any
    actual: Any
    raised: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A common wrong idea, recognised by what it does.

    Attributes:
        message: what the learner is told; never the solution.
        fits: whether a failure is of this kind.
    """

    message: str
    fits: Callable[[Failure], bool]


def no_field(failure: Failure, index: int) -> str:
    """Return "": the bytes have no fields."""
    return ""


def as_it_is(given: tuple[Any, ...], answer: Any) -> Any:
    """Return the answer itself: exactly one is right."""
    return answer


def nothing_smaller(given: tuple[Any, ...]) -> Iterable[tuple[Any, ...]]:
    """Offer no smaller cases: they are small from the start."""
    return ()


def shorter(size: int) -> Iterator[int]:
    """Sizes to cut something down to: by a half, by a quarter, and so on, to one less."""
    step = size
    while step := step // 2:
        yield size - step


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """One exercise.

    Attributes:
        id: such as `E12`.
        name: what the learner defines.
        title: what it is about, in a few words.
        lesson: the number of the lesson it belongs to.
        points: what a pass is worth.
        questions: which of the study note's interview questions, 1 to 3, it prepares for.
        stub: the source that the learner starts with.
        cases: all cases, small ones first; random ones are seeded.
        reference: a solution; it answers the cases that carry no answer of their own.
        hints: three, from a question to nearly the whole answer.
        follow_up: what an interviewer asks next, and an answer to it. Text between backticks is
            shown as code.
        diagnoses: tried in this order; the learner is told the first that fits.
        play: from its play.py; feeds the learner's code, in the child process.
        types: from its play.py; the NamedTuples that may come back.
        canonical: where several answers are right, puts the one form in which they are compared
            in place of an answer: `canonical(given, answer)`. The judge calls it, not the child,
            so it may use the reference; it must take any value.
        shown: gives the lines that show a case's input, as a learner would type it.
        field: names the field that a byte belongs to, where bytes differ.
        smaller: gives cases to try instead of a random one that failed, smallest first.
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
    follow_up: tuple[str, str]
    diagnoses: tuple[Diagnosis, ...]
    play: Callable[..., Any]
    types: tuple[type, ...]
    canonical: Callable[[Any, Any], Any] = as_it_is
    shown: Callable[[tuple[Any, ...]], list[str]] | None = None
    field: Callable[[Failure, int], str] = no_field
    smaller: Callable[[tuple[Any, ...]], Iterable[tuple[Any, ...]]] = nothing_smaller


def ids() -> list[str]:
    """Return the ids of all exercises, in order."""
    return sorted(packages())


def load(exercise_id: str) -> Exercise:
    """Load the exercise with an id such as `E12`.

    Raises:
        LabError: if there is no such exercise.
    """
    module = importlib.import_module(f"{package_of(exercise_id)}.exercise")
    exercise: Exercise = module.EXERCISE
    return exercise
