"""`lab.verdict` and `lab.verdicts`: what the learner's own runs say of the note's claims.

A verdict is kept in the learner's progress, the latest of each claim, and the scoreboard shows
them all. A lesson judges a claim where its evidence stands, so the scoreboard fills as lessons
are done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, Any

from labserver.clock import Clock, SystemClock, iso
from labserver.errors import LabError
from labserver.figures.verdict_marks import INK, MARKS
from labserver.measure.measurement import is_quick
from labserver.practice.course_links import lesson_link
from labserver.practice.note.claims import NoteClaim, claim, claims, table_claim_id
from labserver.practice.progress.store import kept
from labserver.practice.shown import Shown
from labserver.templates import render

if TYPE_CHECKING:
    import pandas

WHEN = "holds when "
NOT_JUDGED = "·"  # the sign of a claim that no run has judged yet
OPEN = "open"  # what measure/claims.py calls a claim that was not measured


class NoteVerdict(StrEnum):
    """What a run says of a claim."""

    HOLDS = "holds"
    HOLDS_WHEN = "holds when"
    DOES_NOT_HOLD = "does not hold"
    UNDECIDED = "undecided"


# As the count says it, of one claim and of several.
COUNTED = {
    NoteVerdict.HOLDS: ("holds", "hold"),
    NoteVerdict.HOLDS_WHEN: ("holds under conditions", "hold under conditions"),
    NoteVerdict.DOES_NOT_HOLD: ("does not hold", "do not hold"),
    NoteVerdict.UNDECIDED: ("is undecided", "are undecided"),
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """A claim, and what was said of it.

    Attributes:
        claim: the claim.
        verdict: what was said of it; None if nothing was yet.
        condition: with "holds when", the condition, or "".
        evidence: the figures, or source and date.
        quick: whether it comes from a run that was quick rather than careful.
    """

    claim: NoteClaim
    verdict: NoteVerdict | None = None
    condition: str = ""
    evidence: str = ""
    quick: bool = False

    @property
    def sign(self) -> str:
        """The sign that says the verdict without colour."""
        return NOT_JUDGED if self.verdict is None else MARKS[self.verdict][1]

    @property
    def colour(self) -> str:
        """The tint that goes with the sign; "" if nothing was said yet."""
        return "" if self.verdict is None else MARKS[self.verdict][0]

    @property
    def said(self) -> str:
        """The verdict in words, with its condition."""
        if self.verdict is None:
            return "not judged yet"
        return f"{self.verdict} {self.condition}".rstrip()

    @property
    def reason(self) -> str:
        """The evidence, and that the run was a quick one, if it was."""
        return f"{self.evidence} (a quick run)" if self.quick else self.evidence

    def __repr__(self) -> str:
        about = f"The note, {self.claim.about}" if self.claim.about else "The note"
        said = self.said
        if said == NoteVerdict.HOLDS_WHEN:
            said = "holds only under conditions"
        return f"{about}: “{self.claim.words}”. Verdict: {said} — {self.reason}"

    def _repr_html_(self) -> str:
        return render("practice/note/verdict.html", one=self, ink=INK)


def verdict(
    claim_id: str, verdict: str | NoteVerdict, evidence: str, *, clock: Clock | None = None
) -> Judgement:
    """Record what this run says of a claim of the note; an earlier verdict is replaced.

    Args:
        claim_id: such as `accept-hash`; docs/note.md lists all of them.
        verdict: "holds", "does not hold", "undecided", or "holds when", best with its condition:
            "holds when keep-alive is off".
        evidence: what this run has shown, or a source and its date, in a few words.
        clock: tells the time that is kept with it.

    Returns:
        The verdict, which a cell's last line shows.

    Raises:
        LabError: if there is no such claim or verdict, the evidence is empty, or progress cannot
            be kept.
    """
    judged = _judgement(claim(claim_id), str(verdict), evidence)
    kept("verdicts")[claim_id] = _entry(judged, clock or SystemClock())
    return judged


def record(table: pandas.DataFrame, *, clock: Clock | None = None) -> Shown:
    """Record the verdicts of the note's comparison table; cells that are still open are left out.

    Args:
        table: what `labserver.measure.claims.claims_table` returns.
        clock: tells the time that is kept with them.

    Returns:
        How many were recorded.

    Raises:
        LabError: if a row is about no claim of the note, or progress cannot be kept.
    """
    judged = [
        _judgement(
            claim(table_claim_id(str(row.dimension), str(row.technique))), row.verdict, row.evidence
        )
        for row in table.itertuples()
        if row.verdict != OPEN
    ]
    now = clock or SystemClock()
    kept("verdicts").update({each.claim.id: _entry(each, now) for each in judged})
    still = len(table) - len(judged)
    return Shown(
        f"{len(judged)} of the table's {len(table)} claims are judged"
        + (f"; {still} are still open: measure them first." if still else ".")
    )


@dataclass(frozen=True, slots=True)
class Scoreboard:
    """The note's claims with what was said of them; a cell's last line shows it as a table.

    Attributes:
        judgements: one per claim, in the order of the note.
    """

    judgements: tuple[Judgement, ...]

    @property
    def summary(self) -> str:
        """How many claims are judged, and how."""
        said = [each.verdict for each in self.judgements if each.verdict is not None]
        counts = [
            f"{said.count(word)} {names[said.count(word) != 1]}"
            for word, names in COUNTED.items()
            if word in said
        ]
        line = f"{len(said)} of {_claims(len(self.judgements))} judged"
        return f"{line}: {', '.join(counts)}." if counts else f"{line}."

    def __repr__(self) -> str:
        lines = []
        for section, judgements in self._sections():
            lines.append(section)
            for each in judgements:
                reason = f" — {each.reason}" if each.verdict else f", {_in_lessons(each.claim)}"
                lines.append(f"  {each.sign} {each.claim}: {each.said}{reason}")
        return "\n".join([*lines, "", self.summary])

    def _repr_html_(self) -> str:
        return render(
            "practice/note/scoreboard.html",
            sections=[
                (section, Scoreboard(judgements), any(each.verdict for each in judgements))
                for section, judgements in self._sections()
            ],
            all_open=len(self.judgements) < len(claims()),
            links={number: lesson_link(number) for number in self._lessons()},
            summary=self.summary,
            ink=INK,
        )

    def _sections(self) -> list[tuple[str, tuple[Judgement, ...]]]:
        grouped = groupby(self.judgements, key=lambda each: each.claim.section)
        return [(section, tuple(judgements)) for section, judgements in grouped]

    def _lessons(self) -> set[int]:
        return {number for each in self.judgements for number in each.claim.lessons}


def verdicts(lesson: int | None = None) -> Scoreboard:
    """Return the scoreboard: what your runs have said of the note's claims so far.

    Args:
        lesson: the lesson whose claims to list, such as 4; None for all.

    Raises:
        LabError: if that lesson judges no claim, or the progress file cannot be used.
    """
    chosen = [each for each in claims().values() if lesson is None or lesson in each.lessons]
    if not chosen:
        lessons = sorted({number for each in claims().values() for number in each.lessons})
        raise LabError(
            f"Lesson {lesson!r} judges no claim of the note: choose one of"
            f" {', '.join(map(str, lessons))}, or leave it out for all."
        )
    entries = dict(kept("verdicts"))
    return Scoreboard(tuple(_found(each, entries.get(each.id, {})) for each in chosen))


def _judgement(judged: NoteClaim, said: str, evidence: str) -> Judgement:
    condition = said.removeprefix(WHEN).strip() if said.startswith(WHEN) else ""
    word = NoteVerdict.HOLDS_WHEN.value if condition else said.strip()
    if word not in set(NoteVerdict):
        raise LabError(f"{said!r} is no verdict: choose {_or(NoteVerdict)}.")
    if not evidence.strip():
        raise LabError(f"Give the evidence for {judged.id!r}: what has this run shown?")
    return Judgement(judged, NoteVerdict(word), condition, evidence.strip(), is_quick())


def _entry(judged: Judgement, clock: Clock) -> dict[str, Any]:
    return {
        "verdict": str(judged.verdict),
        "condition": judged.condition,
        "evidence": judged.evidence,
        "at": iso(clock.time()),
        "quick": judged.quick,
    }


def _found(judged: NoteClaim, entry: Mapping[str, Any]) -> Judgement:
    """Return what is kept of a claim; what this version does not understand counts as nothing."""
    if entry.get("verdict") not in set(NoteVerdict):
        return Judgement(judged)
    return Judgement(
        judged,
        NoteVerdict(entry["verdict"]),
        str(entry.get("condition", "")),
        str(entry.get("evidence", "")),
        bool(entry.get("quick", False)),
    )


def _in_lessons(judged: NoteClaim) -> str:
    numbers = [f"{number:02}" for number in judged.lessons]
    return f"lesson {numbers[0]} will" if len(numbers) == 1 else f"lessons {_and(numbers)} will"


def _claims(count: int) -> str:
    return f"{count} claim" if count == 1 else f"{count} claims"


def _or(words: Iterable[str]) -> str:
    *first, last = [f'"{word}"' for word in words]
    return f"{', '.join(first)} or {last}"


def _and(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"
