"""The techniques side by side: what `labserver compare` measures and says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

from labserver.errors import LabError
from labserver.measure import latency as from_due_to_heard
from labserver.measure import overhead as on_the_wire
from labserver.measure.latency import Latency, latency
from labserver.measure.overhead import Overhead, overhead
from labserver.measure.verdict import Spread, Verdict
from labserver.measure.workload import Workload
from labserver.network.link import Link
from labserver.techniques import NAMES

QUICK_SIZES = (64, 1024)
CLIENT, SIZE = "Chromium", 64  # whose headers, and how long a message, the table shows
RTT_MAX_MS = 2000.0  # more than any path has; it takes 102 people to keep up with the schedule
PERCENT = 100  # with so many, the percentile 99 is still the slowest
LATENCY_FILE, OVERHEAD_FILE = "latency.csv", "overhead.csv"


@dataclass(frozen=True, slots=True)
class Line:
    """A technique in the table.

    Attributes:
        technique: its name.
        median_ms, p99_ms: of the latency, with the least and the most of the repetitions.
        lost: messages that were never heard.
        message_bytes: on the wire, to deliver a message of 64 bytes to a browser; None where
            they are not on the tape.
        times: as many times the least of the techniques.
    """

    technique: str
    median_ms: Spread
    p99_ms: Spread
    lost: int
    message_bytes: float | None
    times: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was measured.

    Attributes:
        latency: from due to heard, over one link.
        overhead: bytes of a message; None where no technique's bytes are on the tape.
    """

    latency: Latency
    overhead: Overhead | None

    @property
    def link(self) -> str:
        """What the path was, in words."""
        return str(self.latency.table["link"].iloc[0])

    def lines(self) -> list[Line]:
        """The table, the lowest latency first."""
        medians = self.latency.spreads(self.link)
        p99s = self.latency.spreads(self.link, 99)
        lost = dict(self.latency.summary()[["technique", "lost"]].itertuples(index=False))
        sizes = (
            {} if self.overhead is None else self.overhead.message_bytes(client=CLIENT, size=SIZE)
        )
        least = min(sizes.values(), default=1.0)
        lines = [
            Line(
                technique,
                median,
                p99s[technique],
                int(lost[technique]),
                sizes.get(technique),
                sizes[technique] / least if technique in sizes else None,
            )
            for technique, median in medians.items()
        ]
        return sorted(lines, key=lambda line: line.median_ms.median)

    def verdicts(self) -> list[Verdict]:
        """Each technique against each that is slower, by the median of its latency."""
        names = [line.technique for line in self.lines()]
        return [self.latency.compare(a, b, link=self.link) for a, b in combinations(names, 2)]

    @property
    def conditions(self) -> str:
        """What was said, and by how many, in a sentence or two."""
        table = self.latency.table
        first = table.iloc[0]
        messages = table["message"].max() + 1
        said = (
            f"{messages:,} messages of {first['size']} bytes in each of"
            f" {table['repetition'].max() + 1} repetitions, {first['per_s']:g} a second, by"
            f" {first['rooms'] * first['members']} people in {first['rooms']} rooms."
        )
        polls = table["poll_interval_s"].dropna()
        if len(polls):
            said += f" Short polling asks every {polls.iloc[0] * 1000:g} ms."
        if messages <= PERCENT:
            said += " Of so few, p99 is the slowest."
        return said

    @property
    def notes(self) -> list[str]:
        """What to know when reading it: what was left out or lost, and why."""
        notes = list(self.latency.notes)
        lines = self.lines()
        if any(line.technique == "webrtc" for line in lines):
            notes.append("webrtc: its bytes are not counted, as the relay does not pass on UDP.")
        notes += [
            f"{line.technique}: {line.lost:,} messages were never heard."
            for line in lines
            if line.lost
        ]
        return notes

    def save(self, folder: Path) -> None:
        """Write what was measured as CSV, and the conditions as JSON beside it.

        Raises:
            LabError: if it cannot be written.
        """
        self.latency.save(folder / LATENCY_FILE)
        if self.overhead is not None:
            self.overhead.save(folder / OVERHEAD_FILE)


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is to be compared.

    Args:
        techniques: their names.
        messages: how many are said in each repetition; None: as `latency` has it.
        rtt_ms: the round trip of the path that is played; 0: none is.
        quick: less certain, and sooner.

    Raises:
        LabError: if that makes no sense.
    """

    techniques: Sequence[str] = NAMES
    messages: int | None = None
    rtt_ms: float = 0.0
    quick: bool = False

    def __post_init__(self) -> None:
        for name in self.techniques:
            if name not in NAMES:
                raise LabError(f"There is no technique {name!r}; there are {', '.join(NAMES)}.")
        if not 0 <= self.rtt_ms <= RTT_MAX_MS:
            raise LabError(f"A round trip is 0 to {RTT_MAX_MS:,.0f} ms, not {self.rtt_ms:g}.")
        if self.rtt_ms and set(self.techniques) <= {"webrtc"}:
            raise LabError(
                "webrtc goes over UDP, and the relay, which plays a path, passes on TCP:"
                " compare others, or leave out the round trip."
            )
        self._workload()

    def run(self, *, progress: bool = True) -> Comparison:
        """Measure latency and overhead.

        Args:
            progress: show bars.

        Raises:
            LabError: if a server cannot be reached.
        """
        path = f"a round trip of {self.rtt_ms:g} ms" if self.rtt_ms else "loopback"
        measured = latency(
            self.techniques,
            {path: Link(rtt_ms=self.rtt_ms)},
            workload=self._workload(),
            quick=self.quick,
            progress=progress,
        )
        on_tape = [name for name in self.techniques if name in on_the_wire.TECHNIQUES]
        if not on_tape:
            return Comparison(measured, None)
        sizes = QUICK_SIZES if self.quick else on_the_wire.SIZES
        return Comparison(measured, overhead(on_tape, sizes=sizes, progress=progress))

    def _workload(self) -> Workload:
        """What is said: by so many that an answer is back before the next turn of its speaker."""
        usual = from_due_to_heard.QUICK if self.quick else Workload()
        speakers = self.rtt_ms / 1000 * usual.per_s + 1
        return replace(
            usual,
            messages=usual.messages if self.messages is None else self.messages,
            rooms=max(usual.rooms, math.ceil(speakers / usual.members)),
        )


def named(techniques: str) -> list[str]:
    """The names in a list with commas, each once."""
    return list(dict.fromkeys(name.strip() for name in techniques.split(",")))


def in_ms(spread: Spread) -> str:
    """A latency as a table shows it: `0.68 (0.67 to 0.69)`; `never` for what was lost."""
    return f"{_ms(spread.median)} ({_ms(spread.least)} to {_ms(spread.most)})"


def _ms(value: float) -> str:
    if math.isinf(value):
        return "never"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
