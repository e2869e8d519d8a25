"""Where lessons and exercises lie beside the notebook that a kernel runs, as links for its cells.

A kernel's working directory is its notebook's folder, so a path relative to it is also what a
link in an output is resolved against. What is not there gets no link: a notebook may be on its
own, on a host that knows no other.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote


def lesson_link(number: int, folder: Path | None = None) -> str | None:
    """Return the link to a lesson's notebook, or None if it is not there.

    Args:
        number: the lesson's, such as 4.
        folder: what the link is relative to; None for the working directory.
    """
    return _link("notebooks", number, folder)


def exercise_link(lesson: int, exercise_id: str, folder: Path | None = None) -> str | None:
    """Return the link to an exercise in its notebook, or None if that is not there.

    JupyterLab opens the notebook at the cell. It would find a heading as well, but only one whose
    text is ASCII, because it does not decode the fragment.

    Args:
        lesson: the number of the exercise's lesson.
        exercise_id: such as `E08`; the cell of its task is `e08-task`.
        folder: what the link is relative to; None for the working directory.
    """
    link = _link("exercises", lesson, folder)
    return None if link is None else f"{link}#cell-id={exercise_id.lower()}-task"


def _link(kind: str, number: int, folder: Path | None) -> str | None:
    here = Path.cwd() if folder is None else folder
    pattern = f"{number:02}_*.ipynb"
    if here.name == kind and (found := sorted(here.glob(pattern))):
        return quote(found[0].name)
    if found := sorted((here.parent / kind).glob(pattern)):
        return f"../{kind}/{quote(found[0].name)}"
    return None
