"""What was unpacked into a learner's folder, kept there in a hidden file.

For every file it holds the fingerprint of each edition that the learner has got. A file on disk
with one of these fingerprints is unchanged; an edition with another one is new to the learner.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from labserver.atomic_file import write_atomically
from labserver.errors import LabError

NAME = ".labserver.json"
_FORMAT = 1  # to be raised when older versions would misread it

Editions = dict[str, list[str]]  # fingerprints by path, oldest first


class _Manifest(msgspec.Struct):
    format: int
    editions: Editions


def is_copy(folder: Path) -> bool:
    """Return whether the course was unpacked into a folder."""
    return (folder / NAME).is_file()


def read(folder: Path) -> Editions | None:
    """Return what was unpacked into a folder, or None if the manifest there is broken.

    Raises:
        LabError: if a newer labserver has written the manifest, or it cannot be read.
    """
    try:
        content = (folder / NAME).read_bytes()
    except OSError as error:
        raise LabError(f"{folder / NAME} cannot be read: {error.strerror}.") from None
    try:
        loose: dict[str, Any] = msgspec.json.decode(content, type=dict[str, Any])
        if loose["format"] > _FORMAT:
            raise LabError(
                f"{folder} was unpacked by a newer labserver: update labserver, or name another"
                " folder."
            )
        editions = msgspec.convert(loose, _Manifest).editions
    except (msgspec.MsgspecError, KeyError, TypeError, UnicodeDecodeError):
        return None
    return editions if all(map(_is_within, editions)) else None


def write(folder: Path, editions: Editions) -> None:
    """Replace the manifest of a folder.

    Raises:
        OSError: if it cannot be written.
    """
    content = msgspec.json.encode(_Manifest(_FORMAT, editions))
    write_atomically(folder / NAME, msgspec.json.format(content) + b"\n")


def _is_within(path: str) -> bool:
    """Whether a path of the manifest stays in its folder, on Windows too."""
    return not {"", ".", ".."} & set(path.split("/")) and not {"\\", ":"} & set(path)
