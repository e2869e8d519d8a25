"""A learner's copy of the course: made once, and later brought up to date without losing anything.

A file that the learner has never changed follows the course. One that the learner has changed stays
as it is, and a new edition is put beside it, once. What the learner has deleted stays deleted.
Nothing that a learner has written is ever overwritten or deleted: `--fresh` renames it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path, PurePosixPath

from labserver.atomic_file import write_atomically
from labserver.course import manifest
from labserver.course.manifest import Editions
from labserver.course.notebook import SUFFIX, fingerprint, is_notebook
from labserver.course.report import Report, lesson_number
from labserver.course.source import LESSONS, SOLUTIONS, course_files
from labserver.errors import LabError

NEW, OLD = "new", "old"  # 03_name.new.ipynb: the course's edition; 03_name.old.ipynb: the learner's
HERE = Path()
_BESIDE = re.compile(rf"\.({NEW}|{OLD})(-\d+)?$")
# What a folder may hold that is to become a copy: what systems and tools leave everywhere.
_LEFTOVERS = {
    ".DS_Store",
    ".git",
    ".gitignore",
    ".ipynb_checkpoints",
    "Thumbs.db",
    "desktop.ini",
}


def unpack(
    folder: Path, course: Path, *, fresh: Sequence[str] = (), solutions: bool = False
) -> Report:
    """Make a learner's copy of the course, or bring it up to date.

    Args:
        folder: the learner's.
        course: the folder that holds the course's folders.
        fresh: what is wanted as the course has it, whatever the learner has: a lesson's number,
            a path, or a name.
        solutions: whether the solved exercises are wanted. They stay in a copy that has them.

    Raises:
        LabError: if the folder is not for a copy of the course, the course lacks what is wanted
            afresh, or nothing could be written. Then nothing has changed.
    """
    report = Report(folder, first=not _is_copy(folder))
    known = {} if report.first else manifest.read(folder)
    if known is None:
        known, report.manifest_lost = {}, True
    wanted = solutions or any(path.startswith(f"{SOLUTIONS}/") for path in known)
    files = course_files(course, solutions=wanted)
    anew = [_found(name, folder, files) for name in fresh]
    _check_folders(folder, files)
    copy = _Copy(folder, files, known, report)
    if report.first:
        with _as_lab_error(folder):
            folder.mkdir(parents=True, exist_ok=True)
            manifest.write(folder, {})  # a copy that is interrupted is one all the same
    try:
        for path in files:
            if path in anew:
                copy.renew(path)
            else:
                copy.bring(path)
        copy.leave_behind()
    finally:
        copy.remember()
    return report


def default_folder() -> Path:
    """Return the copy that is meant if none is named: this folder if it is one, else my-lab."""
    return HERE if manifest.is_copy(HERE) else HERE / "my-lab"


def is_beside(path: Path) -> bool:
    """Return whether a file is a new edition, or a learner's old one, beside a file of the copy."""
    return _BESIDE.search(path.stem) is not None


