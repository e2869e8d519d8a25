from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas
import psutil
import pytest

import labserver as lab
from labserver.measure.capacity import COLUMNS, NO_LIMIT, Capacity, ServerUsage, capacity

MEMBERS = (12, 40)
RATES = (10.0, 40.0)


@pytest.fixture(scope="module")
def measured() -> Capacity:
    """Two techniques in two rooms."""
    return capacity(
        ["long_polling", "websocket"], MEMBERS, rates=RATES, repetitions=1, progress=False
    )


def test_it_says_its_figures_with_their_conditions(measured: Capacity) -> None:
    under = {"technique": "websocket", "members": 40}
    figures = {one.key: one for one in measured.measurements() if one.conditions == under}
    assert set(figures) == {
        f"capacity.{end}" for end in ("listener_memory", "message_cpu", "rate", "limit")
    }
    assert figures["capacity.rate"].value in (0.0, *RATES)
    assert figures["capacity.listener_memory"].unit == "KiB"


def test_a_room_is_filled_and_spoken_in_ever_more_often(measured: Capacity) -> None:
    table = measured.table
    assert table.columns.to_list() == list(COLUMNS)
    for (_, members), run in table.groupby(["technique", "members"]):
        assert members in MEMBERS
        assert run["per_s"].to_list() == list(RATES)[: len(run)]
        assert (run["limit"].iloc[:-1] == NO_LIMIT).all()  # at the first that is too much it ends
        assert len(run) == len(RATES) or run["limit"].iloc[-1] != NO_LIMIT
    assert table["messages"].to_list() == table["per_s"].to_list()
    assert table["lost"].sum() == 0


def test_a_listener_costs_memory_and_a_message_time(measured: Capacity) -> None:
    summary = measured.summary()
    assert len(summary) == 4
    largest = summary[summary["members"] == MEMBERS[1]]
    # A held request of 40 may fit into memory that the server has already; 40 WebSockets do not.
    assert (largest["kib"].between(0, 500)).all()
    assert (largest["kib"][largest["technique"] == "websocket"] > 1).all()
    assert (summary["cpu_ms"] >= 0).all()
    assert (largest["cpu_ms"] > 0).all()
    assert measured.connection_kib().keys() == {"long_polling", "websocket"}


def test_long_polling_costs_more_time_than_a_websocket(measured: Capacity) -> None:
    summary = measured.summary().set_index(["technique", "members"])["cpu_ms"]
    assert summary["long_polling", 40] > summary["websocket", 40]


def test_what_was_measured_can_be_saved(measured: Capacity, tmp_path: Path) -> None:
    again = Capacity.load(measured.save(tmp_path / "capacity.csv"))
    pandas.testing.assert_frame_equal(again.summary(), measured.summary(), check_exact=True)


def synthetic(*limits: str) -> Capacity:
    """A result with repetitions, each a row of limits, `-` for none."""
    rows = [
        {
            "technique": "sse",
            "members": 11,
            "repetition": repetition,
            "per_s": 10.0 * 2**step,
            "messages": 10,
            "server_cpu_s": 0.1,
            "kib_per_listener": 20.0 + repetition,
            "limit": NO_LIMIT if limit == "-" else limit,
        }
        for repetition, run in enumerate(limits)
        for step, limit in enumerate(run.split())
    ]
    return Capacity(pandas.DataFrame(rows), {"date": ""})


@pytest.mark.parametrize(
    ("limits", "per_s", "limit"),
    [
        (["- - -", "- - -"], 40, NO_LIMIT),
        (["- - server", "- server"], 20, "server"),
        (["- load", "load"], 10, "load"),
        (["latency", "latency"], 0, "latency"),
        (["latency", "- - -"], 40, "latency"),
    ],
)
def test_the_best_repetition_counts_as_what_disturbs_only_lowers_it(
    limits: list[str], per_s: float, limit: str
) -> None:
    (row,) = synthetic(*limits).summary().to_dict("records")
    assert (row["per_s"], row["limit"], row["heard_per_s"]) == (per_s, limit, per_s * 10)
    assert math.isclose(row["cpu_ms"], 10)
    assert (row["kib_least"], row["kib_most"]) == (20, 21)


def test_a_process_counts_with_what_it_has_started() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        process = ServerUsage(os.getpid())
        assert process.memory > psutil.Process().memory_info().rss
        assert process.cpu_s > 0
        child.communicate(b"\n")


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (lambda: capacity(["webrtc"]), "cannot be simulated"),
        (lambda: capacity(members=[8]), "more than 8"),
        (lambda: capacity(members=[]), "nothing to measure"),
        (lambda: capacity(rates=[500]), "rooms="),
        (lambda: capacity(repetitions=-1), "nothing to measure"),
    ],
)
def test_what_makes_no_sense_is_refused(ask: Callable[[], Capacity], answer: str) -> None:
    with pytest.raises(lab.LabError, match=answer):
        ask()
