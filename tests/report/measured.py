"""What was measured, made without a measurement."""

from __future__ import annotations

import pandas

from labserver.measure.comparison import Comparison
from labserver.measure.latency import COLUMNS, Latency
from labserver.measure.overhead import Overhead, OverheadRow
from labserver.measure.workload import Workload

ENVIRONMENT = {
    "date": "2026-11-23T00:00:00Z",
    "python": "<script>alert(1)</script>",
    "load_average": [0.1, 0.2],
    "packages": {"tornado": "6.6", "aiortc": None},
}
MEDIANS = {"short_polling": 250.0, "long_polling": 4.0, "sse": 3.0, "websocket": 1.0}
BYTES = {"short_polling": 1300.0, "long_polling": 1250.0, "sse": 260.0, "websocket": 215.0}


def of_repetitions(latencies: dict[str, list[list[float]]], notes: tuple[str, ...] = ()) -> Latency:
    """The latencies of messages, by technique and repetition."""
    rows = [
        dict.fromkeys(COLUMNS, 0)
        | {"technique": name, "link": "loopback", "repetition": number, "latency_ms": value}
        for name, repetitions in latencies.items()
        for number, values in enumerate(repetitions)
        for value in values
    ]
    return Latency(pandas.DataFrame(rows), ENVIRONMENT, notes)


def latency(medians: dict[str, float], notes: tuple[str, ...] = ()) -> Latency:
    """Three repetitions that are all the same."""
    return of_repetitions({name: [[value]] * 3 for name, value in medians.items()}, notes)


def four_techniques() -> Comparison:
    """The note's four, with bytes."""
    blank = dict.fromkeys(OverheadRow._fields, 0)
    rows = [
        blank
        | {"technique": name, "client": "Chromium", "size": size, "purpose": "deliver"}
        | {"wire": wire + size, "payload": Workload().size}
        for name, wire in BYTES.items()
        for size in (64, 1024)
    ]
    return Comparison(latency(MEDIANS), Overhead(pandas.DataFrame(rows), ENVIRONMENT))
