"""Capacity: what a listener costs the server, and how much can be said before latency bends.

A room is full of listeners that cost next to nothing (crowd.py); among them some proper clients
speak and hear, ever more often. The server's memory and processor time are read from outside.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import msgspec

from labserver.errors import LabError
from labserver.measure.listeners import crowd
from labserver.measure.load import SETTLE_S, Hall, Hearing, hall
from labserver.measure.overhead import TECHNIQUES
from labserver.measure.reports import Reporter
from labserver.measure.result import Measured, environment
from labserver.measure.runner import carry_out
from labserver.measure.testbed import Served, served
from labserver.measure.verdict import Spread
from labserver.measure.workload import Workload

if TYPE_CHECKING:
    import pandas

ROOM = "full"
MEMBERS = (50, 1000)
SPEAKERS = 8  # proper clients; each may send 50 messages a second
RATES = (20.0, 80.0, 320.0)  # messages a second
STEP_S = 1.0
REPETITIONS = 2
QUICK_MEMBERS = (50,)
QUICK_RATES = (20.0, 80.0)
QUICK_STEP_S = 0.5
QUICK_REPETITIONS = 1
POLL_INTERVAL_S = 0.5
BENT_MS = 100.0  # then latency has bent: people notice (J. Nielsen, "Usability Engineering", 1993)
FULL = 0.9  # of a core: who takes more is at its limit
NO_LIMIT, LATENCY = "not reached", "latency"

COLUMNS = (
    "technique",
    "members",
    "repetition",
    "per_s",
    "messages",
    "seconds",
    "p50_ms",
    "p90_ms",
    "lost",
    "server_cpu_s",
    "load_cpu_s",
    "kib_per_listener",
    "limit",
    "poll_interval_s",
)


class CapacityRow(NamedTuple):
    """One step: a room of some size, and a rate; see `Capacity`."""

    technique: str
    members: int
    repetition: int
    per_s: float
    messages: int
    seconds: float
    p50_ms: float
    p90_ms: float
    lost: int
    server_cpu_s: float
    load_cpu_s: float
    kib_per_listener: float
    limit: str = NO_LIMIT


class CapacityPlan(msgspec.Struct, tag="capacity"):
    """What is to be measured, as the load's process is told."""

    techniques: list[str]
    members: list[int]
    rates: list[float]
    step_s: float
    poll_interval_s: float
    repetitions: int

    async def work(self, reporter: Reporter) -> None:
        """Measure; repetitions are interleaved.

        Raises:
            LabError: if a server does not start, or does not let all listeners in.
        """
        _raise_file_limit()
        runs = list(product(range(self.repetitions), self.members, self.techniques))
        reporter.expect(len(runs) * self._messages)
        for done, (repetition, members, technique) in enumerate(runs, 1):
            reporter.doing(f"{technique}, room of {members:,}")
            # A process of its own for each room: memory that was taken is not given back.
            async with served([technique]) as servers:
                rows = await self._fill(servers[technique], members, reporter)
            reporter.rows(row._replace(repetition=repetition) for row in rows)
            reporter.reach(done * self._messages)

    @property
    def _messages(self) -> int:
        """What is heard in a room by the speakers, at all rates."""
        return sum(self._workload(rate).hearings for rate in self.rates)

    def _workload(self, per_s: float) -> Workload:
        said = math.ceil(per_s * self.step_s)
        return Workload(messages=said, per_s=per_s, rooms=1, members=SPEAKERS)

    async def _fill(self, server: Served, members: int, reporter: Reporter) -> list[CapacityRow]:
        """Fill a room, and speak in it ever more often until it is too much."""
        connect = server.connect(self.poll_interval_s)
        async with hall(connect, Workload(rooms=1, members=2, per_s=1)):
            pass  # what the first clients make the server load is no listener's cost
        serving, others = Process(server.pid), members - SPEAKERS
        empty = serving.memory
        waits_ms = self.poll_interval_s * 1000 if server.technique == "short_polling" else 0.0
        rows: list[CapacityRow] = []

        async def step(people: Hall, per_s: float) -> CapacityRow:
            workload = self._workload(per_s)
            before = serving.cpu_s, time.process_time(), time.perf_counter()
            hearings = await people.converse(workload, on_heard=reporter.step)
            after = serving.cpu_s, time.process_time(), time.perf_counter()
            spent = [end - start for start, end in zip(before, after, strict=True)]
            row = _row(server.technique, members, workload, hearings, spent, kib)
            return row._replace(limit=_limit(row, waits_ms))

        async with crowd(server, ROOM, others, poll_interval_s=self.poll_interval_s):
            kib = (serving.memory - empty) / others / 1024
            # The speakers come last, and so they are the last to hear.
            async with hall(lambda user, _: connect(user, ROOM), self._workload(1)) as people:
                for per_s in self.rates:
                    row = await step(people, per_s)
                    if row.limit == LATENCY:  # perhaps the machine was at something else
                        row = await step(people, per_s)
                    rows.append(row)
                    if row.limit != NO_LIMIT:
                        break
        return rows


