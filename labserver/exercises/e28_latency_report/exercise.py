"""E28: latency under an open loop, without coordinated omission."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from math import isclose
from statistics import fmean

from labserver.exercises.e28_latency_report.play import TYPES, play
from labserver.practice.checking.exercise import Case, Diagnosis, Exercise, Failure
from labserver.practice.checking.play import Raised

DUE = "a message's delay counts from when it was due and includes the sender's wait"
RANK = "nearest rank: the p-th percentile of n is the ceil(p / 100 * n)-th smallest"
NOTHING = "with no messages, the report is empty"
STALL = "10 messages per second for 10 s; the server stalls for 1 s, and the sender waits"

STUB = '''\
def latency_report(
    scheduled: list[float], sent: list[float], done: list[float]
) -> dict[str, float]:
    """Return "p50", "p95", "p99" and "max" of the delays, in seconds."""
    raise NotImplementedError
'''

PERCENTILES = (50, 95, 99)
Times = tuple[list[float], list[float], list[float]]


def report(latencies: list[float]) -> dict[str, float]:
    """Report some latencies."""
    if not latencies:
        return {}
    ordered = sorted(latencies)
    ranks = {f"p{p}": ordered[-(-p * len(ordered) // 100) - 1] for p in PERCENTILES}
    return ranks | {"max": ordered[-1]}


def latency_report(
    scheduled: list[float], sent: list[float], done: list[float]
) -> dict[str, float]:
    """The reference."""
    return report([end - due for due, end in zip(scheduled, done, strict=True)])


def said(p50: float, p95: float, p99: float, most: float) -> dict[str, float]:
    """Write down a report."""
    return {"p50": p50, "p95": p95, "p99": p99, "max": most}


def at_once(latencies: list[float]) -> Times:
    """Make a case of messages that were sent when due, one per second."""
    due = [float(second) for second in range(len(latencies))]
    return due, list(due), [start + one for start, one in zip(due, latencies, strict=True)]


def stalled(count: int, interval: float, service: float, start: float, stop: float) -> Times:
    """Simulate a connection whose sender waits for each answer; none comes from start to stop."""
    due = [index * interval for index in range(count)]
    sent: list[float] = []
    done: list[float] = []
    for time in due:
        sent.append(max(time, done[-1] if done else time))
        begun = stop if start <= sent[-1] < stop else sent[-1]
        done.append(begun + service)
    return due, sent, done


def cases() -> Iterator[Case]:
    """Few messages, a wait before sending, ranks, no messages, a stall, random ones."""
    yield Case(([1.0], [1.0], [1.5]), DUE, said(0.5, 0.5, 0.5, 0.5))
    yield Case(at_once([1.0, 2.0, 3.0, 9.0]), RANK, said(2.0, 9.0, 9.0, 9.0))
    held_up = ([0.0, 1.0, 2.0], [0.0, 2.5, 3.0], [0.5, 3.0, 3.5])
    yield Case(held_up, DUE, said(1.5, 2.0, 2.0, 2.0))
    yield Case(at_once([4.0, 1.0, 2.0]), RANK, said(2.0, 4.0, 4.0, 4.0))
    yield Case(at_once([1.0, 2.0]), RANK, said(1.0, 2.0, 2.0, 2.0))
    ordered = [float(n) for n in range(1, 201)]
    yield Case(at_once(ordered[:20]), RANK, said(10.0, 19.0, 20.0, 20.0))
    yield Case(at_once(ordered[99::-1]), RANK, said(50.0, 95.0, 99.0, 100.0))
    yield Case(at_once(ordered[:101]), RANK, said(51.0, 96.0, 100.0, 101.0))
    yield Case(at_once(ordered), RANK, said(100.0, 190.0, 198.0, 200.0))
    yield Case(([], [], []), NOTHING, {})
    yield Case(stalled(100, 0.1, 0.002, 3.0, 4.0), STALL, said(0.002, 0.512, 0.904, 1.002))
    draws = random.Random(28)
    for _ in range(30):
        count, service = draws.randint(1, 40), draws.randint(1, 50) / 1000
        start = draws.randint(0, 10) / 10
        yield Case(stalled(count, 0.1, service, start, start + draws.random()), DUE)


def smaller(given: Times) -> Iterator[Times]:
    """Give fewer messages."""
    scheduled, sent, done = given
    for count in (len(scheduled) // 2, len(scheduled) - 1):
        if 0 < count < len(scheduled):
            yield scheduled[:count], sent[:count], done[:count]
            yield scheduled[-count:], sent[-count:], done[-count:]


def shown(given: Times) -> list[str]:
    """Show the call; long lists are cut."""
    rows = []
    for times in given:
        more = f", … ({len(times)} in all)" if len(times) > 6 else ""
        rows.append(f"[{', '.join(f'{time:.4g}' for time in times[:6])}{more}]")
    if len(given[0]) < 4:
        return [f"latency_report({', '.join(rows)})"]
    return ["latency_report(", *(f"    {row}," for row in rows), ")"]


def _latencies(failure: Failure) -> list[float]:
    scheduled, _, done = failure.given
    return [end - due for due, end in zip(scheduled, done, strict=True)]


def _is(actual: float, wanted: float) -> bool:
    return isclose(actual, wanted, rel_tol=1e-9, abs_tol=1e-12)


def counts_from_sending(failure: Failure) -> bool:
    """Whether the sender's wait was left out."""
    _, sent, done = failure.given
    wanted = report([end - start for start, end in zip(sent, done, strict=True)])
    return bool(wanted) and all(_is(failure.actual[name], wanted[name]) for name in wanted)


