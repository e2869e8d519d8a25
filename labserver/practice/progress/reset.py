"""`lab.reset`: start an exercise again, keep the attempt as a file, and bring it back.

The panel's buttons do the same; only a page can write into the cell of the answer, so that
`lab.reset` asks the panel to, or shows the stub to be copied.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from labserver.clock import Clock, SystemClock, iso
from labserver.errors import LabError
from labserver.practice import live
from labserver.practice.checking.exercise import Exercise, load
from labserver.practice.definition import shell, source_of
from labserver.practice.progress.store import attempts_folder, change_exercises, exercises
from labserver.practice.shown import Shown

# What a new start leaves behind, and an attempt that is brought back has again.
OF_AN_ATTEMPT = ("outcome", "checks", "hints", "source", "said")


def reset(exercise_id: str, *, clock: Clock | None = None) -> Shown:
    """Start an exercise again: its cell gets the stub back, the attempt is kept as a file.

    Args:
        exercise_id: such as `E12`.
        clock: tells the time that names the file.

    Returns:
        What was done; where the exercise has no panel in this notebook, with the stub to copy.

    Raises:
        LabError: if there is no such exercise, or the attempt cannot be kept.
    """
    exercise = load(exercise_id)
    path = start_again(exercise, last_source(exercise), clock=clock)
    live.tell(exercise.id)
    said = f"{exercise.id} starts again."
    if path is not None:
        said += f" Your attempt is kept: {path}"
    if live.ask_for_reset(exercise.id):
        return Shown(f"{said}\nThe panel under your answer puts the stub into its cell.")
    return Shown(f"{said}\n\n{exercise.stub}")


def start_again(exercise: Exercise, source: str, *, clock: Clock | None = None) -> Path | None:
    """Forget how an exercise went, and keep the attempt.

    Args:
        exercise: the exercise.
        source: the text of the answer's cell; "" if there is none.
        clock: tells the time that names the file.

    Returns:
        The file with the attempt; None if there is none, as the text is empty or the stub.
    """
    with change_exercises() as kept:
        entry = kept.get(exercise.id, {})
        path = _keep_file(exercise, source, entry, clock or SystemClock())
        gone = {key: entry.pop(key) for key in OF_AN_ATTEMPT if key in entry}
        if path is not None:
            was = entry.get("attempt", {})
            again = was.get("file") == path.name
            entry["attempt"] = {"file": path.name, "was": was["was"] if again else gone}
        if entry:
            kept[exercise.id] = entry
        else:
            kept.pop(exercise.id, None)
    return path


def bring_back(exercise: Exercise, source: str, *, clock: Clock | None = None) -> str:
    """Return the attempt that the last reset kept, and count it as the learner's again.

    Args:
        exercise: the exercise.
        source: the text that it replaces, which is kept in turn; "" if it replaces none.
        clock: tells the time that names the file.

    Raises:
        LabError: if there is none, or its file is gone.
    """
    attempt = exercises().get(exercise.id, {}).get("attempt")
    if not attempt:
        raise LabError(f"{exercise.id} has no attempt that was reset.")
    name = Path(attempt["file"]).name
    try:
        text = (attempts_folder() / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(f"Your attempt {name} cannot be read ({error}).") from error
    with change_exercises() as kept:
        entry = kept.setdefault(exercise.id, {})
        now = {key: entry.pop(key) for key in OF_AN_ATTEMPT if key in entry}
        other = "" if source.strip() == text.strip() else source
        path = _keep_file(exercise, other, {}, clock or SystemClock())
        entry |= attempt["was"]
        if path is None:
            del entry["attempt"]
        else:
            entry["attempt"] = {"file": path.name, "was": now}
    return text


def last_source(exercise: Exercise) -> str:
    """Return the text of the cell that defined the answer, as it was last run or checked."""
    found = shell()
    answer = found.user_ns.get(exercise.name) if found is not None else None
    return source_of(answer) or str(exercises().get(exercise.id, {}).get("source", ""))


def _keep_file(exercise: Exercise, source: str, entry: dict[str, Any], clock: Clock) -> Path | None:
    """Write an attempt to a file of its own, unless it is the one that was kept last."""
    if source.strip() in ("", exercise.stub.strip()):
        return None
    try:
        folder = attempts_folder()
        last = entry.get("attempt", {}).get("file")
        if last and (folder / last).is_file():
            path = folder / Path(last).name
            if path.read_text(encoding="utf-8", errors="replace").strip() == source.strip():
                return path
        moment = iso(clock.time()).replace(":", "").replace("-", "")
        names = (f"{exercise.id}-{moment}{n}.py" for n in ("", *map("-{}".format, range(2, 99))))
        path = next(folder / name for name in names if not (folder / name).exists())
        path.write_text(source, encoding="utf-8")
    except OSError as error:
        raise LabError(
            f"Your attempt could not be kept ({error}), so nothing was changed."
        ) from error
    return path
