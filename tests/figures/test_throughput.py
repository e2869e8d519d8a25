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


def test_a_row_per_technique_has_a_point_per_room_that_is_larger_for_a_larger_room() -> None:
    websocket, long_polling, *legend = throughput(SUMMARY).data
    assert list(long_polling.x) == [pytest.approx(50 / 0.0118), pytest.approx(200 / 0.054)]
    assert set(long_polling.y) == {"long polling"}
    assert long_polling.marker.size[0] < long_polling.marker.size[1]
    assert websocket.marker.symbol != long_polling.marker.symbol
    assert [entry.name for entry in legend] == ["room of 50", "room of 200"]


def test_the_title_has_the_most_and_the_least_in_the_units_of_the_axis() -> None:
    figure = throughput(SUMMARY)
    assert figure.layout.title.text.replace("<br>", " ") == (
        "In a room of 200 one core delivers 200,000 messages per second by websocket,"
        " 3,704 by long polling"
    )
    assert figure.layout.xaxis.title.text.startswith("messages delivered per second and core")


def test_a_single_room_and_a_single_technique_can_be_drawn() -> None:
    figure = throughput(SUMMARY.iloc[:1])
    assert figure.layout.title.text.endswith("by websocket")


def test_nothing_measured_is_said() -> None:
    with pytest.raises(LabError, match="run the measurement"):
        throughput(SUMMARY.iloc[:0])
