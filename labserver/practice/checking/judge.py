"""Judging an answer: feed the learner's code with an exercise's cases, and say how it went.

`lab.check` and the marking of notebooks both come through `judge`. It reports the first case that
goes wrong, and cases stand in order of size; a random one is made smaller first. No message holds
a solution, and a pass reads the same in every run.
"""

from __future__ import annotations

import linecache
import os
import sysconfig
import time
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

from labserver.practice.checking.difference import explain, first_difference, shown, typed
from labserver.practice.checking.exercise import Case, Exercise, Failure
from labserver.practice.checking.play import Raised
from labserver.practice.checking.sandbox import CaseResult, Sandbox
from labserver.practice.checking.values import same
from labserver.practice.shown import WRAP
from labserver.templates import render

SMALLER_MAX = 200  # tries
SMALLER_MAX_S = 3.0
PRINTED_LINES = 5
INDENT = 12  # characters before an input
NOT_YET = "not attempted yet."

# Frames in these are not the learner's code.
LIBRARIES = tuple(
    f"{path}{os.sep}"
    for path in (
        Path(__file__).parents[2],
        *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    )
)


class Outcome(Enum):
    """How a check went."""

    NOT_ATTEMPTED = "not attempted"
    WRONG = "wrong"
    PASS = "pass"


SIGNS = {Outcome.NOT_ATTEMPTED: "·", Outcome.WRONG: "✗", Outcome.PASS: "✓"}
COLOURS = {Outcome.NOT_ATTEMPTED: "#777777", Outcome.WRONG: "#D55E00", Outcome.PASS: "#009E73"}


