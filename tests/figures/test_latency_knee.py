from __future__ import annotations

import math

import pandas
import pytest

from labserver.errors import LabError
from labserver.figures.latency_knee import latency_knee

TABLE = pandas.DataFrame(
    [
        ("websocket", 50, 20.0, 1.0, "not reached"),
        ("websocket", 1000, 20.0, 17.0, "not reached"),
        ("websocket", 1000, 20.0, 19.0, "not reached"),
        ("websocket", 1000, 320.0, 35.0, "not reached"),
        ("websocket", 1000, 320.0, 250.0, "latency"),
        ("sse", 1000, 20.0, 79.0, "not reached"),
        ("sse", 1000, 80.0, 555.0, "server"),
        ("long_polling", 1000, 20.0, 847.0, "server"),
    ],
    columns=["technique", "members", "per_s", "p90_ms", "limit"],
)


def title(table: pandas.DataFrame) -> str:
    return str(latency_knee(table).layout.title.text).replace("<br>", " ")


def test_a_line_a_technique_in_the_largest_room_alone() -> None:
    lines = latency_knee(TABLE).data
    assert [line.name for line in lines][:3] == ["websocket", "sse", "long polling"]
    assert list(lines[0].x) == [20.0, 320.0]
    assert list(lines[0].y) == [18.0, 142.5]
    assert list(lines[0].error_y.array) == [1.0, 107.5]


def test_a_point_is_open_where_most_repetitions_were_at_a_limit() -> None:
    websocket, sse, long_polling, legend = latency_knee(TABLE).data
    assert legend.name == "open: at its limit"
    assert not any(symbol.endswith("-open") for symbol in websocket.marker.symbol)
    assert [symbol.endswith("-open") for symbol in sse.marker.symbol] == [False, True]
    assert [symbol.endswith("-open") for symbol in long_polling.marker.symbol] == [True]


def test_the_title_says_who_bends_first() -> None:
    assert title(TABLE) == (
        "In a room of 1,000 long polling is the first at a limit, at 20 messages per second"
    )
    calm = TABLE[TABLE["technique"] == "websocket"]
    assert title(calm) == "In a room of 1,000 nothing is at its limit at 320 messages per second"


def test_who_bend_together_are_named_together() -> None:
    both = TABLE.assign(per_s=20.0, limit="server")
    assert title(both[both["members"] == 1000]) == (
        "In a room of 1,000 websocket, sse and long polling are the first at a limit,"
        " at 20 messages per second"
    )


def test_what_was_lost_leaves_a_gap_and_no_error() -> None:
    lost = TABLE.assign(p90_ms=TABLE["p90_ms"].replace(847.0, math.inf))
    assert [line.name for line in latency_knee(lost).data][2] == "long polling"


def test_nothing_measured_is_said() -> None:
    with pytest.raises(LabError, match="run the measurement"):
        latency_knee(TABLE.iloc[:0])
