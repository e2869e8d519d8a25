"""Where the course's files are, and what of them a learner gets.

An installed wheel holds them beside this file, in labserver/course/; in the repository they are the
top-level folders of the same names. A learner's folder has the same shape, so that links between
notebooks, and the paths under which lessons load their recordings, are the same in all three.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from labserver.course.notebook import SUFFIX, learners_edition
from labserver.errors import LabError

LESSONS, EXERCISES = "notebooks", "exercises"
SOLUTIONS = f"{EXERCISES}/solutions"
FIRST = f"{LESSONS}/00_start_here{SUFFIX}"
_DATA = (f"{LESSONS}/traces", f"{LESSONS}/code")  # which lessons load and show
_TEXTS = ("docs/note.md", "docs/glossary.md")  # which lessons refer to
_PACKAGE = Path(__file__).parent


def root() -> Path:
    """Return the folder that holds the course's folders.

    Raises:
        LabError: if this installation has none.
    """
    for folder in (_PACKAGE, _PACKAGE.parents[1]):
        if (folder / FIRST).is_file():
            return folder
    raise LabError("This installation lacks the course's notebooks: install labserver again.")


def course_files(root: Path, *, solutions: bool = False) -> dict[str, bytes]:
    """Return the files that a learner gets.

    Args:
        root: the folder that holds the course's folders.
        solutions: whether the solved exercises are among them.

    Returns:
        The content of each, by its path below the learner's folder, with forward slashes.
    """
    folders = [LESSONS, EXERCISES, *([SOLUTIONS] if solutions else [])]
    notebooks = {
        path.relative_to(root).as_posix(): learners_edition(path.read_bytes())
        for folder in folders
        for path in sorted((root / folder).glob(f"*{SUFFIX}"))
    }
    data = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for folder in _DATA
        for path in _visible_files(root / folder)
    }
    texts = {path: (root / path).read_bytes() for path in _TEXTS if (root / path).is_file()}
    return notebooks | data | texts


def _visible_files(folder: Path) -> Iterator[Path]:
    """Find what is neither hidden nor compiled; a folder that does not exist has nothing."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in parts):
            yield path
