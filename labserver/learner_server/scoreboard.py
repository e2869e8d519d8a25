"""How a conformance run went: text, a table for the notebook, a DataFrame.

What came over the wire and from the learner's code is data here, and escaped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from labserver.practice.checking.judge import COLOURS, SIGNS, Outcome
from labserver.templates import render

if TYPE_CHECKING:
    import pandas

FAILURES_MAX = 8  # that the text shows; the table and the DataFrame have them all
STAND_IN = "Leave out a part that you have not done yet, and the lab's own stands in for it."
HEADINGS = ("", "case", "sent", "received", "expected", "rule")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreboardRow:
    """How one case went.

    Attributes:
        group: what it is about.
        case: what the client did.
        passed: whether the right frames came back.
        sent: the first bytes that the client sent, as hex.
        received: the frames that came back, in words.
        expected: the frames that should have come back, in words.
        rule: the rule that decides, with its source.
        exercise: the exercise whose part decides.
        why: what was wrong; "" if nothing was.
        not_attempted: whether a part is still the stub.
    """

    group: str
    case: str
    passed: bool
    sent: str
    received: str
    expected: str
    rule: str
    exercise: str
    why: str = ""
    not_attempted: bool = False

    @property
    def outcome(self) -> Outcome:
        if self.passed:
            return Outcome.PASS
        return Outcome.NOT_ATTEMPTED if self.not_attempted else Outcome.WRONG


@dataclass(frozen=True, slots=True)
class Scoreboard:
    """How a server did; a cell's last line shows it as a table.

    Attributes:
        rows: one per case.
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
        """How many cases there are."""
        return len(self.rows)

    @property
    def summary(self) -> str:
        """One line: how many passed, and what is not attempted yet."""
        line = f"{self.passed} of {self.total} passed"
        return f"{line}. Not attempted yet: {', '.join(self.stubs)}." if self.stubs else line

    def frame(self) -> pandas.DataFrame:
        """Return a DataFrame with one row per case and the columns of `ScoreboardRow`."""
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
            lines += ["", *_described(row)]
        if len(failed) > FAILURES_MAX:
            lines += ["", f"… and {len(failed) - FAILURES_MAX} more: see .frame()"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        outcome = Outcome.PASS if self.passed == self.total else Outcome.WRONG
        return render(
            "learner_server/scoreboard.html",
            sign=SIGNS[outcome],
            colour=COLOURS[outcome],
            summary=self.summary,
            stand_in=STAND_IN if self.stubs else "",
            groups=[_group(name, rows) for name, rows in self._groups()],
            headings=HEADINGS,
            signs=SIGNS,
            colours=COLOURS,
        )

    def _groups(self) -> Iterator[tuple[str, list[ScoreboardRow]]]:
        for name, rows in groupby(self.rows, key=lambda row: row.group):
            yield name, list(rows)


def _count(rows: list[ScoreboardRow]) -> tuple[int, int]:
    return sum(row.passed for row in rows), len(rows)


def _described(row: ScoreboardRow) -> list[str]:
    return [
        f"{SIGNS[row.outcome]} {row.group}: {row.case}",
        f"  why       {row.why}",
        f"  sent      {row.sent}",
        f"  received  {row.received}",
        f"  expected  {row.expected}",
        f"  rule      {row.rule} ({row.exercise})",
    ]


def _group(name: str, rows: list[ScoreboardRow]) -> dict[str, object]:
    """Describe a group for the table, in which it can be unfolded."""
    passed, total = _count(rows)
    return {
        "name": name,
        "rows": rows,
        "passed": passed,
        "sign": SIGNS[Outcome.PASS if passed == total else _worst(rows)],
        "open": any(row.outcome is Outcome.WRONG for row in rows),
    }


def _worst(rows: list[ScoreboardRow]) -> Outcome:
    wrong = any(row.outcome is Outcome.WRONG for row in rows)
    return Outcome.WRONG if wrong else Outcome.NOT_ATTEMPTED
