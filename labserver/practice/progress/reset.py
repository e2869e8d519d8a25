"""`lab.reset`: start an exercise again; and the source of what a learner defined in a cell.

A cell's text is found through the code of a function in it, because Python before 3.13 does not
know the source of a class in a notebook.
"""

from __future__ import annotations

import inspect
import linecache
from types import CodeType
from typing import Any

from labserver.clock import Clock, SystemClock, iso
from labserver.practice.checking.exercise import Exercise, load
from labserver.practice.progress.store import attempts_folder, change_exercises
from labserver.practice.shown import Shown


def source_of(code: Any) -> str:
    """Return the text of the cell or file that defines a function or class, or ""."""
    found = _code(code)
    return "".join(linecache.getlines(found.co_filename)) if found is not None else ""


def reset(exercise_id: str, *, clock: Clock | None = None) -> Shown:
    """Start an exercise again: its stub goes into a new cell, the attempt is kept as a file.

    Args:
        exercise_id: such as `E12`.
        clock: tells the time that names the file.

    Returns:
        What was done; outside a notebook, with the stub.

    Raises:
        LabError: if there is no such exercise, or the attempt cannot be kept.
    """
    exercise = load(exercise_id)
    with change_exercises() as kept:
        entry = kept.pop(exercise_id, {})
    shell = _shell()
    defined = shell.user_ns.get(exercise.name) if shell is not None else None
    source = source_of(defined) or entry.get("source", "")
    said = f"{exercise_id} starts again."
    if source:
        moment = iso((clock or SystemClock()).time()).replace(":", "").replace("-", "")
        path = attempts_folder() / f"{exercise_id}-{moment}.py"
        path.write_text(source, encoding="utf-8")
        said += f" Your attempt is kept: {path}"
    return _given_back(exercise, said, shell)


def _given_back(exercise: Exercise, said: str, shell: Any) -> Shown:
    if shell is None:
        return Shown(f"{said}\n\n{exercise.stub}")
    shell.set_next_input(exercise.stub)
    return Shown(said)


def _shell() -> Any:
    import sys

    # Only if IPython is running anyway: importing it takes half a second.
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def _code(code: Any) -> CodeType | None:
    """Return the code of a function, or of a class's first method."""
    members = list(vars(code).values()) if inspect.isclass(code) else [code]
    for member in members:
        plain = inspect.unwrap(getattr(member, "__func__", member))
        if inspect.isfunction(plain):
            return plain.__code__
    return None