@dataclass(frozen=True, slots=True)
class Result:
    """How a check went, and what the learner is told; a cell's last line shows it.

    Attributes:
        exercise: its id.
        outcome: not attempted, wrong, or pass.
        text: what the learner is told; the first line is a summary.
        points: all of the exercise's points, or 0.
        hints: the exercise's hints, to unfold after a pass.
    """

    exercise: str
    outcome: Outcome
    text: str
    points: int
    hints: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every case went right."""
        return self.outcome is Outcome.PASS

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        # All hints, used or not: what a pass shows is the same in every run.
        first, *lines = self.text.split("\n")
        return render(
            "practice/checking/judge.html",
            colour=COLOURS[self.outcome],
            wrap=WRAP,
            indent=INDENT,
            first=first,
            lines=lines,
            hints=self.hints,
        )


def judge(exercise: Exercise, code: Any) -> Result:
    """Feed the learner's code with every case, until one goes wrong.

    Args:
        exercise: the exercise that the code answers.
        code: the function or class.

    Returns:
        How it went, and what the learner is told. Nothing is kept.

    Raises:
        LabError: if the code cannot be sent to another process.
    """
    return judge_in(Sandbox(exercise, code), exercise)


def judge_in(sandbox: Sandbox, exercise: Exercise) -> Result:
    """Judge the code that a sandbox was made with, as `judge` does; in any thread.

    Args:
        sandbox: not entered yet. If it was stopped, the result is no judgement.
        exercise: the exercise that the code answers.
    """
    count = 0
    with sandbox:
        for case in exercise.cases():
            expected = _expected(exercise, case)
            actual = _played(exercise, sandbox, case.given)
            if not actual.ended and same(expected, actual.value):
                count += 1
                continue
            if count == 0 and actual.value == Raised("NotImplementedError"):
                return result(exercise, Outcome.NOT_ATTEMPTED, NOT_YET)
            failed = (case, expected, actual)
            if case.expected is ... and not actual.ended:
                failed = _smaller(exercise, sandbox, *failed)
            return result(exercise, Outcome.WRONG, *_wrong(exercise, *failed))
    return result(exercise, Outcome.PASS, f"passes all {count} cases.")


def _expected(exercise: Exercise, case: Case) -> Any:
    if case.expected is not ...:
        return case.expected
    try:
        answer = exercise.play(exercise.reference, *case.given)
    except Exception as error:  # noqa: BLE001  # that it raises is the expected answer
        return Raised(type(error).__name__)
    return exercise.canonical(case.given, answer)


def _played(exercise: Exercise, sandbox: Sandbox, given: tuple[Any, ...]) -> CaseResult:
    """Feed the code with a case; the value is in the form in which it is compared."""
    actual = sandbox.play(given)
    return replace(actual, value=exercise.canonical(given, actual.value))


def _smaller(
    exercise: Exercise, sandbox: Sandbox, case: Case, expected: Any, actual: CaseResult
) -> tuple[Case, Any, CaseResult]:
    """Find the smallest case that goes wrong as well."""
    until = time.monotonic() + SMALLER_MAX_S
    tries = 0
    found = True
    while found:
        found = False
        for given in exercise.smaller(case.given):
            tries += 1
            if sandbox.over or tries > SMALLER_MAX or time.monotonic() > until:
                return case, expected, actual
            candidate = Case(given, case.rule)
            wanted, what = _expected(exercise, candidate), _played(exercise, sandbox, given)
            if not what.ended and not same(wanted, what.value):
                case, expected, actual = candidate, wanted, what
                found = True
                break
    return case, expected, actual


def result(exercise: Exercise, outcome: Outcome, *said: str) -> Result:
    """Make the result of an exercise.

    Args:
        exercise: the exercise.
        outcome: how it went.
        said: what the learner is told, line by line; the first line in one sentence.
    """
    passed = outcome is Outcome.PASS
    lines = [f"{SIGNS[outcome]} {exercise.id} {exercise.name}: {said[0]}", *said[1:]]
    if not passed:
        lines.append(hint_line(exercise.id))
    return Result(
        exercise.id,
        outcome,
        "\n".join(lines),
        exercise.points if passed else 0,
        exercise.hints if passed else (),
    )


def hint_line(exercise_id: str) -> str:
    """Return the last line of a result that is not a pass."""
    return f'  For a hint: lab.hint("{exercise_id}")'


def _wrong(exercise: Exercise, case: Case, expected: Any, actual: CaseResult) -> list[str]:
    failure = Failure(case.given, expected, actual.value, actual.raised)
    lines = [actual.ended or _diagnosis(exercise, failure) or "wrong."]
    show = exercise.shown or (lambda given: [f"{exercise.name}({', '.join(map(typed, given))})"])
    lines += _block("input", show(case.given))
    difference = first_difference(expected, actual.value)
    rows = [] if actual.ended else explain(difference, lambda index: exercise.field(failure, index))
    if difference.path == "[0]" and len(expected) == 1:
        rows = []  # the only item, which is shown in full anyway
    # Two texts, or two rows of bytes, are shown one above the other, and that is enough.
    if not (rows and rows[0].startswith("expected")):
        lines += _block("expected", [shown(expected)])
        if not actual.ended:
            text = f": {actual.raised}" if actual.raised else ""
            lines += _block("got", [shown(actual.value) + text])
            if isinstance(actual.value, Raised):
                lines += _block("", learners_line(actual.frames))
    lines += [f"  {row}" for row in rows]
    lines += _block("rule", [case.rule])
    if actual.printed:
        lines += _block("printed", actual.printed.splitlines()[:PRINTED_LINES])
    return lines


def _diagnosis(exercise: Exercise, failure: Failure) -> str:
    for diagnosis in exercise.diagnoses:
        try:
            if diagnosis.fits(failure):
                return diagnosis.message
        except (TypeError, ValueError, LookupError, AttributeError, StopIteration):
            continue  # the value has another shape, so it is not this kind of failure
    return ""


def _block(label: str, lines: list[str]) -> list[str]:
    return [f"  {'' if n else label:<{INDENT - 2}}{line}".rstrip() for n, line in enumerate(lines)]


def learners_line(frames: tuple[tuple[str, int, str], ...]) -> list[str]:
    """Return the last line of the learner's own code among some frames, or nothing.

    Args:
        frames: file, line and function, the innermost last.
    """
    own = [one for one in frames if not one[0].startswith((*LIBRARIES, "<frozen "))]
    if not own:
        return []
    file, number, function = own[-1]
    line = linecache.getline(file, number).strip()
    where = f"in {function}, " if function and not function.startswith("<") else "in "
    return [f"{where}line {number}" + (f": {line}" if line else "")]
