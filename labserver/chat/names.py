"""The names that users, rooms and sessions may have."""

from __future__ import annotations

import re

from labserver.errors import Refused

NAME_MAX = 64

_NAME = re.compile(rf"[A-Za-z0-9_.-]{{1,{NAME_MAX}}}")


def check_name(name: str, what: str) -> str:
    """Return `name` if it is a valid name.

    Args:
        name: the name to check.
        what: what it names, for the message: user, room, recipientId, session.

    Raises:
        Refused: `bad_name` (400).
    """
    if _NAME.fullmatch(name) is None:
        raise Refused(
            400,
            "bad_name",
            f"{what} must be 1 to {NAME_MAX} characters, only A-Z a-z 0-9 _ . and -.",
        )
    return name
