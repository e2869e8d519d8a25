from __future__ import annotations

import numpy
import pandas
import plotly.graph_objects as go
import pytest

from labserver.errors import LabError
from labserver.figures.ecdf import POINTS, latency_ecdf
from labserver.figures.palette import TECHNIQUE


def table(**latencies: list[float]) -> pandas.DataFrame:
    return pandas.DataFrame(
        [
            {"technique": technique, "latency_ms": value}
            for technique, values in latencies.items()
            for value in values
        ]
    )


def title(figure: go.Figure) -> str:
    text: str = figure.layout.title.text
    return text.replace("<br>", " ")


def test_a_line_ends_where_all_are_heard() -> None:
    (line,) = latency_ecdf(table(sse=[4.0, 1.0, 2.0, 3.0])).data
    assert list(line.x) == [1.0, 2.0, 3.0, 4.0]
    assert list(line.y) == [0.25, 0.5, 0.75, 1.0]
    assert line.line.color == TECHNIQUE["sse"]


@pytest.mark.parametrize("never", [float("nan"), float("inf")])
def test_what_was_never_heard_keeps_the_line_below_one(never: float) -> None:
    (line,) = latency_ecdf(table(sse=[1.0, never])).data
    assert list(line.x) == [1.0]
    assert list(line.y) == [0.5]


def test_a_median_of_what_was_never_heard_is_not_that_of_the_rest() -> None:
    figure = latency_ecdf(table(sse=[1.0, float("nan"), float("nan")], websocket=[2.0]))
    assert title(figure) == ("Median latency: 2 ms with websocket, ∞ ms with sse")


def test_one_alone_is_named_once() -> None:
    assert title(latency_ecdf(table(sse=[3.0]))) == "Median latency: 3 ms with sse"


def test_many_messages_are_drawn_by_a_few_points_and_keep_their_ends() -> None:
    values = numpy.random.default_rng(1).uniform(1, 9, 10_000)
    (line,) = latency_ecdf(table(websocket=values.tolist())).data
    assert len(line.x) <= 2 * POINTS
    assert (line.x[0], line.x[-1]) == pytest.approx((values.min(), values.max()), rel=1e-3)
    assert line.y[-1] == 1.0


def test_the_title_names_the_fastest_and_the_slowest() -> None:
    figure = latency_ecdf(table(sse=[1.0], short_polling=[100.0]))
    assert "1 ms with sse, 100 ms with short polling" in figure.layout.title.text.replace(
        "<br>", " "
    )


@pytest.mark.parametrize(
    ("far_ms", "says"),
    [
        (46.0, "The path sets the floor: the lowest median is 1.5 ms on lo, 46 ms on far"),
        (1.6, "The path sets no floor here: the lowest median is 1.5 ms on lo, 1.6 ms on far"),
    ],
)
def test_each_link_has_a_panel_and_the_title_compares_their_floors(
    far_ms: float, says: str
) -> None:
    near, far = table(sse=[1.5], short_polling=[250.0]), table(sse=[far_ms], short_polling=[300.0])
    figure = latency_ecdf(pandas.concat([near.assign(link="lo"), far.assign(link="far")]))
    assert {line.yaxis for line in figure.data} == {"y", "y2"}
    assert title(figure) == says
    assert figure.layout.yaxis.title.text == "lo, share"
    assert figure.layout.yaxis2.title.text == "far, share"


def test_techniques_differ_by_more_than_colour() -> None:
    figure = latency_ecdf(table(sse=[1.0], websocket=[1.0], webrtc=[1.0]))
    assert len({line.line.dash for line in figure.data}) == 3


def test_nothing_measured_is_said() -> None:
    with pytest.raises(LabError, match="run the measurement"):
        latency_ecdf(table())
