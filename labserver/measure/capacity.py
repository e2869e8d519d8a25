"""Capacity: what a listener costs the server, and how much can be said before latency rises.

A room is full of listeners that cost next to nothing (listeners.py); among them, a few proper
clients send and receive, ever more often. The server's memory and processor time are read from
outside.
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
from labserver.measure.listeners import raw_listeners
from labserver.measure.load import SETTLE_S, Delivery, Participants, participants
from labserver.measure.load_reports import Reporter
from labserver.measure.measurement import Measurement, tell
from labserver.measure.overhead import TECHNIQUES
from labserver.measure.result import MeasuredResult, environment
from labserver.measure.runner import carry_out
from labserver.measure.testbed import Target, targets
from labserver.measure.verdict import Spread
from labserver.measure.workload import Workload

if TYPE_CHECKING:
    import pandas

ROOM = "full"
MEMBERS = (50, 1000)
SPEAKERS = 8  # proper clients; each may send 50 messages per second
RATES = (20.0, 80.0, 320.0)  # messages per second
STEP_S = 1.0
REPETITIONS = 2
QUICK_MEMBERS = (50,)
QUICK_RATES = (20.0, 80.0)
QUICK_STEP_S = 0.5
QUICK_REPETITIONS = 1
POLL_INTERVAL_S = 0.5
BENT_MS = 100.0  # above it, people notice the delay (J. Nielsen, "Usability Engineering", 1993)
FULL = 0.9  # of a core: a process that takes more is at its limit
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
    """One step, which is a rate in a room of some size; see `Capacity`."""

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
    """What is to be measured, as it is sent to the load's process."""

    techniques: list[str]
    members: list[int]
    rates: list[float]
    step_s: float
    poll_interval_s: float
    repetitions: int

    async def work(self, reporter: Reporter) -> None:
        """Measure, and report; repetitions are interleaved.

        Raises:
            LabError: if a server does not start, or does not let all listeners in.
        """
        _raise_file_limit()
        runs = list(product(range(self.repetitions), self.members, self.techniques))
        reporter.expect(len(runs) * self._messages)
        for done, (repetition, members, technique) in enumerate(runs, 1):
            reporter.doing(f"{technique}, room of {members:,}")
            # A new process for each room, because a process does not give memory back.
            async with targets([technique]) as servers:
                rows = await self._fill(servers[technique], members, reporter)
            reporter.rows(row._replace(repetition=repetition) for row in rows)
            reporter.reach(done * self._messages)

    @property
    def _messages(self) -> int:
        """How many messages the speakers hear in a room, at all rates together."""
        return sum(self._workload(rate).deliveries for rate in self.rates)

    def _workload(self, per_s: float) -> Workload:
        said = math.ceil(per_s * self.step_s)
        return Workload(messages=said, per_s=per_s, rooms=1, members=SPEAKERS)

    async def _fill(self, server: Target, members: int, reporter: Reporter) -> list[CapacityRow]:
        """Fill a room, and speak in it ever more often until that is too much."""
        connect = server.connect(self.poll_interval_s)
        async with participants(connect, Workload(rooms=1, members=2, per_s=1)):
            pass  # what the server loads for its first clients is not a listener's cost
        serving, others = ServerUsage(server.pid), members - SPEAKERS
        empty = serving.memory
        waits_ms = self.poll_interval_s * 1000 if server.technique == "short_polling" else 0.0
        rows: list[CapacityRow] = []

        async def step(people: Participants, per_s: float) -> CapacityRow:
            workload = self._workload(per_s)
            before = serving.cpu_s, time.process_time(), time.perf_counter()
            deliveries = await people.converse(workload, on_delivery=reporter.step)
            after = serving.cpu_s, time.process_time(), time.perf_counter()
            taken = [end - start for start, end in zip(before, after, strict=True)]
            row = _row(server.technique, members, workload, deliveries, taken, kib)
            return row._replace(limit=_limit(row, waits_ms))

        async with raw_listeners(server, ROOM, others, poll_interval_s=self.poll_interval_s):
            kib = (serving.memory - empty) / others / 1024
            # The speakers come last, so that they are the last to hear.
            async with participants(
                lambda user, _: connect(user, ROOM), self._workload(1)
            ) as people:
                for per_s in self.rates:
                    row = await step(people, per_s)
                    if row.limit == LATENCY:  # perhaps the machine was busy with something else
                        row = await step(people, per_s)
                    rows.append(row)
                    if row.limit != NO_LIMIT:
                        break
        return rows


