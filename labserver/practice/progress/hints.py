"""`lab.hint`: one more of an exercise's three hints, from a question to nearly the whole answer."""

from __future__ import annotations

from labserver.practice.checking.exercise import load
from labserver.practice.progress.store import change_exercises
from labserver.practice.shown import Shown


def hint(exercise_id: str) -> Shown:
    """Show the next hint, below those that were given before.

    Args:
        exercise_id: such as `E12`.

    Raises:
        LabError: if there is no such exercise.
    """
    hints = load(exercise_id).hints
    with change_exercises() as kept:
        entry = kept.setdefault(exercise_id, {})
        given = entry["hints"] = min(entry.get("hints", 0) + 1, len(hints))
    lines = [f"Hint {n} of {len(hints)}: {text}" for n, text in enumerate(hints[:given], 1)]
    return Shown("\n".join(lines))
