"""`labserver progress export` and `import`: progress as a file, for hosts that forget.

The file is a progress file with the attempts that were reset beside its sections, so that a copy
of `progress.json` can be imported as well. An import adds and never takes away: which of two
entries under one key stays is for merging.py to say, and a pass is never lost. Importing a file
twice changes nothing the second time.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from math import isinf
from pathlib import Path
from typing import Any, NoReturn

from labserver.atomic_file import write_atomically
from labserver.errors import LabError
from labserver.practice.checking.judge import Outcome
from labserver.practice.progress import merging
from labserver.practice.progress.runs import trim
from labserver.practice.progress.store import (
    SECTIONS,
    VERSION,
    Entry,
    attempts_folder,
    change,
    everything,
    understood,
)

MOST_BYTES = 8_000_000  # a year of answers, attempts and runs takes less than a tenth of it
ATTEMPTS_MAX = 1000
ALWAYS = ("predictions", "exercises")  # in a progress file of every version

Sections = dict[str, dict[str, Entry]]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import has done.

    Attributes:
        new: how many entries were added, by section.
        attempts: how many attempts were added.
        further: how many entries changed because the file's was further.
        stayed: how many entries differ in the file and stayed as they are.
        passed: the exercises that pass now and did not before.
    """

    new: dict[str, int]
    attempts: int
    further: int
    stayed: int
    passed: tuple[str, ...]

    def __str__(self) -> str:
        counts = {**self.new, "attempts": self.attempts}
        added = [
            f"{count} {name.removesuffix('s') if count == 1 else name}"
            for name, count in counts.items()
            if count
        ]
        said = [f"added {', '.join(added)}" if added else "nothing was new"]
        if self.further:
            said.append(f"changed {self.further} that went further in the file")
        if self.stayed:
            said.append(f"left {self.stayed} that went further here")
        if self.passed:
            said.append(f"now passed: {', '.join(self.passed)}")
        return f"{'; '.join(said)}."


def export_progress() -> bytes:
    """Return everything that is kept of the learner, as a file's content.

    Raises:
        LabError: if the progress file cannot be used, or all is too large to be imported again.
    """
    folder = _attempts_folder()
    names = sorted(
        path.name for path in folder.iterdir() if re.fullmatch(merging.ATTEMPT, path.name)
    )
    attempts = {
        name: (folder / name).read_text(encoding="utf-8", errors="replace")
        for name in names[-ATTEMPTS_MAX:]
    }
    content = _written({"version": VERSION, **everything(), "attempts": attempts})
    if len(content) > MOST_BYTES:
        raise LabError(
            f"Your progress has {len(content):,} bytes, more than {MOST_BYTES:,}: delete attempts"
            f" that you no longer need from {folder}."
        )
    return content


def write_export(path: Path) -> None:
    """Write everything that is kept of the learner to a file; only an earlier export is replaced.

    Raises:
        LabError: if it cannot be written, or the file is something else.
    """
    content = export_progress()
    if path.exists():
        try:
            parse(read_export(path), str(path))
        except LabError as error:
            raise LabError(
                f"{path} is no export of your progress, so it is not replaced: give another name."
            ) from error
    try:
        write_atomically(path, content, mode=0o600)
    except OSError as error:
        raise LabError(f"{path} cannot be written ({error}): give another name.") from error


def read_export(path: Path) -> bytes:
    """Return a file's content, or the beginning of one that is too large.

    Raises:
        LabError: if it cannot be read, or is not a file.
    """
    if path.exists() and not path.is_file():  # a pipe would wait for somebody to write
        raise LabError(f"{path} is not a file: give another name.")
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise LabError(f"{path} cannot be read ({error}): give another name.") from error


