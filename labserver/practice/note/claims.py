"""The claims of the study note, each with an id, the note's words, and the lessons that test it.

The suite takes no sentence of the note for granted: each one is a hypothesis until a run of the
learner's own says something of it (`verdicts.py`). The claims are data, in claims.toml, of which
docs/note.md is made as well.
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

from labserver.errors import LabError

FILE = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True, slots=True)
class NoteClaim:
    """One claim of the study note.

    Attributes:
        id: its name, which never changes.
        section: where it stands in the note.
        words: what the note says; of a row of a table, the cells in one line.
        lessons: the numbers of the lessons that put it to the test.
    """

    id: str
    section: str
    words: str
    lessons: tuple[int, ...]


@cache
def claims() -> tuple[NoteClaim, ...]:
    """Return all claims, in the note's order."""
    found = tomllib.loads(FILE.read_text(encoding="utf-8"))["claim"]
    return tuple(
        NoteClaim(one["id"], one["section"], one["words"], tuple(one["lessons"])) for one in found
    )


def claim(claim_id: str) -> NoteClaim:
    """Return the claim with an id.

    Raises:
        LabError: if there is none; the message names those whose ids are similar.
    """
    known = {one.id: one for one in claims()}
    if claim_id in known:
        return known[claim_id]
    near = difflib.get_close_matches(claim_id, known, cutoff=0.4)
    advice = f"did you mean {' or '.join(near)}?" if near else "docs/note.md lists all claims."
    raise LabError(f"The note has no claim {claim_id!r}: {advice}")


def page() -> str:
    """Return docs/note.md: every claim, with its id and its lessons."""
    lines = [
        "# What the study note claims",
        "",
        "<!-- Made by `make docs` from labserver/practice/note/claims.toml. -->",
        "",
        "This suite began as a study note for system-design interviews. Most of such a note is",
        "right, a part of it is outdated, and a part was never true; and from reading alone,",
        "nobody can tell which is which. So the suite treats each sentence of the note as a",
        "hypothesis: a lesson runs the experiment and gives a verdict, which is *holds*,",
        "*holds when …*, *does not hold*, or *undecided*. `lab.verdicts()` shows your own.",
    ]
    for section, group in groupby(claims(), key=lambda one: one.section):
        lines += ["", f"## {section}", "", "| claim | the note says | lesson |", "|---|---|---|"]
        lines += [
            f"| `{one.id}` | {_cell(one.words)} | {', '.join(f'{n:02}' for n in one.lessons)} |"
            for one in group
        ]
    return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    """Escape what Markdown would take for a part of the table, or for HTML."""
    return text.replace("|", "\\|").replace("<", "&lt;")
