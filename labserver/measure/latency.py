"""Latency: from when a message is due to when it is heard, by technique and link."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from labserver.errors import LabError
from labserver.measure.load import Delivery, participants
from labserver.measure.load_reports import Reporter
from labserver.measure.measurement import Measurement, tell
from labserver.measure.result import MeasuredResult, environment
from labserver.measure.runner import carry_out
from labserver.measure.testbed import Target, over_link, targets
from labserver.measure.verdict import Spread, Verdict, compare
from labserver.measure.workload import Workload
from labserver.network.link import Link
from labserver.network.profiles import link_of
from labserver.techniques import NAMES, load

if TYPE_CHECKING:
    import pandas

DEFAULT_LINKS = ("loopback", "wifi", "transatlantic")
POLL_INTERVAL_S = 0.5
REPETITIONS = 3
QUICK = Workload(messages=12)
QUICK_POLL_INTERVAL_S = 0.2
QUICK_REPETITIONS = 2
PATIENCE_S = 5.0  # for messages not heard yet, beyond what poll and link may take

COLUMNS = (
    "technique",
    "link",
    "repetition",
    "message",
    "listener",
    "due_s",
    "sent_s",
    "received_s",
    "latency_ms",
    "rtt_ms",
    "poll_interval_s",
    "per_s",
    "size",
    "rooms",
    "members",
)
PERCENTILES = (50, 90, 99)
CONDITIONS = COLUMNS[COLUMNS.index("rtt_ms") :]


class LatencyPlan(msgspec.Struct, tag="latency"):
    """What is to be measured, as it is sent to the load's process."""

    runs: list[tuple[str, str]]  # technique, name of a link
    links: dict[str, Link | None]
    poll_interval_s: float
    workload: Workload
    repetitions: int

    async def work(self, reporter: Reporter) -> None:
        """Start the servers, measure, and report.

        Raises:
            LabError: if a server does not start or cannot be reached.
        """
        reporter.expect(self.deliveries)
        async with targets({technique: None for technique, _ in self.runs}) as servers:
            await self.measure(servers, reporter)

    @property
    def deliveries(self) -> int:
        """How many rows there will be, messages that are lost included."""
        return self.repetitions * len(self.runs) * self.workload.deliveries

    async def measure(
        self, servers: Mapping[str, Target], reporter: Reporter, done: int = 0
    ) -> None:
        """Measure servers that are running, and report.

        Repetitions are interleaved, so that whatever disturbs the machine disturbs all alike.

        Args:
            servers: by technique.
            reporter: is told.
            done: how much of what the reporter expects was done before.

        Raises:
            LabError: if a server cannot be reached.
        """
        for repetition, (technique, link) in product(range(self.repetitions), self.runs):
            reporter.doing(f"{technique} over {link}")
            async with (
                over_link(servers[technique], self.links[link]) as (server, _),
                participants(server.connect(self.poll_interval_s), self.workload) as people,
            ):
                deliveries = await people.converse(
                    self.workload,
                    patience_s=PATIENCE_S + self.poll_interval_s,
                    on_delivery=reporter.step,
                )
            reporter.rows((technique, link, repetition, *delivery) for delivery in deliveries)
            done += self.workload.deliveries
            reporter.reach(done)


