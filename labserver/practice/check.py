"""`lab.check`: judge an answer, and keep in the learner's progress how it went."""

from __future__ import annotations

from typing import Any

from labserver.errors import LabError
from labserver.practice.checking.exercise import load
from labserver.practice.checking.judge import Outcome, Result, judge
from labserver.practice.progress.reset import source_of
from labserver.practice.progress.store import change_exercises


def check(exercise_id: str, code: Any) -> Result:
    """Check the learner's code, in a process of its own, and keep how it went.

    Args:
        exercise_id: such as `E12`.
        code: the function or class that the exercise asks for.

    Returns:
        The outcome with its explanation.

    Raises:
        LabError: if there is no such exercise, or `code` cannot be called.
    """
    exercise = load(exercise_id)
    if not callable(code):
        raise LabError(f"Give your {exercise.name}: check({exercise_id!r}, {exercise.name}).")
    result = judge(exercise, code)
    if result.outcome is Outcome.NOT_ATTEMPTED:
        return result  # there is nothing to keep, and an earlier pass stays a pass
    source = source_of(code)
    with change_exercises() as kept:
        entry = kept.setdefault(exercise_id, {})
        entry["checks"] = entry.get("checks", 0) + 1
        entry["source"] = source or entry.get("source", "")
        if entry.get("outcome") != Outcome.PASS.value:
            entry["outcome"] = result.outcome.value
    return result
