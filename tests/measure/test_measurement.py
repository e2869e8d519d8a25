from __future__ import annotations

from collections.abc import Sequence

import pytest

from labserver.measure import measurement
from labserver.measure.measurement import Measurement, is_quick, on_measured, tell

ONE = Measurement("latency.p50", 3.5, "ms", {"technique": "sse"})

Heard = list[tuple[Sequence[Measurement], bool]]


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Heard:
    """What the only listener is told."""
    monkeypatch.delenv("LABSERVER_QUICK", raising=False)
    monkeypatch.setattr(measurement, "_listeners", [])
    said: Heard = []

    def listener(measurements: Sequence[Measurement], quick: bool) -> None:
        said.append((measurements, quick))

    on_measured(listener)
    on_measured(listener)
    return said


def test_whoever_registers_twice_is_told_once(heard: Heard) -> None:
    tell([ONE])
    assert heard == [([ONE], False)]


def test_a_run_is_quick_if_it_was_asked_to_be(heard: Heard) -> None:
    tell([ONE], quick=True)
    assert heard == [([ONE], True)]


def test_the_environment_makes_every_run_a_quick_one(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_quick()
    monkeypatch.setenv("LABSERVER_QUICK", "1")
    assert is_quick()
    tell([ONE])
    assert heard == [([ONE], True)]
