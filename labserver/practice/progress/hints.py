"""`lab.hint`: one more of an exercise's three hints, from a question to nearly the whole answer."""

from __future__ import annotations

from labserver.practice import live
from labserver.practice.checking.exercise import Exercise, load
from labserver.practice.progress.store import change_exercises
from labserver.practice.shown import Shown

NO_MORE = "There are no more hints: all of them are shown."


def hint(exercise_id: str) -> Shown:
    """Show the next hint, below those that were given before.

    Args:
        exercise_id: such as `E12`.

    Raises:
        LabError: if there is no such exercise.
    """
    exercise = load(exercise_id)
    given, is_new = give(exercise)
    live.tell(exercise.id)
    hints = exercise.hints
    lines = [f"Hint {n} of {len(hints)}: {text}" for n, text in enumerate(hints[:given], 1)]
    return Shown("\n".join([*lines, *([] if is_new else [NO_MORE])]))


def give(exercise: Exercise) -> tuple[int, bool]:
    """Give one more hint, and keep how many were given.

    Returns:
        How many are given now, and whether there was one more.
    """
    with change_exercises() as kept:
        entry = kept.setdefault(exercise.id, {})
        before = min(entry.get("hints", 0), len(exercise.hints))
        entry["hints"] = min(before + 1, len(exercise.hints))
        return entry["hints"], entry["hints"] > before
