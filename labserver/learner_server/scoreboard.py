"""How a conformance run went: text, a table for the notebook, a DataFrame.

What came from the wire and from the learner's code is data here, and escaped.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from labserver.practice.checking.judge import COLOURS, MARKS, Outcome

if TYPE_CHECKING:
    import pandas

FAILURES_MAX = 8  # that the text shows; the table and the frame have all of them
STAND_IN = "Leave out a part that is not done yet, and the lab's own stands in for it."
HEADINGS = ("", "case", "sent", "came", "expected", "rule")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreboardRow:
    """How one case went.

    Attributes:
        group: what it is about.
        case: what happened.
        passed: whether the right thing came.
        sent: the first bytes, as hex.
        came: frames, in words.
        expected: the same.
        rule: what decides, with its source.
        exercise: whose part decides.
        why: what was wrong; empty: nothing.
        not_attempted: whether a part is still the stub.
    """

    group: str
    case: str
    passed: bool
    sent: str
    came: str
    expected: str
    rule: str
    exercise: str
    why: str = ""
    not_attempted: bool = False

    @property
    def outcome(self) -> Outcome:
        """Pass, wrong, or not attempted."""
        if self.passed:
            return Outcome.PASS
        return Outcome.NOT_ATTEMPTED if self.not_attempted else Outcome.WRONG


@dataclass(frozen=True, slots=True)
class Scoreboard:
    """How a server did; as a cell's last line, a table.

    Attributes:
        rows: one a case.
        stubs: the exercises whose part is still the stub, such as `E12 FrameDecoder`.
    """

    rows: tuple[ScoreboardRow, ...]
    stubs: tuple[str, ...] = ()

    @property
    def passed(self) -> int:
        """How many cases passed."""
        return sum(row.passed for row in self.rows)

    @property
    def total(self) -> int:
        """How many there are."""
        return len(self.rows)

    @property
    def summary(self) -> str:
        """One line: how many passed, and what is not attempted yet."""
        line = f"{self.passed} of {self.total} passed"
        return f"{line}. Not attempted yet: {', '.join(self.stubs)}." if self.stubs else line

    def frame(self) -> pandas.DataFrame:
        """One row a case, with the columns of `ScoreboardRow`."""
        import pandas

        return pandas.DataFrame([asdict(row) for row in self.rows])

    def __repr__(self) -> str:
        groups = [(name, *_count(rows)) for name, rows in self._groups()]
        width = max((len(name) for name, _, _ in groups), default=0)
        lines = [self.summary, ""]
        lines += [f"{name:<{width}}  {passed:>2} of {total:>2}" for name, passed, total in groups]
        if self.stubs:
            lines += ["", STAND_IN]
        failed = [row for row in self.rows if row.outcome is Outcome.WRONG]
        for row in failed[:FAILURES_MAX]:
            lines += ["", *_told(row)]
        if len(failed) > FAILURES_MAX:
            lines += ["", f"… and {len(failed) - FAILURES_MAX} more: see .frame()"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        passed = self.passed == self.total
        outcome = Outcome.PASS if passed else Outcome.WRONG
        groups = "".join(_group(name, rows) for name, rows in self._groups())
        return (
            f"<div style='border-left:4px solid {COLOURS[outcome]};padding:4px 12px;margin:0'>"
            f"<strong>{MARKS[outcome]} {html.escape(self.summary)}</strong>"
            f"{f'<div>{STAND_IN}</div>' if self.stubs else ''}{groups}</div>"
        )

    def _groups(self) -> Iterator[tuple[str, list[ScoreboardRow]]]:
        for name, rows in groupby(self.rows, key=lambda row: row.group):
            yield name, list(rows)


def _count(rows: list[ScoreboardRow]) -> tuple[int, int]:
    return sum(row.passed for row in rows), len(rows)


def _told(row: ScoreboardRow) -> list[str]:
    return [
        f"{MARKS[row.outcome]} {row.group}: {row.case}",
        f"  why       {row.why}",
        f"  sent      {row.sent}",
        f"  came      {row.came}",
        f"  expected  {row.expected}",
        f"  rule      {row.rule} ({row.exercise})",
    ]


def _group(name: str, rows: list[ScoreboardRow]) -> str:
    """A group to fold out, open where something went wrong."""
    passed, total = _count(rows)
    is_open = " open" if any(row.outcome is Outcome.WRONG for row in rows) else ""
    mark = MARKS[Outcome.PASS if passed == total else _worst(rows)]
    head = "".join(f"<th style='text-align:left'>{one}</th>" for one in HEADINGS)
    body = "".join(map(_line, rows))
    return (
        f"<details{is_open}><summary>{mark} {html.escape(name)}: {passed} of {total}</summary>"
        f"<table style='margin:0 0 8px'><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></details>"
    )


def _worst(rows: list[ScoreboardRow]) -> Outcome:
    wrong = any(row.outcome is Outcome.WRONG for row in rows)
    return Outcome.WRONG if wrong else Outcome.NOT_ATTEMPTED


def _line(row: ScoreboardRow) -> str:
    cells = (
        f"<span style='color:{COLOURS[row.outcome]}'>{MARKS[row.outcome]}</span>",
        html.escape(row.case),
        f"<code>{html.escape(row.sent)}</code>",
        html.escape(row.came),
        html.escape(row.expected),
        f"{html.escape(row.rule)} ({html.escape(row.exercise)})",
    )
    style = "text-align:left;vertical-align:top;overflow-wrap:anywhere"
    line = "<tr>" + "".join(f"<td style='{style}'>{one}</td>" for one in cells) + "</tr>"
    if row.why:  # below, as a column would be too narrow for it
        span = f"<td colspan={len(HEADINGS) - 1} style='{style}'>"
        line += f"<tr><td></td>{span}<em>{html.escape(row.why)}</em></td></tr>"
    return line
