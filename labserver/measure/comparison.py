"""The techniques side by side: what `labserver compare` measures and shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import msgspec

from labserver.errors import LabError
from labserver.measure.latency import QUICK as QUICK_WORKLOAD
from labserver.measure.latency import (
    Latency,
    LatencyPlan,
    latency_conditions,
    latency_plan,
    latency_table,
)
from labserver.measure.load_reports import Reporter
from labserver.measure.measurement import tell
from labserver.measure.overhead import SIZES, Overhead, OverheadPlan, overhead_plan, overhead_table
from labserver.measure.overhead import TECHNIQUES as ON_THE_TAPE
from labserver.measure.runner import carry_out
from labserver.measure.testbed import targets
from labserver.measure.verdict import Spread, Verdict
from labserver.measure.workload import Workload
from labserver.network.link import Link
from labserver.techniques import NAMES

QUICK_SIZES = (64, 1024)
CLIENT, SIZE = "Chromium", 64  # the table shows this client's headers and messages this long
RTT_MAX_MS = 2000.0  # more than any path has; the schedule then takes 102 people
PERCENT = 100  # of up to so many messages, percentile 99 is the slowest
LATENCY_FILE, OVERHEAD_FILE = "latency.csv", "overhead.csv"


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One technique in the table.

    Attributes:
        technique: the technique's name.
        median_ms, p99_ms: the latency, with the least and the most of the repetitions.
        lost: how many messages were never heard.
        message_bytes: bytes on the wire to deliver a message of 64 bytes to a browser; None if
            they are not on the tape.
        times: how many times the bytes of the technique that takes the least.
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
        overhead: bytes per message; None if no technique's bytes are on the tape.
        quick: whether time was saved at the cost of certainty.
    """

    latency: Latency
    overhead: Overhead | None
    quick: bool = False

    @property
    def link(self) -> str:
        """The path, in words."""
        return str(self.latency.table["link"].iloc[0])

    def rows(self) -> list[ComparisonRow]:
        """Return the table, the lowest latency first."""
        medians = self.latency.spreads(self.link)
        p99s = self.latency.spreads(self.link, 99)
        lost = dict(self.latency.summary()[["technique", "lost"]].itertuples(index=False))
        sizes = (
            {} if self.overhead is None else self.overhead.message_bytes(client=CLIENT, size=SIZE)
        )
        least = min(sizes.values(), default=1.0)
        lines = [
            ComparisonRow(
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
        """Compare each technique with every slower one, by median latency."""
        names = [line.technique for line in self.rows()]
        return [self.latency.compare(a, b, link=self.link) for a, b in combinations(names, 2)]

    @property
    def conditions(self) -> str:
        """What was sent, and by how many people, in a sentence or two."""
        table = self.latency.table
        first = table.iloc[0]
        messages = table["message"].max() + 1
        said = (
            "Quick results, which are less certain: another run may order the latencies otherwise. "
            if self.quick
            else ""
        )
        said += (
            f"{messages:,} messages of {first['size']} bytes in each of"
            f" {table['repetition'].max() + 1} repetitions, {first['per_s']:g} per second, by"
            f" {first['rooms'] * first['members']} people in {first['rooms']} rooms."
        )
        polls = table["poll_interval_s"].dropna()
        if len(polls):
            said += f" Short polling polls every {polls.iloc[0] * 1000:g} ms."
        if messages <= PERCENT:
            said += " With so few messages, p99 is the slowest one."
        return said

    @property
    def notes(self) -> list[str]:
        """What to know when reading the table: what was left out or lost, and why."""
        notes = list(self.latency.notes)
        lines = self.rows()
        if any(line.technique == "webrtc" for line in lines):
            notes.append(
                "webrtc: its bytes are not counted, because the relay does not pass on UDP."
            )
        notes += [
            f"{line.technique}: {line.lost:,} messages were never heard."
            for line in lines
            if line.lost
        ]
        return notes

    def save(self, folder: Path) -> None:
        """Write what was measured as CSV files, and the conditions as JSON beside them.

        Raises:
            LabError: if it cannot be written.
        """
        self.latency.save(folder / LATENCY_FILE)
        if self.overhead is not None:
            self.overhead.save(folder / OVERHEAD_FILE)


class ComparisonPlan(msgspec.Struct, tag="comparison"):
    """What is to be measured, as it is sent to the load's process: by the same servers."""

    latency: LatencyPlan
    overhead: OverheadPlan | None

    async def work(self, reporter: Reporter) -> None:
        """Count the bytes, then measure the latencies.

        Starting a server takes longer than a quick measurement, so each starts once. Bytes come
        first: by then the machine has come to rest after starting the servers.

        Raises:
            LabError: if a server does not start or cannot be reached.
        """
        counted = 0 if self.overhead is None else self.overhead.said
        reporter.expect(counted + self.latency.deliveries)
        timed = [technique for technique, _ in self.latency.runs]
        on_tape = [] if self.overhead is None else self.overhead.techniques
        async with targets(dict.fromkeys([*timed, *on_tape])) as servers:
            if self.overhead is not None:
                await self.overhead.measure(servers, reporter)
            await self.latency.measure(servers, reporter, done=counted)


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is to be compared.

    Args:
        techniques: the techniques' names.
        messages: how many messages are sent in each repetition; None for as many as `latency`
            sends by default.
        rtt_ms: the round trip of the path to simulate; 0 for none.
        quick: whether to take less time, for less certain results.

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
                "webrtc goes over UDP, but the relay that simulates a path passes on only TCP:"
                " compare other techniques, or leave out the round trip."
            )
        self._workload()

    def run(self, *, progress: bool = True) -> Comparison:
        """Measure latency and overhead.

        Args:
            progress: whether to show progress bars.

        Raises:
            LabError: if a server cannot be reached.
        """
        path = f"a round trip of {self.rtt_ms:g} ms" if self.rtt_ms else "loopback"
        timed, notes = latency_plan(
            self.techniques,
            {path: Link(rtt_ms=self.rtt_ms)},
            workload=self._workload(),
            quick=self.quick,
        )
        sizes = QUICK_SIZES if self.quick else SIZES
        on_tape = [name for name in self.techniques if name in ON_THE_TAPE]
        counted = overhead_plan(on_tape, sizes=sizes) if on_tape else None
        plan = ComparisonPlan(timed, counted)
        began = latency_conditions(timed)
        rows = carry_out(plan, progress=progress)
        # The latencies come last, and all of them, because those that were lost have rows as well.
        times = len(rows) - timed.deliveries
        latency = Latency(latency_table(timed, rows[times:]), began, notes)
        overhead = None if counted is None else Overhead(overhead_table(rows[:times]), began)
        bytes_taken = [] if overhead is None else overhead.measurements()
        tell([*latency.measurements(), *bytes_taken], quick=self.quick)
        return Comparison(latency, overhead, self.quick)

    def _workload(self) -> Workload:
        """Return a workload with enough people for answers to be back before the next turn."""
        usual = QUICK_WORKLOAD if self.quick else Workload()
        speakers = self.rtt_ms / 1000 * usual.per_s + 1
        return replace(
            usual,
            messages=usual.messages if self.messages is None else self.messages,
            rooms=max(usual.rooms, math.ceil(speakers / usual.members)),
        )


def named(techniques: str) -> list[str]:
    """Return the names in a comma-separated list, each once."""
    return list(dict.fromkeys(name.strip() for name in techniques.split(",")))