@dataclass(frozen=True, repr=False)
class Latency(MeasuredResult):
    """Latencies, one row per message and listener.

    The columns are `technique`, `link`, `repetition`, `message` and `listener`; `due_s`, `sent_s`
    (when the speaker's client was free to send it) and `received_s`, all in seconds since the
    repetition began; `latency_ms`, from due to received, infinite if the message was lost; and
    the conditions `rtt_ms`, `poll_interval_s` (for short polling), `per_s`, `size`, `rooms` and
    `members`. What else the links did is in `environment`.
    """

    columns: ClassVar[tuple[str, ...]] = COLUMNS

    def summary(self) -> pandas.DataFrame:
        """Return percentiles by technique and link.

        Returns:
            One row per technique and link, in the order of measurement: `technique`, `link`, how
            many `messages` were heard and how many `lost`, and `p50_ms`, the median of the
            repetitions, with `p50_least` and `p50_most`; likewise for `p90` and `p99`.
        """
        import pandas

        rows = []
        for (technique, link), group in self.table.groupby(["technique", "link"], sort=False):
            heard = int(group["latency_ms"].map(math.isfinite).sum())
            row = {
                "technique": technique,
                "link": link,
                "messages": heard,
                "lost": len(group) - heard,
            }
            for percentile in PERCENTILES:
                spread = Spread.of(_percentiles(group, percentile))
                name = f"p{percentile}"
                row |= {
                    f"{name}_ms": spread.median,
                    f"{name}_least": spread.least,
                    f"{name}_most": spread.most,
                }
            rows.append(row)
        return pandas.DataFrame(rows)

    def spreads(self, link: str, percentile: float = 50) -> dict[str, Spread]:
        """Return a percentile over one link, in milliseconds, by technique.

        Raises:
            LabError: if nothing was measured over that link.
        """
        return {
            technique: Spread.of(self._repetitions(technique, link, percentile))
            for technique in dict.fromkeys(self._over(link)["technique"])
        }

    def measurements(self) -> list[Measurement]:
        """Return the percentiles and how many messages were lost, by technique and link."""
        under = self.table.groupby(["technique", "link"], sort=False)[list(CONDITIONS)].first()
        found = []
        for row in self.summary().itertuples():
            pair = {"technique": row.technique, "link": row.link}
            # What does not apply, such as a poll interval, is no condition.
            conditions = pair | under.loc[tuple(pair.values())].dropna().to_dict()
            found += [
                Measurement(f"latency.p{each}", getattr(row, f"p{each}_ms"), "ms", conditions)
                for each in PERCENTILES
            ]
            found.append(Measurement("latency.lost", row.lost, "messages", conditions))
        return found

    def compare(self, a: str, b: str, *, link: str, percentile: float = 50) -> Verdict:
        """Say which of two techniques has the lower latency over a link.

        Args:
            a, b: the techniques' names.
            link: the link's name.
            percentile: the percentile to compare.

        Raises:
            LabError: if one of them was not measured over that link.
        """
        return compare(
            (a, self._repetitions(a, link, percentile)), (b, self._repetitions(b, link, percentile))
        )

    def _over(self, link: str) -> pandas.DataFrame:
        found = self.table[self.table["link"] == link]
        if found.empty:
            measured = ", ".join(dict.fromkeys(self.table["link"]))
            raise LabError(f"Nothing was measured over {link!r}; there is {measured}.")
        return found

    def _repetitions(self, technique: str, link: str, percentile: float) -> list[float]:
        over = self._over(link)
        return _percentiles(over[over["technique"] == technique], percentile)


def _percentiles(group: pandas.DataFrame, percentile: float) -> list[float]:
    """Return each repetition's percentile.

    It is the value of one message, and not interpolated: the next value may be infinity.
    """
    grouped = group.groupby("repetition")["latency_ms"]
    return [float(each) for each in grouped.quantile(percentile / 100, interpolation="higher")]


def latency(
    techniques: Iterable[str] = NAMES,
    links: Iterable[str] | Mapping[str, Link | str | None] = DEFAULT_LINKS,
    *,
    poll_interval_s: float | None = None,
    workload: Workload | None = None,
    repetitions: int | None = None,
    quick: bool = False,
    progress: bool = True,
) -> Latency:
    """Measure latencies, with servers and load in processes of their own.

    Args:
        techniques: the techniques' names.
        links: names in `labserver.LINKS`, or your own links by name, with None for no network.
        poll_interval_s: seconds between two polls, for short polling; None for 0.5, or 0.2 if
            `quick`.
        workload: what is said; None for 75 messages of 64 bytes, 50 per second, or 12 if `quick`.
        repetitions: how often everything is measured; None for 3, or 2 if `quick`.
        quick: whether to take a sixth of the time, for less certain results.
        progress: whether to show a progress bar.

    Returns:
        The latencies; `summary()` is a table of percentiles.

    Raises:
        LabError: if arguments make no sense, or a server cannot be reached.
    """
    plan, notes = latency_plan(
        techniques,
        links,
        poll_interval_s=poll_interval_s,
        workload=workload,
        repetitions=repetitions,
        quick=quick,
    )
    began = latency_conditions(plan)
    measured = Latency(latency_table(plan, carry_out(plan, progress=progress)), began, notes)
    tell(measured.measurements(), quick=quick)
    return measured