def reports_the_mean(failure: Failure) -> bool:
    """Whether a percentile is the mean, which no message had."""
    mean = fmean(_latencies(failure))
    return invents(failure) and any(_is(actual, mean) for actual in failure.actual.values())


def is_unsorted(failure: Failure) -> bool:
    """Whether ranks were taken in the order in which messages were due."""
    latencies = _latencies(failure)
    ranks = {f"p{p}": latencies[-(-p * len(latencies) // 100) - 1] for p in PERCENTILES}
    return latencies != sorted(latencies) and all(_is(failure.actual[p], ranks[p]) for p in ranks)


def invents(failure: Failure) -> bool:
    """Whether a percentile is a latency that no message had."""
    latencies = _latencies(failure)
    return any(not any(_is(actual, one) for one in latencies) for actual in failure.actual.values())


def is_beside(failure: Failure) -> bool:
    """Whether a percentile is the sample next to the right one."""
    ordered = sorted(_latencies(failure))
    ranks = [(f"p{p}", -(-p * len(ordered) // 100) - 1) for p in PERCENTILES]
    beside: list[Callable[[int], float]] = [
        lambda index: ordered[min(index + 1, len(ordered) - 1)],
        lambda index: ordered[max(index - 1, 0)],
    ]
    return any(
        not _is(failure.actual[name], ordered[index])
        and any(_is(failure.actual[name], other(index)) for other in beside)
        for name, index in ranks
    )


EXERCISE = Exercise(
    id="E28",
    name="latency_report",
    title="percentiles that hide nothing",
    lesson=9,
    points=3,
    stub=STUB,
    cases=cases,
    reference=latency_report,
    play=play,
    types=TYPES,
    shown=shown,
    smaller=smaller,
    hints=(
        "When did the user press send?",
        "A latency is done - scheduled. The percentile is one of them: the ceil(p / 100 * n)-th"
        " smallest, counted from 1.",
        "s = sorted(...); s[ceil(p / 100 * len(s)) - ____]",
    ),
    follow_up=(
        "The load test reports a p99 of 2 ms, and users complain about seconds. What did "
        "it measure? And if ten servers report a p99 each, what is the p99 of all of "
        "them?",
        "It probably measured from the moment of sending, with a sender that waits for "
        "each answer. Such a sender says nothing while the server stalls, so the stall "
        "counts as one slow message instead of many (coordinated omission).\n"
        "Neither the mean of the ten values nor anything else made from them is the "
        "overall p99. Add up their histograms instead.",
    ),
    diagnoses=(
        Diagnosis(
            "with no messages, return {}; a 0 would be the best latency possible.",
            lambda failure: failure.expected == {} and not isinstance(failure.actual, Raised),
        ),
        Diagnosis(
            "having no messages is not an error.",
            lambda failure: failure.expected == {},
        ),
        Diagnosis(
            "a stall vanished: you timed only what you dared to send (coordinated omission). "
            "Measure from when each message was due.",
            counts_from_sending,
        ),
        Diagnosis("the mean hides a stall; report percentiles.", reports_the_mean),
        Diagnosis("sort the latencies, the smallest first.", is_unsorted),
        Diagnosis(
            "no message had this latency: use the nearest rank, which is one of them.", invents
        ),
        Diagnosis(
            "the slowest message is missing, although somebody waited for it: max is the largest.",
            lambda failure: failure.actual.get("max", 0.0) < failure.expected["max"],
        ),
        Diagnosis(
            "this is the neighbouring sample: a rank counts from 1, an index from 0.", is_beside
        ),
    ),
)