class _Copy:
    """A copy of the course while it is brought up to date.

    Args:
        folder: the learner's.
        files: the course's.
        known: what the learner has got so far; added to.
        report: what was done; added to.
    """

    def __init__(
        self, folder: Path, files: Mapping[str, bytes], known: Editions, report: Report
    ) -> None:
        self._folder = folder
        self._files = files
        self._known = known
        self._before = {path: list(editions) for path, editions in known.items()}
        self._report = report

    def bring(self, path: str) -> None:
        """Bring one file up to date, unless it is the learner's own by now."""
        target, edition, known = self._folder / path, self._edition(path), self._of(path)
        there = _fingerprint_of(target)
        if there == edition:
            pass
        elif there is None and known:
            self._report.deleted.append(path)
        elif there is None:
            self._write(path, target, self._report.added)
            return
        elif there in known:
            self._write(path, target, self._report.updated)
            return
        else:
            if target.suffix == SUFFIX and not _opens(target):
                self._report.broken.append(path)
            if edition not in known and not self._report.manifest_lost:
                beside = self._free(target, NEW, reusable={*known, edition})
                if self._write(path, beside):
                    self._report.beside[path] = beside.name
                return
        self._got(path)

    def renew(self, path: str) -> None:
        """Put the course's edition in a file's place, and what the learner had beside it."""
        target, edition = self._folder / path, self._edition(path)
        there = _fingerprint_of(target)
        aside = None
        with _as_lab_error(target):
            if there not in (None, edition, *self._of(path)):
                aside = self._free(target, OLD)
                target.rename(aside)
            if there != edition:
                try:
                    self._put(path, target)
                except OSError:
                    if aside is not None:
                        aside.rename(target)
                    raise
        self._report.fresh[path] = None if aside is None else aside.name
        self._got(path)
        self._tidy(path, target)

    def leave_behind(self) -> None:
        """Remove the notebooks that have left the course, unless the learner has changed them.

        Recordings and programs stay: a lesson that the learner has kept may need them.
        """
        for path in [path for path in self._known if path not in self._files]:
            target = self._folder / path
            if target.suffix != SUFFIX:
                continue
            there = _fingerprint_of(target)
            if there in self._of(path):
                try:
                    target.unlink()
                except OSError as error:
                    self._fail(path, error)
                    continue
                self._report.removed.append(path)
            elif there is not None:
                self._report.kept[path] = self._successor(path)
            del self._known[path]

    def remember(self) -> None:
        """Write what the learner has got."""
        if self._known == self._before and not self._report.manifest_lost:
            return
        try:
            manifest.write(self._folder, self._known)
        except OSError as error:
            self._fail(manifest.NAME, error)

    def _edition(self, path: str) -> str:
        return fingerprint(path, self._files[path])

    def _of(self, path: str) -> list[str]:
        return self._known.get(path, [])

    def _got(self, path: str) -> None:
        edition = self._edition(path)
        if edition not in self._of(path):
            self._known.setdefault(path, []).append(edition)

    def _write(self, path: str, target: Path, done: list[str] | None = None) -> bool:
        try:
            self._put(path, target)
        except OSError as error:
            self._fail(path, error)
            return False
        self._got(path)
        if done is not None:
            done.append(path)
        return True

    def _put(self, path: str, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, self._files[path])

    def _fail(self, path: str, error: OSError) -> None:
        self._report.failed.setdefault(error.strerror or str(error), []).append(path)

    def _free(self, target: Path, word: str, reusable: set[str] | None = None) -> Path:
        """Find a name beside a file that nothing has, or only an edition that nobody changed."""
        for n in count(1):
            ending = word if n == 1 else f"{word}-{n}"
            path = target.with_name(f"{target.stem}.{ending}{target.suffix}")
            there = _fingerprint_of(path)
            if there is None or (reusable and there in reusable):
                return path
        raise AssertionError

    def _tidy(self, path: str, target: Path) -> None:
        """Remove the editions that lie beside a file, unless the learner has changed them."""
        for beside in target.parent.glob(f"{target.stem}.{NEW}*{target.suffix}"):
            if is_beside(beside) and _fingerprint_of(beside) in self._of(path):
                with suppress(OSError):
                    beside.unlink()

    def _successor(self, path: str) -> str | None:
        place, number = PurePosixPath(path).parent, lesson_number(path)
        for other in self._report.added:
            if PurePosixPath(other).parent == place and lesson_number(other) == number is not None:
                return PurePosixPath(other).name
        return None


def _is_copy(folder: Path) -> bool:
    """Whether a folder is a copy of the course; if not, it must be free for one."""
    if manifest.is_copy(folder):
        return True
    with _as_lab_error(folder):
        if folder.is_dir():
            held = {path.name for path in folder.iterdir()} - _LEFTOVERS
            if held:
                shown = min(held, key=lambda name: (name.startswith("."), name))
                raise LabError(
                    f"{folder} is not a copy of the course, and not empty (it holds {shown}): name"
                    " a new folder, as in `labserver lab my-course`."
                )
        elif folder.exists():
            raise LabError(f"{folder} is a file: name a folder, as in `labserver lab my-course`.")
    return False


def _check_folders(folder: Path, files: Mapping[str, bytes]) -> None:
    """See to it, before anything is written, that no file is where the course has a folder."""
    needed = {parent for path in files for parent in PurePosixPath(path).parents}
    for path in sorted(map(str, needed - {PurePosixPath()})):
        place = folder / path
        if place.exists() and not place.is_dir():
            raise LabError(f"{place} is a file, and the course has a folder there: rename it.")


def _found(name: str, folder: Path, files: Mapping[str, bytes]) -> str:
    """Find the file that `--fresh NAME` means: by its path, its name, or its lesson's number."""
    try:  # as the shell completes it
        name = Path(name).resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        pass
    asked = PurePosixPath(name)
    place = str(asked.parent) if len(asked.parts) > 1 else LESSONS
    for path in map(PurePosixPath, files):
        names = (path.name, path.stem, lesson_number(path.name))
        if str(path.parent) == place and (asked.name in names or asked.name.zfill(2) in names):
            return str(path)
    numbers = [lesson_number(path) or path for path in files if path.startswith(f"{LESSONS}/")]
    raise LabError(
        f"The course has no {name!r}: give a lesson's number ({', '.join(sorted(set(numbers)))}),"
        f" one with its folder, such as exercises/{max(numbers)}, or a path."
    )


def _fingerprint_of(path: Path) -> str | None:
    """The fingerprint of a file on disk; None if nothing is there, "" if it cannot be read."""
    try:
        return fingerprint(path.name, path.read_bytes())
    except OSError:
        return "" if path.is_symlink() or path.exists() else None


def _opens(path: Path) -> bool:
    try:
        return is_notebook(path.read_bytes())
    except OSError:
        return False


@contextmanager
def _as_lab_error(path: Path) -> Iterator[None]:
    """Say of an OSError what cannot be done."""
    try:
        yield
    except OSError as error:
        raise LabError(
            f"{path} cannot be made: {error.strerror or error}. Name a folder in which you may"
            " write."
        ) from None
