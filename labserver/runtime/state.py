"""What one user's servers share on this machine: the secret and the mailbox.

They are in the user's state folder, or in the folder that LABSERVER_STATE names. Only the owner
can read the secret, and all processes get the same one, even if many ask for it first at once.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from labserver.atomic_file import write_atomically
from labserver.chat.tokens import new_secret
from labserver.errors import LabError

SECRET_VARIABLE = "LABSERVER_SECRET"
FOLDER_VARIABLE = "LABSERVER_STATE"


def folder() -> Path:
    """Return the state folder; if it is missing, make it for this user alone (mode 700).

    Raises:
        LabError: if it cannot be made.
    """
    given = os.environ.get(FOLDER_VARIABLE)
    if given:
        path = Path(given)
    else:
        import platformdirs

        path = Path(platformdirs.user_state_dir("labserver", appauthor=False))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise LabError(
            f"The state folder {path} cannot be made ({error}): set {FOLDER_VARIABLE} to another."
        ) from error
    return path


def mailbox() -> Path:
    """Return the SQLite file in which direct messages wait for people who are away."""
    return folder() / "mailbox.sqlite3"


def secret() -> str:
    """Return the secret that signs the tokens: LABSERVER_SECRET, or the one in the state folder.

    Raises:
        LabError: if it can be neither read nor made, or if others could have read it.
    """
    given = os.environ.get(SECRET_VARIABLE)
    if given is not None:
        return given
    path = folder() / "secret"
    try:
        if not path.exists():
            with suppress(FileExistsError):  # another process was quicker: its secret stays
                write_atomically(path, f"{new_secret()}\n".encode(), mode=0o600, replace=False)
        _check_private(path)
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(
            f"The secret {path} cannot be used ({error}): set {SECRET_VARIABLE} instead."
        ) from error


def _check_private(path: Path) -> None:
    if os.name != "posix":
        return
    status = path.stat()
    if stat.S_IMODE(status.st_mode) & 0o077 or status.st_uid != os.geteuid():
        raise LabError(
            f"Others can read the secret {path}: delete it, and the next start makes a new one."
        )
