from __future__ import annotations

import pandas
import pytest

from labserver.errors import LabError
from labserver.figures.overhead import overhead_ratio


def table(small: float, client: str = "Chromium") -> pandas.DataFrame:
    rows = [(client, 64, small, 2 * small), (client, 1024, 1.6, 1.7)]
    return pandas.DataFrame(rows, columns=["client", "size", "ratio", "bare"])


def test_the_line_is_the_ratio_against_the_size() -> None:
    (line,) = overhead_ratio(table(10.2)).data
    assert (list(line.x), list(line.y)) == ([64, 1024], [10.2, 1.6])
    (bare,) = overhead_ratio(table(10.2), column="bare").data
    assert list(bare.y) == [20.4, 1.7]


def test_the_title_says_how_far_ten_times_holds() -> None:
    assert "10× holds up to 64 bytes with Chromium's headers" in title(table(10.2))


def test_the_title_says_where_it_never_holds() -> None:
    assert title(table(2.3, "curl")).startswith("Nowhere 10×: 2.3 at most, for curl")


def test_the_notes_line_stands_at_ten() -> None:
    (line,) = overhead_ratio(table(10.2)).layout.shapes
    assert line.y0 == line.y1 == 10


def test_clients_differ_by_more_than_colour() -> None:
    both = pandas.concat([table(10.2), table(2.3, "curl")])
    assert len({line.marker.symbol for line in overhead_ratio(both).data}) == 2


def test_nothing_measured_is_said() -> None:
    with pytest.raises(LabError, match="run the measurement"):
        overhead_ratio(table(1.0).iloc[:0])


def title(measured: pandas.DataFrame) -> str:
    text: str = overhead_ratio(measured).layout.title.text
    return text.replace("<br>", " ")
