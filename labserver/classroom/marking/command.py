"""`labserver check`: find the notebooks, mark them, and print and write how it went."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track

from labserver.classroom.marking.gradebook import folders, gradebook, submissions
from labserver.classroom.marking.junit import junit
from labserver.classroom.marking.mark import TIME_LIMIT_S, mark
from labserver.classroom.marking.page import class_page, page
from labserver.classroom.marking.references import find_references
from labserver.classroom.marking.terminal import print_gradebook, print_marks
from labserver.course.source import EXERCISES
from labserver.course.unpack import HERE, default_folder, is_beside
from labserver.errors import LabError


def mark_all(
    paths: Sequence[Path] = (),
    *,
    html: Path | None = None,
    junit_file: Path | None = None,
    csv_file: Path | None = None,
    time_limit_s: float = TIME_LIMIT_S,
    reference: Path | None = None,
) -> bool:
    """Mark notebooks, or a class's folder of them, and print how it went.

    Args:
        paths: notebooks, or one folder; without any, those of the learner's copy of the course,
            which is this folder or my-lab in it, or otherwise those in ./exercises.
        html: where to write an HTML page.
        junit_file: where to write JUnit XML.
        csv_file: where to write a class's marks as CSV.
        time_limit_s: seconds per notebook.
        reference: the folder of the solved notebooks; None for the course's.

    Returns:
        Whether every exercise passes.

    Raises:
        LabError: if there are no notebooks or no solved ones, or a file cannot be written.
    """
    references = find_references(reference)
    folder = paths[0] if len(paths) == 1 and paths[0].is_dir() else None
    if folder is None and csv_file is not None:
        raise LabError("--csv is for a class: give one folder with its notebooks.")
    found = submissions(folder) if folder else _notebooks(paths)
    if not found:
        raise LabError(f"There is no notebook in {folder or _own_exercises()}.")
    progress = Console(stderr=True)
    shown = len(found) > 1 and sys.stderr.isatty()  # whatever FORCE_COLOR says
    bar = track(found, "marking", console=progress, transient=True, disable=not shown)
    marked = [mark(path, references, time_limit_s=time_limit_s) for path in bar]
    if folder is None:
        print_marks(marked)
        pages = page(marked)
    else:
        people = gradebook(marked, folder, references, folders(folder))
        print_gradebook(people)
        pages = class_page(people)
        _write(csv_file, people.csv())
    _write(html, pages)
    _write(junit_file, junit(marked))
    return all(one.passed for one in marked)


def _notebooks(paths: Sequence[Path]) -> list[Path]:
    if not paths:
        own = sorted(_own_exercises().glob("*.ipynb"))
        return [path for path in own if not is_beside(path)]
    for path in paths:
        if path.is_dir():
            raise LabError(f"{path} is a folder: give one folder alone, or notebooks.")
        if not path.is_file():
            raise LabError(f"There is no {path}.")
    return list(paths)


def _own_exercises() -> Path:
    own = default_folder() / EXERCISES
    return own if own.is_dir() else HERE / EXERCISES


def _write(path: Path | None, text: str) -> None:
    if path is None:
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LabError(f"{path} cannot be written: {error.strerror}.") from None
