from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from labserver.clock import VirtualClock
from labserver.measure.measurement import Measurement
from labserver.practice.progress.runs import (
    RUNS_PER_SERIES,
    SERIES_MAX,
    Run,
    history,
    keep,
    latest,
)
from labserver.practice.progress.store import kept


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A learner who has measured nothing yet."""
    monkeypatch.setenv("LABSERVER_STATE", str(tmp_path))
    return tmp_path


@pytest.fixture
def clock() -> VirtualClock:
    """The time of each run."""
    return VirtualClock(1_764_547_200.0)


def latency(value: float, technique: str = "sse", link: str = "wifi") -> Measurement:
    return Measurement("latency.p50", value, "ms", {"technique": technique, "link": link})


def test_what_was_measured_is_found_again(clock: VirtualClock) -> None:
    keep([latency(12.5)], False, clock=clock)
    expected = Run(
        "latency.p50",
        12.5,
        "ms",
        {"link": "wifi", "technique": "sse"},
        quick=False,
        time="2025-12-01T00:00:00.000Z",
    )
    assert latest("latency.p50") == expected
    assert history("latency.p50") == [expected]


def test_nothing_is_found_that_was_not_measured() -> None:
    keep([latency(12.5)], False)
    assert latest("latency.p99") is None
    assert latest("latency.p50", technique="websocket") is None
    assert latest("latency.p50", size=64) is None
    assert history("latency.p50", quick=True) == []


def test_the_latest_is_the_last_that_meets_the_conditions(clock: VirtualClock) -> None:
    for value, technique, link in [(1, "sse", "wifi"), (2, "sse", "far"), (3, "websocket", "far")]:
        keep([latency(value, technique, link)], False, clock=clock)
        clock.advance(60)
    keep([latency(4, "sse", "wifi")], True, clock=clock)
    runs = history("latency.p50", technique="sse")
    assert [(run.value, run.quick) for run in runs] == [(1, False), (2, False), (4, True)]
    found = latest("latency.p50", technique="sse", quick=False)
    assert found is not None
    assert found.value == 2


def test_quick_runs_never_push_out_a_thorough_one() -> None:
    keep([latency(7.0)], False)
    for _ in range(RUNS_PER_SERIES + 1):
        keep([latency(9.0)], True)
    assert [run.value for run in history("latency.p50", quick=False)] == [7.0]


def test_a_series_keeps_its_last_runs(clock: VirtualClock) -> None:
    for value in range(RUNS_PER_SERIES + 3):
        keep([latency(value)], False, clock=clock)
        clock.advance(1)
    runs = history("latency.p50")
    assert [run.value for run in runs] == list(range(3, RUNS_PER_SERIES + 3))


def test_of_too_many_series_those_measured_longest_ago_go(clock: VirtualClock) -> None:
    keep([latency(n, link=f"link {n}") for n in range(SERIES_MAX)], False, clock=clock)
    clock.advance(1)
    keep([latency(1000.0, link="link 0"), latency(2000.0, link="new")], False, clock=clock)
    assert len(kept("runs")) == SERIES_MAX
    assert [run.value for run in history("latency.p50", link="link 0")] == [0, 1000.0]
    assert latest("latency.p50", link="new") is not None


def test_a_word_is_kept_and_an_infinite_figure_is_not() -> None:
    outcome = Measurement("proxies.outcome", "works", conditions={"proxy": "strips"})
    keep([latency(math.inf), latency(math.nan, "websocket"), outcome], False)
    found = latest("proxies.outcome", proxy="strips")
    assert found is not None
    assert (found.value, found.unit) == ("works", "")
    assert history("latency.p50") == []


def test_a_run_does_not_fail_where_nothing_can_be_kept(state: Path) -> None:
    (state / "progress.json").write_text('{"version": 99}')
    with pytest.warns(UserWarning, match=r"What was measured is not kept\. A newer labserver"):
        keep([latency(1.0)], False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        keep([latency(2.0)], False)  # once is enough
    assert (state / "progress.json").read_text() == '{"version": 99}'


@pytest.mark.slow
def test_the_face_has_kept_what_its_functions_measure(state: Path) -> None:
    program = (
        "import labserver as lab, sys\n"
        "assert 'labserver.practice' not in sys.modules\n"
        "lab.overhead(['websocket'], sizes=[16], messages=1, progress=False)\n"
        "lab.survival({'none': lab.Link()}, ['websocket'], silence_s=0.1)\n"
        "lab.stop_all()\n"
    )
    quick = os.environ | {"LABSERVER_QUICK": "1"}
    subprocess.run([sys.executable, "-c", program], check=True, env=quick)
    found = latest(
        "overhead.bytes_per_message", technique="websocket", client="Chromium", size=16, quick=True
    )
    assert found is not None
    assert isinstance(found.value, float)
    assert 16 < found.value < 400
    tried = latest("proxies.outcome", technique="websocket", proxy="none", silence_s=0.1)
    assert tried is not None
    assert (tried.value, tried.quick) == ("works", True)
    written = json.loads((state / "progress.json").read_text())["runs"]
    assert len(written) == 4  # three clients' headers, and the proxy
