from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pandas
import pytest

from labserver.errors import LabError
from labserver.measure import measurement
from labserver.measure.comparison import (
    NAMES,
    RTT_MAX_MS,
    Comparison,
    Experiment,
    named,
)
from labserver.measure.latency import COLUMNS, Latency
from labserver.measure.measurement import Measurement

ENVIRONMENT = {"date": "2026-11-23T00:00:00Z"}


def measured(**medians: list[float]) -> Comparison:
    """A comparison in which each repetition had one message."""
    blank = dict.fromkeys(COLUMNS, 0)
    rows = [
        blank | {"technique": name, "link": "loopback", "repetition": n, "latency_ms": value}
        for name, values in medians.items()
        for n, value in enumerate(values)
    ]
    return Comparison(Latency(pandas.DataFrame(rows), ENVIRONMENT), None)


def test_the_lowest_latency_stands_first() -> None:
    comparison = measured(sse=[9.0, 9.0, 9.0], websocket=[1.0, 1.0, 1.0])
    assert [line.technique for line in comparison.rows()] == ["websocket", "sse"]


def test_each_is_compared_with_each() -> None:
    comparison = measured(sse=[9.0, 9.0, 9.0], websocket=[1.0, 1.0, 1.0], webrtc=[1.0, 0.9, 1.2])
    verdicts = comparison.verdicts()
    assert [(verdict.a[0], verdict.b[0]) for verdict in verdicts] == [
        ("websocket", "webrtc"),
        ("websocket", "sse"),
        ("webrtc", "sse"),
    ]
    assert [verdict.decided for verdict in verdicts] == [False, True, True]


def test_one_alone_is_compared_with_none() -> None:
    assert measured(sse=[9.0, 9.0]).verdicts() == []


def test_what_is_not_on_the_tape_has_no_bytes_and_a_note_says_so() -> None:
    comparison = measured(webrtc=[1.0])
    (line,) = comparison.rows()
    assert (line.message_bytes, line.times) == (None, None)
    assert comparison.notes == [
        "webrtc: its bytes are not counted, because the relay does not pass on UDP."
    ]


def test_what_was_lost_is_said() -> None:
    comparison = measured(sse=[1.0, math.inf, math.inf])
    (line,) = comparison.rows()
    assert line.lost == 2
    assert str(line.median_ms) == "never (1 to never)"
    assert comparison.notes == ["sse: 2 messages were never heard."]


@pytest.mark.parametrize(("messages", "few"), [(75, True), (100, True), (101, False)])
def test_where_p99_is_but_the_slowest_message_it_is_said(messages: int, few: bool) -> None:
    blank = dict.fromkeys(COLUMNS, 0) | {"technique": "sse", "link": "loopback"}
    rows = [blank | {"message": n, "latency_ms": float(n)} for n in range(messages)]
    comparison = Comparison(Latency(pandas.DataFrame(rows), ENVIRONMENT), None)
    assert comparison.conditions.startswith(f"{messages} messages of")
    assert ("p99 is the slowest" in comparison.conditions) == few
    (line,) = comparison.rows()
    assert (line.p99_ms.most == messages - 1) == few


@pytest.mark.parametrize(
    ("given", "names"),
    [("sse", ["sse"]), ("sse, websocket", ["sse", "websocket"]), ("sse,sse", ["sse"])],
)
def test_techniques_are_named_with_commas(given: str, names: list[str]) -> None:
    assert named(given) == names


@pytest.mark.parametrize("given", ["", "sse,", "carrier_pigeon"])
def test_an_unknown_technique_is_answered_with_the_known_ones(given: str) -> None:
    with pytest.raises(LabError, match="there are short_polling"):
        Experiment(named(given))


@pytest.mark.parametrize("rtt_ms", [-1.0, RTT_MAX_MS + 1, math.nan, math.inf])
def test_a_round_trip_that_no_path_has_is_refused(rtt_ms: float) -> None:
    with pytest.raises(LabError, match="0 to 2,000 ms"):
        Experiment(["sse"], rtt_ms=rtt_ms)


def test_latencies_and_bytes_are_told_apart_where_webrtc_has_no_bytes() -> None:
    comparison = Experiment(["sse", "webrtc"], messages=3, quick=True).run(progress=False)
    assert comparison.overhead is not None
    assert set(comparison.latency.table["technique"]) == {"sse", "webrtc"}
    assert len(comparison.latency.table) == 2 * 2 * 3
    assert comparison.latency.table["latency_ms"].between(0, 5000).all()
    assert comparison.overhead.message_bytes().keys() == {"sse"}


def test_webrtc_alone_cannot_go_over_a_path_that_is_played() -> None:
    with pytest.raises(LabError, match="UDP"):
        Experiment(["webrtc"], rtt_ms=40)
    assert Experiment(NAMES, rtt_ms=40).techniques == NAMES


def test_no_messages_are_no_experiment() -> None:
    with pytest.raises(LabError, match="messages"):
        Experiment(["sse"], messages=0)


def test_a_path_is_played_and_all_is_told_and_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[Sequence[Measurement], bool]] = []
    monkeypatch.setattr(measurement, "_listeners", [lambda *run: told.append(run)])
    # On so long a path five rooms would not keep up with the schedule.
    comparison = Experiment(["websocket"], messages=5, rtt_ms=300, quick=True).run(progress=False)
    assert comparison.link == "a round trip of 300 ms"
    assert comparison.conditions.startswith("Quick results, which are less certain")
    assert "5 messages of 64 bytes in each of 2 repetitions" in comparison.conditions
    assert "16 people in 8 rooms" in comparison.conditions
    (line,) = comparison.rows()
    assert line.median_ms.least >= 300  # to the server, and to the listener
    assert line.message_bytes is not None
    assert line.times == 1
    comparison.save(tmp_path)
    assert len(pandas.read_csv(tmp_path / "latency.csv")) == 2 * 5
    assert set(pandas.read_csv(tmp_path / "overhead.csv")["technique"]) == {"websocket"}
    assert comparison.overhead is not None
    figures = [*comparison.latency.measurements(), *comparison.overhead.measurements()]
    assert told == [(figures, True)]
