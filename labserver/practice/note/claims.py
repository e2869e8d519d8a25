"""The claims of the study note: what it says, where, and which lessons judge it.

They stand in claims.toml beside this file, from which docs/note.md is made as well.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files

from labserver.errors import LabError


@dataclass(frozen=True, slots=True)
class NoteClaim:
    """One claim of the study note.

    Attributes:
        id: the name that lessons know it by, such as `accept-hash`.
        section: the note's heading that it stands under.
        about: the row, column or question that the words stand in, or "".
        words: the note's words.
        lessons: the numbers of the lessons that judge it, the one that decides first.
    """

    id: str
    section: str
    about: str
    words: str
    lessons: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.about}: “{self.words}”" if self.about else f"“{self.words}”"


@cache
def claims() -> dict[str, NoteClaim]:
    """Return all claims by id, in the order of the note."""
    text = files("labserver.practice.note").joinpath("claims.toml").read_text(encoding="utf-8")
    return {
        entry["id"]: NoteClaim(
            entry["id"],
            entry["section"],
            entry.get("about", ""),
            entry["words"],
            tuple(entry["lessons"]),
        )
        for entry in tomllib.loads(text)["claims"]
    }


def claim(claim_id: str) -> NoteClaim:
    """Return one claim.

    Raises:
        LabError: if there is none of that id; it names some that are near.
    """
    known = claims()
    if claim_id in known:
        return known[claim_id]
    near = get_close_matches(claim_id, known, n=3, cutoff=0.5)
    near += [name for name in known if claim_id in name and name not in near][: 3 - len(near)]
    hint = f"did you mean {' or '.join(near)}?" if near else "lab.verdicts() lists them."
    raise LabError(f"The note has no claim {claim_id!r}: {hint}")


def table_claim_id(dimension: str, technique: str) -> str:
    """Return the id of a cell of the note's comparison table.

    Args:
        dimension: the row, such as `Proxy support`.
        technique: the column, such as `long_polling`.
    """
    return "-".join(["table", *re.findall("[a-z]+", f"{dimension} {technique}".lower())])