def _row(
    technique: str,
    members: int,
    workload: Workload,
    hearings: list[Hearing],
    spent: list[float],
    kib: float,
) -> CapacityRow:
    """What a step gave.

    Args:
        technique: of the server.
        members: of the room.
        workload: what was said.
        hearings: what the speakers heard of each other.
        spent: processor seconds of the server, of the load, and seconds that it took.
        kib: of the server's memory, for each listener.
    """
    took = sorted(hearing.received_s - hearing.due_s for hearing in hearings)
    served_s, loaded_s, passed_s = spent
    return CapacityRow(
        technique,
        members,
        repetition=0,
        per_s=workload.per_s,
        messages=workload.messages,
        seconds=passed_s - SETTLE_S,
        p50_ms=took[len(took) // 2] * 1000,
        p90_ms=took[len(took) * 9 // 10] * 1000,
        lost=sum(math.isinf(each) for each in took),
        server_cpu_s=served_s,
        load_cpu_s=loaded_s,
        kib_per_listener=kib,
    )


def _limit(row: CapacityRow, usual_ms: float) -> str:
    """Who is at the limit.

    Args:
        row: a step.
        usual_ms: what a message waits for the next poll at most.
    """
    for who, cpu_s in (("load", row.load_cpu_s), ("server", row.server_cpu_s)):
        if cpu_s >= FULL * row.seconds:
            return who
    return LATENCY if row.lost or row.p90_ms > BENT_MS + usual_ms else NO_LIMIT


class Process:
    """A server's process, as it is seen from outside.

    Args:
        pid: its number; what it has started counts with it, as on Windows the Python of a
            virtual environment is a launcher of the real one.
    """

    def __init__(self, pid: int) -> None:
        import psutil

        first = psutil.Process(pid)
        self._all = [first, *first.children(recursive=True)]

    @property
    def memory(self) -> int:
        """Resident bytes."""
        return sum(each.memory_info().rss for each in self._all)

    @property
    def cpu_s(self) -> float:
        """Processor seconds so far; on Linux in steps of 10 ms."""
        return sum(sum(each.cpu_times()[:2]) for each in self._all)


@dataclass(frozen=True, repr=False)
class Capacity(Measured):
    """What rooms take, one row a technique, size of the room, repetition and rate.

    The columns: `technique`, `members`, `repetition`, `per_s` (messages said in the room a
    second), `messages` said and the `seconds` it took; `p50_ms`, `p90_ms` from due to heard, by
    those who were last to be told, and how many were `lost`; `server_cpu_s`, `load_cpu_s`:
    processor seconds of each process; `kib_per_listener`: the server's memory for each that
    joined; `limit`: "not reached", or who is at it:
    "server", "load" (then the server could do more), or "latency", where neither says why, as
    on a machine that does other things; `poll_interval_s` of short polling.
    """

    columns: ClassVar[tuple[str, ...]] = COLUMNS

    def summary(self) -> pandas.DataFrame:
        """What one can plan with, by technique and size of the room.

        Returns:
            One row each: `kib` a listener with `kib_least`, `kib_most`; `cpu_ms` of the server a
            message, of all steps together, likewise; `per_s`, the highest rate at which nobody was
            at a limit, in the best repetition, as what disturbs only lowers it (0: at none), and
            `limit`, what mostly came above it (or "not reached"); `heard_per_s`, that rate times
            those who hear a message.
        """
        import pandas

        rows = []
        for (technique, members), group in self.table.groupby(["technique", "members"], sort=False):
            runs = [run for _, run in group.groupby("repetition")]
            kib = Spread.of([run["kib_per_listener"].iloc[0] for run in runs])
            cpu = Spread.of([_cpu_ms(run) for run in runs])
            reached = [run[run["limit"] == NO_LIMIT]["per_s"].max() for run in runs]
            best = max(0.0 if math.isnan(rate) else float(rate) for rate in reached)
            limits = [limit for limit in group["limit"] if limit != NO_LIMIT]
            rows.append(
                {
                    "technique": technique,
                    "members": members,
                    "kib": kib.median,
                    "kib_least": kib.least,
                    "kib_most": kib.most,
                    "cpu_ms": cpu.median,
                    "cpu_ms_least": cpu.least,
                    "cpu_ms_most": cpu.most,
                    "per_s": best,
                    "limit": max(limits, key=limits.count) if limits else NO_LIMIT,
                    "heard_per_s": best * (members - 1),
                }
            )
        return pandas.DataFrame(rows)

    def connection_kib(self) -> dict[str, float]:
        """Memory of the server for each listener in the largest room, by technique, KiB."""
        table = self.summary()
        largest = table[table["members"] == table["members"].max()]
        return {str(row.technique): float(row.kib) for row in largest.itertuples()}


def _cpu_ms(run: pandas.DataFrame) -> float:
    """Processor time a message, of all steps: a single one is too short for the clock."""
    return float(run["server_cpu_s"].sum() / run["messages"].sum() * 1000)


def capacity(
    techniques: Iterable[str] = TECHNIQUES,
    members: Iterable[int] | None = None,
    *,
    rates: Iterable[float] | None = None,
    poll_interval_s: float = POLL_INTERVAL_S,
    repetitions: int | None = None,
    quick: bool = False,
    progress: bool = True,
) -> Capacity:
    """Measure what a listener costs, and how much can be said in a room.

    Args:
        techniques: their names.
        members: sizes of rooms, more than 8; None: 50 and 1,000, or 50 where it is to be quick.
        rates: messages a second, ascending; at the first that is too much a room is done.
            None: 20, 80, 320; or 20 and 80.
        poll_interval_s: of short polling.
        repetitions: how often; None: 2, or 1.
        quick: an eighth of the time, for less certainty.
        progress: show a bar.

    Raises:
        LabError: if arguments make no sense, or listeners are not let in.
    """
    names = list(dict.fromkeys(techniques))
    if unknown := [name for name in names if name not in TECHNIQUES]:
        raise LabError(
            f"{unknown[0]!r} has no cheap listeners here; there are {', '.join(TECHNIQUES)}."
        )
    if members is None:
        members = QUICK_MEMBERS if quick else MEMBERS
    if rates is None:
        rates = QUICK_RATES if quick else RATES
    if repetitions is None:
        repetitions = QUICK_REPETITIONS if quick else REPETITIONS
    sizes, speeds = list(members), [float(rate) for rate in rates]
    if not (names and sizes and speeds and repetitions >= 1 and poll_interval_s > 0):
        raise LabError(
            "There is nothing to measure: give techniques, members, rates, repetitions and a"
            " poll_interval_s of more than 0."
        )
    if min(sizes) <= SPEAKERS:
        raise LabError(f"capacity(members=…) are more than the {SPEAKERS} who speak.")
    step_s = QUICK_STEP_S if quick else STEP_S
    for per_s in speeds:
        Workload(per_s=per_s, rooms=1, members=SPEAKERS)
    plan = CapacityPlan(names, sizes, speeds, step_s, poll_interval_s, repetitions)
    began = environment()
    return Capacity(_table(plan, carry_out(plan, progress=progress)), began)


def _table(plan: CapacityPlan, rows: list[tuple[Any, ...]]) -> pandas.DataFrame:
    import pandas

    table = pandas.DataFrame(rows, columns=list(CapacityRow._fields))
    table[["p50_ms", "p90_ms"]] = table[["p50_ms", "p90_ms"]].astype("float64").fillna(math.inf)
    polls = table["technique"] == "short_polling"
    table["poll_interval_s"] = polls.map({True: plan.poll_interval_s, False: math.nan})
    return table[list(COLUMNS)]


def _raise_file_limit() -> None:
    """Every connection is an open file, here and at the server, which inherits the limit."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
