"""Comparisons as they are after a run, made without one."""

from __future__ import annotations

import pytest

from labserver.measure.comparison import Comparison
from tests.report.measured import MEDIANS, four_techniques, latency


@pytest.fixture
def two() -> Comparison:
    """Two techniques of which no bytes were counted, with a hostile note."""
    medians = {name: MEDIANS[name] for name in ("sse", "websocket")}
    return Comparison(latency(medians, ("a <b>note</b>",)), None)


@pytest.fixture
def four() -> Comparison:
    """The note's four."""
    return four_techniques()
