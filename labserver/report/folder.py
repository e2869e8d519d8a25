"""A comparison's files in a folder: its own earlier files are replaced, and nobody else's.

`labserver-compare.json` lists the files that were written, with the SHA-256 of each. A file of the
same name that is not listed, or was changed since, belongs to somebody: then nothing is written,
and the error names the file. All files are completed in a folder beside their place and moved
into it one by one. Before that, the list gets the new digests in addition to the old ones, so
that it is right whenever the machine stops.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Literal

import msgspec

from labserver.atomic_file import write_atomically
from labserver.errors import LabError
from labserver.measure.comparison import LATENCY_FILE, OVERHEAD_FILE, Comparison
from labserver.report.page import report

REPORT_FILE = "report.html"
LIST_FILE = "labserver-compare.json"
DATA_FILES = tuple(
    str(Path(file).with_suffix(suffix))
    for file in (LATENCY_FILE, OVERHEAD_FILE)
    for suffix in (".csv", ".json")
)


class Written(msgspec.Struct):
    """The list: the digests that each file may have. Neither field may be missing."""

    written_by: Literal["labserver compare"]
    files: dict[str, list[str]]


def check_folder(folder: Path) -> None:
    """Check, before a long measurement, that a report can be written to a folder.

    Raises:
        LabError: if the folder can be neither written to nor created, or holds a file of the same
            name that was not written by an earlier comparison.
    """
    try:
        nearest = next(p for p in (folder, *folder.absolute().parents) if os.path.lexists(p))
        if not nearest.is_dir():
            kind = "a file" if nearest.exists() else "a link to nothing"
            raise LabError(f"{nearest} is {kind}: give a folder for the report.")
        with TemporaryFile(dir=nearest):
            pass
        _written(folder)
    except OSError as error:
        raise LabError(
            f"Nothing can be written to {folder} ({error.strerror}): choose another folder."
        ) from error


def write_report(comparison: Comparison, folder: Path) -> list[str]:
    """Write the page, and what was measured as CSV and JSON: everything or nothing.

    Files of an earlier comparison in the same folder are replaced once the new ones are complete;
    those without a new counterpart are removed.

    Args:
        comparison: what was measured.
        folder: where to; it is created if it does not exist.

    Returns:
        The names of the files, sorted.

    Raises:
        LabError: if they cannot be written, or if a file is in the way.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".unfinished-") as unfinished:
            made = Path(unfinished)
            comparison.save(made)
            (made / REPORT_FILE).write_text(report(comparison), encoding="utf-8")
            new = {file.name: _digest(file) for file in sorted(made.iterdir())}
            earlier = _written(folder)
            both = {name: list(earlier.get(name, ())) for name in {*earlier, *new}}
            for name, digest in new.items():
                both[name].append(digest)
            _list(folder, both)
            for name in new:
                os.replace(made / name, folder / name)
        for name in earlier.keys() - new.keys():
            (folder / name).unlink(missing_ok=True)
        _list(folder, {name: [digest] for name, digest in new.items()})
    except OSError as error:
        raise LabError(
            f"Cannot write to {folder} ({error.strerror}): choose another place."
        ) from error
    return sorted([*new, LIST_FILE])


def _written(folder: Path) -> dict[str, list[str]]:
    """Return the list of an earlier comparison, if all of its files are as it left them.

    Raises:
        LabError: if a file is in the way.
    """
    path = folder / LIST_FILE
    earlier: dict[str, list[str]] = {}
    if os.path.lexists(path):
        try:
            listed = msgspec.json.decode(path.read_bytes(), type=Written).files
        except (msgspec.MsgspecError, OSError):
            raise _in_the_way(path, "was not written by labserver compare") from None
        earlier = {name: listed[name] for name in (*DATA_FILES, REPORT_FILE) if name in listed}
    for name in (*DATA_FILES, REPORT_FILE):
        file = folder / name
        if not os.path.lexists(file):
            continue
        if name not in earlier:
            raise _in_the_way(file, "was not written by labserver compare")
        if file.is_symlink() or not file.is_file() or _digest(file) not in earlier[name]:
            raise _in_the_way(file, "was changed after labserver compare had written it")
    return earlier


def _in_the_way(file: Path, why: str) -> LabError:
    return LabError(f"{file} is in the way: it {why}. Move it, or choose another folder.")


def _list(folder: Path, files: dict[str, list[str]]) -> None:
    content = msgspec.json.format(
        msgspec.json.encode(Written("labserver compare", files)), indent=2
    )
    write_atomically(folder / LIST_FILE, content + b"\n")


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