def latency_plan(
    techniques: Iterable[str],
    links: Iterable[str] | Mapping[str, Link | str | None],
    *,
    poll_interval_s: float | None = None,
    workload: Workload | None = None,
    repetitions: int | None = None,
    quick: bool = False,
) -> tuple[LatencyPlan, tuple[str, ...]]:
    """Return the plan for what `latency` is asked, and notes on what is left out.

    Raises:
        LabError: if arguments make no sense.
    """
    if poll_interval_s is None:
        poll_interval_s = QUICK_POLL_INTERVAL_S if quick else POLL_INTERVAL_S
    if repetitions is None:
        repetitions = QUICK_REPETITIONS if quick else REPETITIONS
    workload = workload or (QUICK if quick else Workload())
    played = _links(links)
    for link in played.values():
        workload.check_link(link or Link())
    runs, notes = _runs(list(dict.fromkeys(techniques)), played)
    if not (runs and repetitions >= 1 and poll_interval_s > 0):
        raise LabError(
            "There is nothing to measure: give techniques, links for them, repetitions and a"
            " poll_interval_s of more than 0."
        )
    return LatencyPlan(runs, played, poll_interval_s, workload, repetitions), notes


def latency_conditions(plan: LatencyPlan) -> dict[str, Any]:
    """Return what is to be recorded before the first measurement: the environment, the links."""
    return environment() | {
        "links": {name: str(link or Link()) for name, link in plan.links.items()}
    }


def _links(given: Iterable[str] | Mapping[str, Link | str | None]) -> dict[str, Link | None]:
    """Return links by name, with None for those that play nothing."""
    named = given if isinstance(given, Mapping) else {name: name for name in given}
    links = {name: link_of(link) for name, link in named.items()}
    return {
        name: None if link is None or replace(link, source="", seed=1) == Link() else link
        for name, link in links.items()
    }


def _runs(
    techniques: list[str], links: Mapping[str, Link | None]
) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    """Return the pairs of technique and link to measure, and notes on what is left out."""
    for technique in set(techniques) - set(NAMES):
        load(technique)  # its error says which there are
    left_out = [name for name in links if links[name] is not None and "webrtc" in techniques]
    runs = [
        (technique, link)
        for link in links
        for technique in techniques
        if not (technique == "webrtc" and link in left_out)
    ]
    if not left_out:
        return runs, ()
    return runs, (
        f"webrtc was not measured over {', '.join(left_out)}: its data channel goes over UDP from"
        " peer to peer, and the relay, which plays the link, passes on TCP.",
    )


def latency_table(plan: LatencyPlan, rows: list[tuple[object, ...]]) -> pandas.DataFrame:
    """Return the table of what was reported while a plan was carried out."""
    import pandas

    table = pandas.DataFrame(rows, columns=["technique", "link", "repetition", *Delivery._fields])
    for name in ("sent_s", "received_s"):  # JSON has no infinity
        table[name] = table[name].astype("float64").fillna(math.inf)
    table["latency_ms"] = (table["received_s"] - table["due_s"]) * 1000
    rtt = {name: 0.0 if link is None else link.rtt_ms for name, link in plan.links.items()}
    table["rtt_ms"] = table["link"].map(rtt)
    polls = table["technique"] == "short_polling"
    table["poll_interval_s"] = polls.map({True: plan.poll_interval_s, False: math.nan})
    for name in ("per_s", "size", "rooms", "members"):
        table[name] = getattr(plan.workload, name)
    return table[list(COLUMNS)]
