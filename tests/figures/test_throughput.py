from __future__ import annotations

import pandas
import pytest

from labserver.errors import LabError
from labserver.figures.throughput import throughput

SUMMARY = pandas.DataFrame(
    [
        ("websocket", 50, 4000.0, 0.6, "not reached"),
        ("websocket", 200, 9000.0, 1.0, "not reached"),
        ("long_polling", 50, 3900.0, 11.8, "not reached"),
        ("long_polling", 200, 2000.0, 54.0, "latency"),
    ],
    columns=["technique", "members", "heard_per_s", "cpu_ms", "limit"],
)


def test_a_line_a_technique_against_the_size_of_the_room() -> None:
    lines = throughput(SUMMARY).data
    assert [line.name for line in lines] == ["websocket", "long polling"]
    assert list(lines[1].x) == [50, 200]
    assert list(lines[1].y) == [pytest.approx(50 / 0.0118), pytest.approx(200 / 0.054)]
    assert lines[0].marker.symbol != lines[1].marker.symbol


def test_the_title_has_the_dearest_and_the_cheapest_of_the_same_room() -> None:
    title = throughput(SUMMARY).layout.title.text.replace("<br>", " ")
    assert "In a room of 200" in title
    assert "54 ms of CPU by long polling, 1 ms by websocket" in title


def test_nothing_measured_is_said() -> None:
    with pytest.raises(LabError, match="run the measurement"):
        throughput(SUMMARY.iloc[:0])
