"""Comparisons as they are after a run, made without one."""

from __future__ import annotations

import pandas
import pytest

from labserver.measure.comparison import Comparison
from labserver.measure.overhead import Overhead, OverheadRow
from labserver.measure.workload import Workload
from tests.report.measured import BYTES, ENVIRONMENT, MEDIANS, latency


@pytest.fixture
def two() -> Comparison:
    """Two techniques of which no bytes were counted, with a hostile note."""
    medians = {name: MEDIANS[name] for name in ("sse", "websocket")}
    return Comparison(latency(medians, ("a <b>note</b>",)), None)


@pytest.fixture
def four() -> Comparison:
    """The note's four."""
    blank = dict.fromkeys(OverheadRow._fields, 0)
    rows = [
        blank
        | {"technique": name, "client": "Chromium", "size": size, "purpose": "deliver"}
        | {"wire": wire + size, "payload": Workload().size}
        for name, wire in BYTES.items()
        for size in (64, 1024)
    ]
    return Comparison(latency(MEDIANS), Overhead(pandas.DataFrame(rows), ENVIRONMENT))
