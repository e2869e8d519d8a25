"""What the servers of one user share on this machine: the secret and the mailbox.

They lie in the user's state folder, or where LABSERVER_STATE says. The secret can be read
by its owner alone, and is the same for all, whoever asks first, at however many at once.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from labserver.chat.tokens import new_secret
from labserver.errors import LabError

SECRET_VARIABLE = "LABSERVER_SECRET"
FOLDER_VARIABLE = "LABSERVER_STATE"


def folder() -> Path:
    """The state folder, made where it is missing, for this user alone (mode 700).

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
            f"No state folder at {path} ({error}): set {FOLDER_VARIABLE} to another."
        ) from error
    return path


def mailbox() -> Path:
    """The SQLite file in which direct messages wait for people who are away."""
    return folder() / "mailbox.sqlite3"


def secret() -> str:
    """The secret that signs the tokens: LABSERVER_SECRET, else the one in the state folder.

    Raises:
        LabError: if it can be neither read nor made, or others could have read it.
    """
    given = os.environ.get(SECRET_VARIABLE)
    if given is not None:
        return given
    path = folder() / "secret"
    try:
        if not path.exists():
            _make(path)
        _check_private(path)
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(
            f"The secret {path} cannot be used ({error}): set {SECRET_VARIABLE} instead."
        ) from error


def _make(path: Path) -> None:
    """Write a new secret, whole or not at all; of several at once the first one stays."""
    draft = path.with_name(f"secret.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{new_secret()}\n")
        os.link(draft, path)  # unlike a rename it does not replace what is there
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _check_private(path: Path) -> None:
    if os.name != "posix":
        return
    status = path.stat()
    if stat.S_IMODE(status.st_mode) & 0o077 or status.st_uid != os.geteuid():
        raise LabError(
            f"Others can read the secret {path}: delete it, and the next start makes a new one."
        )