def import_progress(content: bytes, name: str) -> Imported:
    """Add what a file holds to what is kept on this machine.

    Args:
        content: the file's.
        name: the file's name, for errors.

    Returns:
        What was done.

    Raises:
        LabError: if it is no export, a newer labserver wrote it, it is too large, or progress
            cannot be written. Nothing has changed then.
    """
    theirs, attempts = parse(content, name)
    new = dict.fromkeys(SECTIONS, 0)
    further = stayed = 0
    added: list[Path] = []
    try:
        with change() as ours:
            before = _passed(ours)
            for section in SECTIONS:
                for key, entry in theirs[section].items():
                    own = ours[section].setdefault(key, entry)
                    if own is entry:
                        new[section] += 1
                        continue
                    ours[section][key] = merging.merged(section, own, entry)
                    further += ours[section][key] != own
                    stayed += ours[section][key] == own != entry
            trim(ours["runs"])
            if len(_written({**ours})) > MOST_BYTES:
                raise LabError(
                    f"With {name}, your progress would have more than {MOST_BYTES:,} bytes."
                )
            passed = sorted(_passed(ours) - before)
            _add_attempts(attempts, added)
    except BaseException:
        for path in added:
            path.unlink(missing_ok=True)
        raise
    return Imported(new, len(added), further, stayed, tuple(passed))


def parse(content: bytes, name: str) -> tuple[Sections, dict[str, str]]:
    """Return the sections and the attempts of an export.

    Args:
        content: the file's.
        name: the file's name, for errors.

    Raises:
        LabError: if it is none, a newer labserver wrote it, or it is too large.
    """
    if len(content) > MOST_BYTES:
        raise LabError(f"{name} has more than {MOST_BYTES:,} bytes: it is no export of progress.")
    try:
        found = json.loads(content, parse_constant=_not_json, parse_float=_finite)
        if not (isinstance(found, dict) and all(section in found for section in ALWAYS)):
            raise ValueError("another program's")
        sections = understood(found, name)
        for section in SECTIONS:
            for entry in sections[section].values():
                merging.check(section, entry)
        attempts = _attempts(found.get("attempts", {}))
    except (ValueError, RecursionError) as error:
        raise LabError(
            f"{name} is no export of progress, or it is damaged: nothing was imported."
        ) from error
    return sections, attempts


def _written(found: dict[str, Any]) -> bytes:
    return f"{json.dumps(found, indent=1, sort_keys=True, allow_nan=False)}\n".encode()


def _not_json(name: str) -> NoReturn:
    raise ValueError(name)  # Python reads NaN and Infinity, which are not JSON


def _finite(text: str) -> float:
    number = float(text)
    if isinf(number):
        raise ValueError(text)
    return number


def _attempts(found: Any) -> dict[str, str]:
    """Return the attempts of an export.

    Raises:
        ValueError: if they are something else, or a name leads out of the folder.
    """
    if not isinstance(found, dict) or len(found) > ATTEMPTS_MAX:
        raise ValueError("attempts")
    for name, text in found.items():
        if not (re.fullmatch(merging.ATTEMPT, name) and isinstance(text, str)):
            raise ValueError(name)
        text.encode()  # half of a surrogate pair cannot be written
    return found


def _add_attempts(attempts: dict[str, str], added: list[Path]) -> None:
    """Write the attempts that are not here yet, and list them in `added`.

    Raises:
        LabError: if one cannot be written.
    """
    folder = _attempts_folder()
    for name, text in attempts.items():
        path = folder / name
        if path.exists():
            continue
        try:
            write_atomically(path, text.encode())
        except OSError as error:
            raise LabError(
                f"The attempt {name} cannot be written to {folder} ({error})."
            ) from error
        added.append(path)


def _attempts_folder() -> Path:
    try:
        return attempts_folder()
    except OSError as error:
        raise LabError(f"Your attempts have no folder ({error}): move what is there.") from error


def _passed(sections: Sections) -> set[str]:
    passes = Outcome.PASS.value
    return {key for key, entry in sections["exercises"].items() if entry.get("outcome") == passes}
