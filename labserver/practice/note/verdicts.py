"""`lab.verdict` and `lab.verdicts`: what the learner's own runs say of the note's claims.

A lesson gives its verdicts at its end. They are kept, so that the scoreboard fills as lessons are
done; a later verdict on the same claim replaces the earlier one.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass
from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from labserver.clock import SystemClock, iso
from labserver.errors import LabError
from labserver.measure.claims import CONDITIONS, FAILS, HOLDS, OPEN
from labserver.practice.note.claims import NoteClaim, claim, claims
from labserver.practice.progress.store import kept as kept_on_disk
from labserver.templates import render

if TYPE_CHECKING:
    import pandas

UNDECIDED = "undecided"
SIGNS = {HOLDS: "✓", CONDITIONS: "~", FAILS: "✗", UNDECIDED: "?"}
EVIDENCE_CHARS = 400
QUICK_VARIABLE = "LABSERVER_QUICK"
LINE = 96  # characters per printed line
TABLE = "table-{dimension}-{technique}"  # the ids of the comparison table's cells


@dataclass(frozen=True, slots=True)
class NoteVerdict:
    """A claim, and what a run says of it; a cell's last line shows it.

    Attributes:
        claim: the claim.
        verdict: "holds", "holds when", "does not hold" or "undecided"; "" if no run has judged it.
        evidence: what was seen.
        quick: whether the run was a quick one, whose measurements are less certain.
    """

    claim: NoteClaim
    verdict: str = ""
    evidence: str = ""
    quick: bool = False

    @property
    def sign(self) -> str:
        """The verdict as one character."""
        return SIGNS.get(self.verdict, "·")

    @property
    def said(self) -> str:
        """The verdict and its evidence, or which lesson will give one."""
        if not self.verdict:
            numbers = " and ".join(f"{number:02}" for number in self.claim.lessons)
            return f"not judged yet: lesson {numbers}"
        quick = " (a quick run)" if self.quick else ""
        return f"{self.verdict}: {self.evidence}{quick}"

    def __repr__(self) -> str:
        text = f"{self.sign} “{self.claim.words}” {self.said}"
        return "\n  ".join(wrap(text, LINE, break_on_hyphens=False))

    def _repr_html_(self) -> str:
        return render("practice/note/verdicts.html", sections=[("", [self])], summary="")


@dataclass(frozen=True, slots=True)
class NoteVerdicts:
    """The note's claims with their verdicts; a cell's last line shows it as a table.

    Attributes:
        rows: one per claim, in the note's order.
    """

    rows: tuple[NoteVerdict, ...]

    @property
    def judged(self) -> int:
        """How many claims have a verdict."""
        return sum(bool(row.verdict) for row in self.rows)

    def __repr__(self) -> str:
        return "\n".join([*map(repr, self.rows), "", self._summary()])

    def _repr_html_(self) -> str:
        sections = groupby(self.rows, key=lambda row: row.claim.section)
        return render(
            "practice/note/verdicts.html",
            sections=[(name, list(rows)) for name, rows in sections],
            summary=self._summary(),
        )

    def _summary(self) -> str:
        counts = Counter(row.verdict for row in self.rows)
        parts = [f"{counts[verdict]} {sign} {verdict}" for verdict, sign in SIGNS.items()]
        said = "; ".join(part for part in parts if not part.startswith("0 "))
        return f"{self.judged} of {len(self.rows)} claims are judged{': ' + said if said else ''}."


def verdict(claim_id: str, verdict: str, evidence: str) -> NoteVerdict:
    """Give a verdict on a claim of the study note, and keep it.

    Args:
        claim_id: the claim's id, such as `accept-hash`; docs/note.md lists them.
        verdict: "holds", "holds when", "does not hold" or "undecided".
        evidence: what this run has shown, in a few words; for "holds when", the condition.

    Returns:
        The claim with its verdict.

    Raises:
        LabError: if there is no such claim or verdict, or if the evidence is missing or too long.
    """
    return _keep([(claim(claim_id), verdict, evidence)], kept_on_disk("verdicts"))[0]


def judge_table(table: pandas.DataFrame) -> NoteVerdicts:
    """Give a verdict on each cell of the note's comparison table, and keep them.

    Args:
        table: as returned by `measure.claims.claims_table`; its open cells are left out.

    Returns:
        The cells that were judged.
    """
    return NoteVerdicts(
        tuple(
            _keep(
                [
                    (_cell(row.dimension, row.technique), row.verdict, row.evidence)
                    for row in table.itertuples()
                    if row.verdict != OPEN
                ],
                kept_on_disk("verdicts"),
            )
        )
    )


def verdicts(lesson: int | None = None) -> NoteVerdicts:
    """Return the scoreboard: each claim of the study note, and what your runs say of it.

    Args:
        lesson: the lesson whose claims to list, such as 4; None for all.

    Raises:
        LabError: if no claim belongs to that lesson, or the progress file cannot be used.
    """
    chosen = [one for one in claims() if lesson is None or lesson in one.lessons]
    if not chosen:
        numbers = sorted({number for one in claims() for number in one.lessons})
        raise LabError(
            f"Lesson {lesson!r} judges no claim of the note: choose one of"
            f" {', '.join(map(str, numbers))}, or leave it out for all."
        )
    kept = dict(kept_on_disk("verdicts"))
    return NoteVerdicts(tuple(_found(one, kept.get(one.id, {})) for one in chosen))


def _found(one: NoteClaim, entry: dict[str, Any]) -> NoteVerdict:
    if entry.get("verdict") not in SIGNS:
        return NoteVerdict(one)
    return NoteVerdict(
        one, entry["verdict"], str(entry.get("evidence", "")), bool(entry.get("quick"))
    )


def _keep(
    given: Iterable[tuple[NoteClaim, str, str]], kept: MutableMapping[str, dict[str, Any]]
) -> list[NoteVerdict]:
    """Keep verdicts, after all of them have proved to be valid."""
    quick = bool(os.environ.get(QUICK_VARIABLE))
    found = []
    for one, said, evidence in given:
        if said not in SIGNS:
            raise LabError(f"{said!r} is not a verdict: give one of {', '.join(SIGNS)}.")
        if not evidence.strip():
            raise LabError("Say what the run has shown: evidence= must not be empty.")
        if len(evidence) > EVIDENCE_CHARS:
            raise LabError(f"Say it in at most {EVIDENCE_CHARS} characters.")
        found.append(NoteVerdict(one, said, evidence.strip(), quick))
    now = iso(SystemClock().time())
    for row in found:
        kept[row.claim.id] = {
            "verdict": row.verdict,
            "evidence": row.evidence,
            "judged": now,
            "quick": row.quick,
        }
    return found


def _cell(dimension: str, technique: str) -> NoteClaim:
    """Return the claim of a cell of the comparison table."""
    words = (text.lower().replace(" ", "-").replace("_", "-") for text in (dimension, technique))
    return claim(TABLE.format(**dict(zip(("dimension", "technique"), words, strict=True))))
