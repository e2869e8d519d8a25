"""`lab.check`: judge an answer, and keep in the learner's progress how it went."""

from __future__ import annotations

from typing import Any

from labserver.errors import LabError
from labserver.practice import live
from labserver.practice.checking.exercise import Exercise, load
from labserver.practice.checking.judge import Outcome, Result, judge
from labserver.practice.definition import refuse_outdated, source_of
from labserver.practice.progress.store import change_exercises


def check(exercise_id: str, code: Any) -> Result:
    """Check the learner's code, in a process of its own, and keep how it went.

    Args:
        exercise_id: such as `E12`.
        code: the function or class that the exercise asks for.

    Returns:
        The outcome with its explanation. The exercise's panel, if there is one, shows it too.

    Raises:
        LabError: if there is no such exercise, `code` cannot be called, or the cell that was to
            define it failed the last time it was run.
    """
    exercise = load(exercise_id)
    if not callable(code):
        raise LabError(f"Give your {exercise.name}: check({exercise_id!r}, {exercise.name}).")
    refuse_outdated(code, exercise.name)
    result = judge(exercise, code)
    keep(exercise, result, source_of(code))
    return result


def keep(exercise: Exercise, result: Result, source: str) -> None:
    """Keep how a check went, and let the exercise's panels show it.

    Args:
        exercise: the exercise.
        result: how it went. Where nothing was attempted there is nothing to keep, and an earlier
            pass stays a pass.
        source: the text of the cell that was judged; "" if it is not known.
    """
    if result.outcome is Outcome.NOT_ATTEMPTED:
        return
    with change_exercises() as kept:
        entry = kept.setdefault(exercise.id, {})
        entry["checks"] = entry.get("checks", 0) + 1
        entry["source"] = source or entry.get("source", "")
        entry["said"] = [result.outcome.value, result.text]
        if entry.get("outcome") != Outcome.PASS.value:
            entry["outcome"] = result.outcome.value
    live.tell(exercise.id, result)
