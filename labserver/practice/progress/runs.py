"""What the learner's own runs have measured, for later lessons, cards and simulators.

The figures that `measure` tells are kept as series: the same key under the same conditions, quick
runs apart from thorough ones, so that a quick run never pushes out a thorough one. Both the length
of a series and the number of series are bounded, because a learner may measure as often, and over
as many links, as they like.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from labserver.clock import Clock, SystemClock, iso
from labserver.errors import LabError
from labserver.measure.measurement import Measurement, on_measured
from labserver.practice.progress.store import Entry, kept, on_this_machine

RUNS_PER_SERIES = 10  # enough to see how much a figure varies from run to run
SERIES_MAX = 500  # all lessons together have about 200; the file stays below 1 MB

_warned: set[str] = set()


@dataclass(frozen=True, slots=True)
class Run:
    """One figure that a run of the learner's has measured.

    Attributes:
        key: what was measured, such as `latency.p50`.
        value: the figure; a word where the outcome is one.
        unit: its unit; "" if it has none.
        conditions: what it depends on, by name.
        quick: whether the run was a quick one, which is less certain.
        time: when it was measured (ISO 8601).
    """

    key: str
    value: float | str
    unit: str
    conditions: Mapping[str, float | str]
    quick: bool
    time: str


def listen() -> None:
    """Keep whatever is measured in this process from now on."""
    on_measured(keep)


def keep(measurements: Sequence[Measurement], quick: bool, *, clock: Clock | None = None) -> None:
    """Keep the figures of a run; those that are no finite number are left out.

    A run never fails because they cannot be kept: each reason is a warning, once.

    Args:
        measurements: the run's figures.
        quick: whether the run was a quick one.
        clock: tells the time that is kept with them.
    """
    time = iso((clock or SystemClock()).time())
    try:
        with on_this_machine().change() as sections:
            for one in measurements:
                if isinstance(one.value, str) or math.isfinite(one.value):
                    _add(sections["runs"], one, quick, time)
            bound(sections["runs"])
    except LabError as error:
        if str(error) not in _warned:
            _warned.add(str(error))
            warnings.warn(f"What was measured is not kept. {error}", stacklevel=2)


def history(key: str, *, quick: bool | None = None, **conditions: float | str) -> list[Run]:
    """Return what was measured, the oldest first.

    Args:
        key: such as `latency.p50`.
        quick: whether only quick runs (True) or only thorough ones (False) count; None for both.
        conditions: those that must hold, such as `technique="sse"`; others may be anything.

    Raises:
        LabError: if the progress file cannot be used.
    """
    found = [
        Run(key, run["value"], series["unit"], series["conditions"], series["quick"], run["time"])
        for series in kept("runs").values()
        if series["key"] == key
        and quick in (None, series["quick"])
        and conditions.items() <= series["conditions"].items()
        for run in series["runs"]
    ]
    return sorted(found, key=lambda run: run.time)


def latest(key: str, *, quick: bool | None = None, **conditions: float | str) -> Run | None:
    """Return the last of `history`, or None if that was not measured yet."""
    found = history(key, quick=quick, **conditions)
    return found[-1] if found else None


def bound(runs: MutableMapping[str, Entry]) -> None:
    """Drop the oldest runs of each series, and the series that were measured longest ago."""
    for series in runs.values():
        series["runs"] = series["runs"][-RUNS_PER_SERIES:]
    by_age = sorted(runs, key=lambda name: _last(runs[name]), reverse=True)
    for name in by_age[SERIES_MAX:]:
        del runs[name]


def _add(runs: MutableMapping[str, Entry], one: Measurement, quick: bool, time: str) -> None:
    conditions = dict(sorted(one.conditions.items()))
    name = f"{one.key} {json.dumps(conditions)}{' quick' if quick else ''}"
    start: Entry = {"key": one.key, "unit": one.unit, "conditions": conditions, "quick": quick}
    series = runs.setdefault(name, {**start, "runs": []})
    series["runs"].append({"value": one.value, "time": time})


def _last(series: Mapping[str, Any]) -> str:
    return max((str(run["time"]) for run in series["runs"]), default="")
