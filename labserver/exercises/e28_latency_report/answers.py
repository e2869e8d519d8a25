"""Wrong ideas about latency."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence

Report = dict[str, float]


def _ranked(ordered: Sequence[float], index: Callable[[int, int], int]) -> Report:
    if not ordered:
        return {}
    ranks = {f"p{p}": ordered[index(p, len(ordered))] for p in (50, 95, 99)}
    return ranks | {"max": max(ordered)}


def _nearest(p: int, n: int) -> int:
    return math.ceil(p / 100 * n) - 1


def _latencies(scheduled: list[float], done: list[float]) -> list[float]:
    return sorted(b - a for a, b in zip(scheduled, done, strict=True))


def from_sending(scheduled: list[float], sent: list[float], done: list[float]) -> Report:
    return _ranked(_latencies(sent, done), _nearest)


def the_mean(scheduled: list[float], sent: list[float], done: list[float]) -> Report:
    latencies = _latencies(scheduled, done)
    report = _ranked(latencies, _nearest)
    return report | {"p50": statistics.fmean(latencies)} if report else report


def as_they_came(scheduled: list[float], sent: list[float], done: list[float]) -> Report:
    return _ranked([b - a for a, b in zip(scheduled, done, strict=True)], _nearest)


def between_two(scheduled: list[float], sent: list[float], done: list[float]) -> Report:
    latencies = _latencies(scheduled, done)
    if len(latencies) < 2:
        return _ranked(latencies, _nearest)
    cut = statistics.quantiles(latencies, n=100, method="inclusive")
    return {"p50": cut[49], "p95": cut[94], "p99": cut[98], "max": latencies[-1]}


def rank_as_index(scheduled: list[float], sent: list[float], done: list[float]) -> Report:
    latencies = _latencies(scheduled, done)
    return _ranked(latencies, lambda p, n: min(math.ceil(p / 100 * n), n - 1))


def rounded_down(scheduled: list[float], sent: list[float], done: list[float]) -> Report:
    return _ranked(_latencies(scheduled, done), lambda p, n: max(p * n // 100 - 1, 0))


def of_the_last_index(scheduled: list[float], sent: list[float], done: list[float]) -> Report:
    return _ranked(_latencies(scheduled, done), lambda p, n: round(p / 100 * (n - 1)))


def fails_on_nothing(scheduled: list[float], sent: list[float], done: list[float]) -> Report:
    latencies = _latencies(scheduled, done)
    return _ranked(latencies, _nearest) | {"max": latencies[-1]}


def zeros_for_nothing(scheduled: list[float], sent: list[float], done: list[float]) -> Report:
    zeros = dict.fromkeys(("p50", "p95", "p99", "max"), 0.0)
    return _ranked(_latencies(scheduled, done), _nearest) or zeros


def drops_the_slowest(scheduled: list[float], sent: list[float], done: list[float]) -> Report:
    latencies = _latencies(scheduled, done)
    return _ranked(latencies[: -(-99 * len(latencies) // 100)], _nearest)


def in_milliseconds(scheduled: list[float], sent: list[float], done: list[float]) -> Report:
    return _ranked([1000 * one for one in _latencies(scheduled, done)], _nearest)


def without_the_worst(scheduled: list[float], sent: list[float], done: list[float]) -> Report:
    report = _ranked(_latencies(scheduled, done), _nearest)
    report.pop("max", None)
    return report


# Wrong solution → a part of what the learner is told first.
MESSAGES = {
    "from_sending": "(coordinated omission)",
    "the_mean": "the mean hides a stall",
    "as_they_came": "sort the latencies, the smallest first.",
    "between_two": "no message had this latency: use the nearest rank,",
    "rank_as_index": "a rank counts from 1, an index from 0",
    "rounded_down": "a rank counts from 1, an index from 0",
    "of_the_last_index": "a rank counts from 1, an index from 0",
    "fails_on_nothing": "having no messages is not an error.",
    "zeros_for_nothing": "with no messages, return {}; a 0 would be the best",
    "drops_the_slowest": "max is the largest",
    "in_milliseconds": "no message had this latency",
    "without_the_worst": "max is the largest",
}