def _row(
    technique: str,
    members: int,
    workload: Workload,
    deliveries: list[Delivery],
    taken: list[float],
    kib: float,
) -> CapacityRow:
    """Return the row of one step.

    Args:
        technique: the server's technique.
        members: how many members the room has.
        workload: what was said.
        deliveries: what the speakers heard from each other.
        taken: processor seconds of the server and of the load, and the seconds that passed.
        kib: the server's memory per listener, in KiB.
    """
    delays = sorted(delivery.received_s - delivery.due_s for delivery in deliveries)
    server_s, load_s, passed_s = taken
    return CapacityRow(
        technique,
        members,
        repetition=0,
        per_s=workload.per_s,
        messages=workload.messages,
        seconds=passed_s - SETTLE_S,
        p50_ms=delays[len(delays) // 2] * 1000,
        p90_ms=delays[len(delays) * 9 // 10] * 1000,
        lost=sum(math.isinf(each) for each in delays),
        server_cpu_s=server_s,
        load_cpu_s=load_s,
        kib_per_listener=kib,
    )


def _limit(row: CapacityRow, usual_ms: float) -> str:
    """Return what was at its limit in a step.

    Args:
        row: the step.
        usual_ms: how long a message waits for the next poll, at most.
    """
    for who, cpu_s in (("load", row.load_cpu_s), ("server", row.server_cpu_s)):
        if cpu_s >= FULL * row.seconds:
            return who
    return LATENCY if row.lost or row.p90_ms > BENT_MS + usual_ms else NO_LIMIT


class ServerUsage:
    """What a server's process uses, as seen from outside.

    Args:
        pid: the number of the process. Its children count as well, because on Windows the Python
            of a virtual environment only launches the real one.
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
        """Processor seconds so far, on Linux in steps of 10 ms."""
        return sum(sum(each.cpu_times()[:2]) for each in self._all)


@dataclass(frozen=True, repr=False)
class Capacity(MeasuredResult):
    """What rooms take, one row per technique, size of the room, repetition and rate.

    The columns are `technique`, `members`, `repetition`, `per_s` (messages sent in the room per
    second), how many `messages` were sent and how many `seconds` that took; `p50_ms` and
    `p90_ms`, from due to heard by those who are last to hear, and how many were `lost`;
    `server_cpu_s` and `load_cpu_s`, the processor seconds of each process; `kib_per_listener`,
    the server's memory per listener; `limit`, which is "not reached" or else what reached it:
    "server", "load" (then the server could do more), or "latency" if neither explains it, as on
    a machine that is busy with other things; and `poll_interval_s`, for short polling.
    """

    columns: ClassVar[tuple[str, ...]] = COLUMNS

    def summary(self) -> pandas.DataFrame:
        """Return figures to plan with, by technique and size of the room.

        Returns:
            One row per technique and size: `kib` per listener, with `kib_least` and `kib_most`;
            `cpu_ms`, the server's processor time per message over all steps, likewise; `per_s`,
            the highest rate at which no limit was reached, in the best repetition, because
            disturbances only lower it (0 if there is none); `limit`, what was mostly reached
            above that rate (or "not reached"); and `heard_per_s`, that rate times the number of
            people who hear a message.
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

    def measurements(self) -> list[Measurement]:
        """Return memory per listener, CPU time per message, the highest rate, and its limit.

        They depend on the technique and on how many members the room has.
        """
        found = []
        for row in self.summary().itertuples():
            conditions = {"technique": row.technique, "members": row.members}
            found += [
                Measurement("capacity.listener_memory", row.kib, "KiB", conditions),
                Measurement("capacity.message_cpu", row.cpu_ms, "ms", conditions),
                Measurement("capacity.rate", row.per_s, "messages/s", conditions),
                Measurement("capacity.limit", row.limit, conditions=conditions),
            ]
        return found

    def connection_kib(self) -> dict[str, float]:
        """Return the server's memory per listener in the largest room, in KiB, by technique."""
        table = self.summary()
        largest = table[table["members"] == table["members"].max()]
        return {str(row.technique): float(row.kib) for row in largest.itertuples()}


def _cpu_ms(run: pandas.DataFrame) -> float:
    """Return processor time per message over all steps: one step is too short for the clock."""
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
        techniques: the techniques' names.
        members: sizes of rooms, each more than 8; None for 50 and 1,000, or 50 if `quick`.
        rates: messages per second, in ascending order; a room is done at the first that is too
            much. None for 20, 80 and 320, or 20 and 80 if `quick`.
        poll_interval_s: seconds between two polls, for short polling.
        repetitions: how often everything is measured; None for 2, or 1 if `quick`.
        quick: whether to take an eighth of the time, for less certain results.
        progress: whether to show a progress bar.

    Returns:
        What the rooms took; `summary()` is a table to plan with.

    Raises:
        LabError: if arguments make no sense, or listeners are not let in.
    """
    names = list(dict.fromkeys(techniques))
    if unknown := [name for name in names if name not in TECHNIQUES]:
        raise LabError(
            f"Listeners cannot be simulated for {unknown[0]!r}:"
            f" choose from {', '.join(TECHNIQUES)}."
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
        raise LabError(f"capacity(members=…) must be more than {SPEAKERS}, the number of speakers.")
    step_s = QUICK_STEP_S if quick else STEP_S
    for per_s in speeds:
        Workload(per_s=per_s, rooms=1, members=SPEAKERS)
    plan = CapacityPlan(names, sizes, speeds, step_s, poll_interval_s, repetitions)
    began = environment()
    measured = Capacity(_table(plan, carry_out(plan, progress=progress)), began)
    tell(measured.measurements(), quick=quick)
    return measured


def _table(plan: CapacityPlan, rows: list[tuple[Any, ...]]) -> pandas.DataFrame:
    import pandas

    table = pandas.DataFrame(rows, columns=list(CapacityRow._fields))
    table[["p50_ms", "p90_ms"]] = table[["p50_ms", "p90_ms"]].astype("float64").fillna(math.inf)
    polls = table["technique"] == "short_polling"
    table["poll_interval_s"] = polls.map({True: plan.poll_interval_s, False: math.nan})
    return table[list(COLUMNS)]


def _raise_file_limit() -> None:
    """Allow more open files: each connection is one, here and at the server, which inherits it."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
