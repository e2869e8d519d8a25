from __future__ import annotations

import pytest

from labserver.errors import LabError
from labserver.figures.polling_tradeoff import polling_tradeoff


def test_news_is_half_an_interval_old_and_costs_a_poll_each_time() -> None:
    (line,) = polling_tradeoff([2.0, 10.0], poll_bytes=100, rtt_s=0.1).data
    assert list(line.x) == [pytest.approx(1050), pytest.approx(5050)]
    assert list(line.y) == [pytest.approx(3000), pytest.approx(600)]


def test_the_title_has_the_price_of_a_day() -> None:
    title = polling_tradeoff([1.0], poll_bytes=500).layout.title.text
    assert "every 1 s costs 43.2 MB per day" in title


def test_what_is_held_open_stands_beside_it_even_where_it_is_free() -> None:
    figure = polling_tradeoff([1.0], 500, beside={"websocket": (0.0, 0.001)})
    assert [list(point.y) for point in figure.data[1:]] == [[1]]
    low, high = figure.layout.xaxis.range
    assert low < 0 < high


def test_no_interval_is_refused() -> None:
    with pytest.raises(LabError, match="at least one interval"):
        polling_tradeoff([], 500)
