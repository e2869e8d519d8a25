from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from pathlib import Path

import numpy
import pandas
import pytest

import labserver as lab
from labserver.measure.latency import COLUMNS, Latency, latency
from labserver.measure.workload import Workload
from tests.conftest import Judge
from tests.waiting import Lateness, lateness

pytestmark = pytest.mark.alone

SMALL = Workload(messages=20, rooms=2)
# Medians of a few polls differ by chance: two of each would now and then be left undecided.
REPETITIONS = 3


@pytest.fixture(scope="module")
def run() -> tuple[Latency, Lateness]:
    """Two techniques over two links, and how late the machine was."""
    with lateness() as late:
        measured = latency(
            ["short_polling", "websocket"],
            {"direct": None, "far": lab.Link(rtt_ms=30)},
            poll_interval_s=0.25,
            workload=SMALL,
            repetitions=REPETITIONS,
            progress=False,
        )
    return measured, late


@pytest.fixture
def measured(run: tuple[Latency, Lateness]) -> Latency:
    """What was measured."""
    return run[0]


@pytest.fixture
def late(run: tuple[Latency, Lateness]) -> Lateness:
    """How late the machine was."""
    return run[1]


def test_the_table_has_a_row_for_each_delivery_with_its_conditions(measured: Latency) -> None:
    table = measured.table
    assert table.columns.to_list() == list(COLUMNS)
    assert len(table) == REPETITIONS * 2 * 2 * SMALL.deliveries
    assert set(table["rtt_ms"][table["link"] == "far"]) == {30.0}
    assert measured.environment["links"] == {"direct": "Link()", "far": "Link(rtt_ms=30)"}
    polls = table["technique"] == "short_polling"
    assert set(table["poll_interval_s"][polls]) == {0.25}
    assert table["poll_interval_s"][~polls].isna().all()
    assert (table["sent_s"] >= table["due_s"]).all()
    assert numpy.allclose(table["latency_ms"], (table["received_s"] - table["due_s"]) * 1000)


def test_repetitions_are_interleaved(measured: Latency) -> None:
    order = measured.table[["repetition", "link", "technique"]].drop_duplicates()
    assert order["repetition"].to_list() == [n for n in range(REPETITIONS) for _ in range(4)]
    assert order["link"].to_list() == ["direct", "direct", "far", "far"] * REPETITIONS


def test_the_summary_has_a_row_for_each_technique_and_link(measured: Latency) -> None:
    summary = measured.summary()
    assert summary["technique"].to_list() == ["short_polling", "websocket"] * 2
    assert summary["messages"].to_list() == [REPETITIONS * SMALL.deliveries] * 4
    assert summary["lost"].sum() == 0
    for p in ("p50", "p90", "p99"):
        assert (summary[f"{p}_least"] <= summary[f"{p}_ms"]).all()
        assert (summary[f"{p}_ms"] <= summary[f"{p}_most"]).all()


def test_polling_is_slower_than_a_websocket_and_the_verdict_says_so(
    measured: Latency, late: Lateness, judge: Judge
) -> None:
    verdict = measured.compare("short_polling", "websocket", link="direct")
    judge(verdict.lower == "websocket", late, 0.02, f"{verdict}")
    assert measured.compare("websocket", "websocket", link="direct").lower is None
    spreads = measured.spreads("far")
    assert spreads["websocket"].least > 30


def test_what_was_measured_can_be_saved(measured: Latency, tmp_path: Path) -> None:
    again = Latency.load(measured.save(tmp_path / "latency.csv"))
    pandas.testing.assert_frame_equal(again.summary(), measured.summary(), check_exact=True)


def test_a_link_of_40_ms_is_found_out(judge: Judge) -> None:
    links = {"without": None, "with": lab.Link(rtt_ms=40)}
    with lateness() as late:
        measured = latency(["websocket"], links, workload=Workload(messages=30), progress=False)
    least = measured.table.groupby("link")["latency_ms"].min()
    assert least["with"] >= 40  # on any machine
    off_ms = least["with"] - least["without"] - 40
    judge(abs(off_ms) < 2, late, 0.002, f"off by {off_ms:.1f} ms")
    # Timers wake up to a millisecond late at each end of the link, and half of all messages later.
    medians = {link: measured.spreads(link)["websocket"].median for link in links}
    off_ms = medians["with"] - medians["without"] - 40
    judge(abs(off_ms) < 5, late, 0.005, f"the medians are off by {off_ms:.1f} ms")


def test_short_polling_takes_half_its_interval_on_average(
    measured: Latency, late: Lateness, judge: Judge
) -> None:
    table = measured.table
    direct = table[(table["technique"] == "short_polling") & (table["link"] == "direct")]
    mean = statistics.fmean(direct["latency_ms"])
    # The standard error of a uniform wait is 0.29 of the interval over √60.
    judge(abs(mean - 125) < 50, late, 0.02, f"{mean:.0f} ms on average")


def test_webrtc_is_left_out_where_the_relay_cannot_play_the_link() -> None:
    measured = latency(
        ["websocket", "webrtc"],
        ["loopback", "cable"],
        workload=Workload(messages=4, rooms=1, per_s=20),
        repetitions=1,
        progress=False,
    )
    runs = set(zip(measured.table["technique"], measured.table["link"], strict=True))
    assert runs == {("websocket", "loopback"), ("webrtc", "loopback"), ("websocket", "cable")}
    assert measured.notes[0].startswith("webrtc was not measured over cable")


def synthetic(*latencies_ms: float) -> Latency:
    """A result with one message per repetition, for one technique."""
    table = pandas.DataFrame(
        {
            "technique": "sse",
            "link": "loopback",
            "repetition": range(len(latencies_ms)),
            "latency_ms": latencies_ms,
        }
    )
    return Latency(table, {"date": ""})


def test_a_lost_message_is_infinitely_late() -> None:
    summary = synthetic(1.0, math.inf, 3.0).summary()
    assert summary["lost"].to_list() == [1]
    assert summary["messages"].to_list() == [2]
    assert summary[["p50_least", "p50_ms", "p50_most"]].to_numpy().tolist() == [[1, 3, math.inf]]


def test_what_was_not_measured_cannot_be_compared() -> None:
    measured = synthetic(1.0, 2.0)
    with pytest.raises(lab.LabError, match="there is loopback"):
        measured.spreads("wifi")
    with pytest.raises(lab.LabError, match="'websocket'"):
        measured.compare("sse", "websocket", link="loopback")


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (lambda: latency(["pigeon"]), "There is no technique 'pigeon'"),
        (lambda: latency(links=["wify"]), "did you mean 'wifi'"),
        (lambda: latency(["webrtc"], ["wifi"]), "nothing to measure"),
        (lambda: latency([]), "nothing to measure"),
        (lambda: latency(links={}), "nothing to measure"),
        (lambda: latency(links=["satellite"]), "rooms=13"),
        (lambda: latency(repetitions=-1), "nothing to measure"),
        (lambda: latency(poll_interval_s=-1), "poll_interval_s"),
    ],
)
def test_what_makes_no_sense_is_refused(ask: Callable[[], Latency], answer: str) -> None:
    with pytest.raises(lab.LabError, match=answer):
        ask()
