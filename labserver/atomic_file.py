"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path


def write_atomically(
    path: Path, content: bytes, *, mode: int = 0o666, replace: bool = True
) -> None:
    """Write a file whole or not at all, even if the machine stops in the middle.

    The content goes to a draft beside the file, onto the disk, and only then under the file's
    name. Whoever reads the file sees the old content or the new, never a part of it.

    Args:
        path: the file.
        content: everything that is to be in it.
        mode: the permissions of a new file, less the process's umask; a file that is replaced
            gets them as well.
        replace: whether a file that is already there is replaced. If not, of several writers
            at once exactly one succeeds.

    Raises:
        FileExistsError: if the file is already there and `replace` is false.
        OSError: if it cannot be written; then there is no draft left behind.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with open(draft, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # a rename may reach the disk before what it renames
        if replace:
            draft.replace(path)
        else:
            os.link(draft, path)  # unlike a rename, it fails where a file is already there
    except OSError as error:
        if error.filename is None:
            raise
        # Whoever reads the error has never heard of a draft.
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
