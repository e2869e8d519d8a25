from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from labserver.measure import measurement
from labserver.measure.latency import Latency
from labserver.measure.measurement import Measurement, on_measured, tell
from labserver.measure.overhead import Overhead
from labserver.measure.proxies import try_proxies
from tests.notebooks.execute import REPOSITORY

TRACES = REPOSITORY / "notebooks" / "traces"


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[Measurement], bool]]:
    """What a listener hears; those that were there before hear nothing meanwhile."""
    monkeypatch.setattr(measurement, "_listeners", [])
    monkeypatch.delenv("LABSERVER_QUICK", raising=False)
    told: list[tuple[list[Measurement], bool]] = []

    def listen(measurements: Sequence[Measurement], quick: bool) -> None:
        told.append((list(measurements), quick))

    on_measured(listen)
    on_measured(listen)
    return told


Heard = list[tuple[list[Measurement], bool]]


def test_who_listens_twice_is_told_once(heard: Heard) -> None:
    tell([Measurement("a", 1.0)])
    assert heard == [([Measurement("a", 1.0)], False)]


def test_it_is_told_whether_a_run_was_quick(heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    tell([], quick=True)
    monkeypatch.setenv("LABSERVER_QUICK", "1")
    tell([])
    assert [quick for _, quick in heard] == [True, True]


def test_what_measures_tells_it(heard: Heard) -> None:
    def nothing(*args: object, **more: object) -> object:
        raise AssertionError("no proxy, no server")

    start: Callable[..., object] = nothing
    try_proxies(start, [], {})  # type: ignore[arg-type]
    assert heard == [([], False)]


def test_a_latency_says_its_figures_with_their_conditions() -> None:
    figures = Latency.load(TRACES / "09_latency.csv").measurements()
    (polled,) = (
        one
        for one in figures
        if one.key == "latency.p50"
        and (one.conditions["technique"], one.conditions["link"]) == ("short_polling", "wifi")
    )
    assert (polled.unit, polled.conditions["rtt_ms"]) == ("ms", 20.0)
    assert polled.conditions["poll_interval_s"] == 0.2
    assert 20 < float(polled.value) < 400
    held = [one for one in figures if one.conditions["technique"] == "websocket"]
    assert held
    assert not any("poll_interval_s" in one.conditions for one in held)
    assert {one.key for one in held} == {f"latency.{end}" for end in ("p50", "p90", "p99", "lost")}


def test_an_overhead_says_its_bytes_with_their_conditions() -> None:
    measured = Overhead.load(TRACES / "09_overhead.csv")
    (hello,) = (
        one
        for one in measured.measurements()
        if one.conditions
        == {"technique": "websocket", "client": "Chromium", "size": 64, "purpose": "deliver"}
    )
    assert (hello.key, hello.unit) == ("overhead.wire", "bytes")
    assert hello.value == measured.message_bytes()["websocket"]
