"""What the learner's own experiments measured: kept, so that lessons and simulators can use it.

One series holds one figure under the same conditions. A series keeps its last five values, as a
verdict is made of three to five repetitions and nothing needs more. Quick runs count apart, so that
they never push out a careful one. There are at most a thousand series, and then the one that was
measured longest ago goes, because the whole progress is one file that is written anew with every
entry. A run never fails because it cannot be kept.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from labserver.clock import Clock, SystemClock, iso
from labserver.errors import LabError
from labserver.measure.measurement import Measurement
from labserver.practice.progress.store import change, kept

PER_SERIES = 5
SERIES_MAX = 1000


@dataclass(frozen=True, slots=True)
class Run:
    """One figure that was measured on this machine.

    Attributes:
        key: what was measured, such as `latency.p50`.
        value: the figure; a word where the outcome is one.
        unit: its unit, or "".
        conditions: what it depends on.
        at: when it was measured, in ISO 8601.
        quick: whether the run was a quick one.
    """

    key: str
    value: float | str
    unit: str
    conditions: Mapping[str, float | str]
    at: str
    quick: bool


class _Warned:
    """Whether it has been said that runs cannot be kept; once a kernel is enough."""

    yet = False


def keep(
    measurements: Sequence[Measurement], quick: bool = False, *, clock: Clock | None = None
) -> None:
    """Keep what a run has measured; it warns, once, if that is not possible.

    Args:
        measurements: the run's figures. What is not a finite number or a word is left out, as
            the latency of a message that was lost.
        quick: whether the run was a quick one.
        clock: tells the time that is kept with them.
    """
    at = iso((clock or SystemClock()).time())
    try:
        with change() as sections:
            for each in measurements:
                _append(sections["runs"], each, at, quick)
            trim(sections["runs"])
    except (LabError, OSError) as error:
        if not _Warned.yet:
            _Warned.yet = True
            warnings.warn(f"What you measure is not kept. {error}", stacklevel=2)


def all_runs(
    key: str | None = None, *, quick: bool | None = None, **conditions: float | str
) -> list[Run]:
    """Return what was measured, the latest last.

    Args:
        key: such as `latency.p50`; None for every key.
        quick: whether to return only quick runs (True) or only others (False); None for all.
        conditions: those that a run must have been made under; others may vary.

    Raises:
        LabError: if the progress file cannot be used.
    """
    found = [
        run
        for entry in kept("runs").values()
        if is_series(entry) and key in (None, entry["key"])
        for run in _runs(entry)
        if quick in (None, run.quick)
        and all(run.conditions.get(name) == value for name, value in conditions.items())
    ]
    return sorted(found, key=lambda run: run.at)


def latest(key: str, *, quick: bool | None = None, **conditions: float | str) -> Run | None:
    """Return the run that was made last; None if there is none.

    Args:
        key: such as `latency.p50`.
        quick: as for `all_runs`.
        conditions: those that it must have been made under; others may vary.

    Raises:
        LabError: if the progress file cannot be used.
    """
    found = all_runs(key, quick=quick, **conditions)
    return found[-1] if found else None


def trim(series: dict[str, dict[str, Any]]) -> None:
    """Bring the section `runs` within its bounds; what is no series is left alone."""
    known = {name: entry for name, entry in series.items() if is_series(entry)}
    for entry in known.values():
        entry["values"] = last_values(entry["values"])
    by_age = sorted(known, key=lambda name: str(known[name]["values"][-1]["at"]))
    for name in by_age[: max(0, len(by_age) - SERIES_MAX)]:
        del series[name]


def last_values(values: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the values of a series that are kept, in their order."""
    room = {False: PER_SERIES, True: PER_SERIES}
    chosen = []
    for one in reversed(values):
        if room[one["quick"]]:
            room[one["quick"]] -= 1
            chosen.append(one)
    return chosen[::-1]


def is_series(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of the section `runs` is what `keep` writes."""
    values = entry.get("values")
    return (
        all(isinstance(entry.get(name), str) for name in ("key", "unit"))
        and isinstance(entry.get("conditions"), dict)
        and isinstance(values, list)
        and bool(values)
        and all(_is_value(one) for one in values)
    )


def _is_value(one: Any) -> bool:
    return (
        isinstance(one, dict)
        and isinstance(one.get("value"), int | float | str)
        and isinstance(one.get("at"), str)
        and isinstance(one.get("quick"), bool)
    )


def _append(series: dict[str, dict[str, Any]], each: Measurement, at: str, quick: bool) -> None:
    # numpy's numbers are not JSON
    value = each.value if isinstance(each.value, str) else float(each.value)
    if not isinstance(value, str) and not isfinite(value):
        return
    conditions = {
        name: condition if isinstance(condition, str) else float(condition)
        for name, condition in each.conditions.items()
    }
    name = json.dumps([each.key, each.unit, conditions], sort_keys=True)
    entry = series.setdefault(
        name, {"key": each.key, "unit": each.unit, "conditions": conditions, "values": []}
    )
    entry["values"].append({"value": value, "at": at, "quick": quick})


def _runs(entry: Mapping[str, Any]) -> list[Run]:
    return [
        Run(entry["key"], one["value"], entry["unit"], entry["conditions"], one["at"], one["quick"])
        for one in entry["values"]
    ]
