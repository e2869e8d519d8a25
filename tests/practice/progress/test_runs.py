from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy
import pytest

from labserver.clock import VirtualClock
from labserver.measure.measurement import Measurement
from labserver.practice.progress import runs
from labserver.practice.progress.runs import PER_SERIES, all_runs, keep, latest
from labserver.practice.progress.store import exercises, kept


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    monkeypatch.setenv("LABSERVER_STATE", str(folder))
    monkeypatch.setattr(runs._Warned, "yet", False)
    return folder


def latency(value: float, technique: str = "sse", link: str = "wifi") -> Measurement:
    return Measurement("latency.p50", value, "ms", {"technique": technique, "link": link})


def test_what_was_measured_is_found_with_its_unit_time_and_conditions() -> None:
    keep([latency(21.5)], True, clock=VirtualClock(0.0))
    found = latest("latency.p50", technique="sse")
    assert found is not None
    assert (found.value, found.unit, found.quick) == (21.5, "ms", True)
    assert found.conditions == {"technique": "sse", "link": "wifi"}
    assert found.at.startswith("1970-01-01T")


def test_conditions_choose() -> None:
    keep([latency(20, link="wifi"), latency(90, link="transatlantic"), latency(1, "websocket")])
    assert {run.value for run in all_runs("latency.p50", technique="sse")} == {20, 90}
    found = latest("latency.p50", link="transatlantic")
    assert found is not None
    assert found.value == 90
    assert latest("latency.p50", link="satellite") is None
    assert latest("latency.p99") is None
    assert len(all_runs()) == 3


def test_the_latest_comes_last() -> None:
    clock = VirtualClock()
    for value in (3, 1, 2):
        keep([latency(value)], clock=clock)
        clock.advance(60)
    assert [run.value for run in all_runs("latency.p50")] == [3, 1, 2]
    found = latest("latency.p50")
    assert found is not None
    assert found.value == 2


def test_a_series_keeps_its_last_values() -> None:
    clock = VirtualClock()
    for value in range(PER_SERIES + 3):
        keep([latency(value)], clock=clock)
        clock.advance(1)
    assert [run.value for run in all_runs()] == list(range(3, PER_SERIES + 3))


def test_quick_runs_push_out_no_careful_one() -> None:
    keep([latency(7)])
    for _ in range(PER_SERIES + 1):
        keep([latency(9)], True)
    assert [run.value for run in all_runs("latency.p50", quick=False)] == [7]
    assert [run.value for run in all_runs("latency.p50", quick=True)] == [9] * PER_SERIES
    last, careful = latest("latency.p50"), latest("latency.p50", quick=False)
    assert last is not None
    assert careful is not None
    assert (last.value, careful.value) == (9, 7)


def test_of_too_many_series_the_one_measured_longest_ago_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runs, "SERIES_MAX", 20)
    clock = VirtualClock()
    keep([Measurement("old", 1)], clock=clock)
    clock.advance(1)
    keep([Measurement("many", 1, "", {"n": n}) for n in range(20)], clock=clock)
    assert len(kept("runs")) == 20
    assert latest("old") is None


def test_what_is_no_number_is_left_out_and_a_word_is_kept() -> None:
    keep([latency(float("inf")), Measurement("proxies.outcome", "refused, 426")])
    assert [run.value for run in all_runs()] == ["refused, 426"]


def test_numbers_of_numpy_are_kept() -> None:
    keep([Measurement("n", numpy.float64(2), "", {"size": numpy.int64(64)})])
    found = latest("n", size=64)
    assert found is not None
    assert found.value == 2


def test_the_same_conditions_in_another_order_are_the_same_series() -> None:
    keep([Measurement("n", 1, "", {"a": 1, "b": 2}), Measurement("n", 2, "", {"b": 2, "a": 1})])
    assert len(kept("runs")) == 1


def test_what_is_no_series_is_passed_over_and_left_alone() -> None:
    kept("runs")["foreign"] = {"value": 67}
    keep([latency(1)])
    assert len(all_runs()) == 1
    assert kept("runs")["foreign"] == {"value": 67}


def test_nothing_else_of_the_progress_is_touched() -> None:
    exercises()["E12"] = {"outcome": "pass"}
    keep([latency(1)])
    assert exercises()["E12"] == {"outcome": "pass"}


def test_where_it_cannot_be_kept_the_run_goes_on_and_it_is_said_once(state: Path) -> None:
    state.mkdir()
    (state / "progress.json").write_text('{"version": 99}')
    with pytest.warns(UserWarning, match="What you measure is not kept. A newer labserver wrote"):
        keep([latency(1)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        keep([latency(2)])
    assert json.loads((state / "progress.json").read_text()) == {"version": 99}


def test_a_state_folder_that_cannot_be_made_does_not_end_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LABSERVER_STATE", str(tmp_path / "file" / "state"))
    with pytest.warns(UserWarning, match="is not kept"):
        keep([latency(1)])


@pytest.mark.slow
def test_the_face_has_what_is_measured_kept_and_only_then(state: Path) -> None:
    program = (
        "import sys, labserver as lab\n"
        "assert 'labserver.practice.progress.runs' not in sys.modules\n"
        "lab.overhead, lab.latency\n"
        "from labserver.measure.measurement import Measurement, tell\n"
        "tell([Measurement('n', 7)])\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    found = latest("n")
    assert found is not None
    assert found.value == 7
    assert len(all_runs()) == 1  # however many of them measure
