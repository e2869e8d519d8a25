from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pandas
import pytest

from labserver.errors import LabError
from labserver.measure.comparison import Comparison
from labserver.measure.latency import COLUMNS, Latency
from labserver.measure.overhead import Overhead, OverheadRow
from labserver.measure.workload import Workload
from labserver.report.page import check_folder, report, write_report

ENVIRONMENT = {
    "date": "2026-11-23T00:00:00Z",
    "python": "<script>alert(1)</script>",
    "load_average": [0.1, 0.2],
    "packages": {"tornado": "6.6", "aiortc": None},
}
MEDIANS = {"short_polling": 250.0, "long_polling": 4.0, "sse": 3.0, "websocket": 1.0}
BYTES = {"short_polling": 1300.0, "long_polling": 1250.0, "sse": 260.0, "websocket": 215.0}


def latency(medians: dict[str, float], notes: tuple[str, ...] = ()) -> Latency:
    rows = [
        dict.fromkeys(COLUMNS, 0)
        | {"technique": name, "link": "loopback", "repetition": n, "latency_ms": value}
        for name, value in medians.items()
        for n in range(3)
    ]
    return Latency(pandas.DataFrame(rows), ENVIRONMENT, notes)


@pytest.fixture
def two() -> Comparison:
    """Two techniques of which no bytes were counted, with a hostile note."""
    medians = {name: MEDIANS[name] for name in ("sse", "websocket")}
    return Comparison(latency(medians, ("a <b>note</b>",)), None)


@pytest.fixture
def four() -> Comparison:
    """The note's four."""
    blank = dict.fromkeys(OverheadRow._fields, 0)
    rows = [
        blank
        | {"technique": name, "client": "Chromium", "size": size, "purpose": "deliver"}
        | {"wire": wire + size, "payload": Workload().size}
        for name, wire in BYTES.items()
        for size in (64, 1024)
    ]
    return Comparison(latency(MEDIANS), Overhead(pandas.DataFrame(rows), ENVIRONMENT))


class Elements(HTMLParser):
    """The elements of a page, with their attributes; what is in a script is not one."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def __iter__(self) -> Iterator[tuple[str, dict[str, str | None]]]:
        return iter(self.found)


def test_the_page_has_the_table_the_verdicts_and_the_conditions(two: Comparison) -> None:
    page = report(two)
    assert "<td>websocket</td><td class='number'>1 (1 to 1)</td>" in page
    assert "<td>websocket, sse</td><td>websocket is lower</td><td>3.0 times</td>" in page
    assert "1 messages of 0 bytes in each of 3 repetitions" in page
    assert "2026-11-23" in page
    assert "<td>tornado 6.6</td>" in page
    assert "<td>0.1, 0.2</td>" in page


def test_text_is_not_markup(two: Comparison) -> None:
    page = report(two)
    assert "a &lt;b&gt;note&lt;/b&gt;" in page
    assert "<script>alert(1)" not in page


def test_nothing_is_fetched_from_anywhere(four: Comparison) -> None:
    elements = list(Elements(report(four)))
    assert {"table", "figure", "script"} <= {tag for tag, _ in elements}
    assert [
        (tag, attributes) for tag, attributes in elements if {"src", "href"} & attributes.keys()
    ] == []
    policies = [
        attributes["content"]
        for tag, attributes in elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert len(policies) == 1
    assert policies[0] is not None
    assert policies[0].startswith("default-src 'none'")


def test_the_library_stands_in_the_page_once_for_two_figures(four: Comparison) -> None:
    page = report(four)
    assert len(re.findall(r"Plotly\.newPlot\(\s*[\"']figure-\d", page)) == 2
    assert len(page) < 8_000_000


def test_the_notes_table_needs_all_four(two: Comparison, four: Comparison) -> None:
    assert "The note's table" not in report(two)
    page = report(four)
    assert "holds, measured: median 1 ms (1 to 1)" in page
    assert "open: try the proxies first" in page


def test_a_titles_text_belongs_to_the_page(four: Comparison) -> None:
    titles = re.findall(r"<figcaption>(.*?)</figcaption>", report(four))
    assert len(titles) == 2
    assert "Half of the messages are heard within 1 ms by websocket" in titles[0]
    assert "<br>" not in "".join(titles)


def test_everything_is_written_and_nothing_else(four: Comparison, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    names = write_report(four, folder)
    assert sorted(file.name for file in folder.iterdir()) == names
    assert names == [
        "latency.csv",
        "latency.json",
        "overhead.csv",
        "overhead.json",
        "report.html",
    ]
    assert Overhead.load(folder / "overhead.csv").message_bytes()["sse"] == 260 + 64
    assert str(tmp_path) not in (folder / "report.html").read_text(encoding="utf-8")


def test_where_it_cannot_be_written_the_earlier_one_stays(four: Comparison, tmp_path: Path) -> None:
    (tmp_path / "overhead.csv" / "in_the_way").mkdir(parents=True)
    files = [tmp_path / name for name in ("latency.csv", "latency.json", "report.html")]
    for file in files:
        file.write_text("earlier", encoding="utf-8")
    with pytest.raises(LabError, match="choose another place"):
        write_report(four, tmp_path)
    assert {file.read_text(encoding="utf-8") for file in files} == {"earlier"}
    assert len(list(tmp_path.iterdir())) == len(files) + 1


def test_of_an_earlier_comparison_nothing_is_left(
    two: Comparison, four: Comparison, tmp_path: Path
) -> None:
    (tmp_path / "of_others.csv").touch()
    write_report(four, tmp_path)
    names = write_report(two, tmp_path)
    assert names == ["latency.csv", "latency.json", "report.html"]
    assert {file.name for file in tmp_path.iterdir()} == {*names, "of_others.csv"}


def test_a_folder_is_there_or_can_be_made(tmp_path: Path) -> None:
    check_folder(tmp_path)
    check_folder(tmp_path / "to" / "be" / "made")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("below", ["", "further"])
def test_a_file_is_no_folder(below: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(LabError, match="is a file"):
        check_folder(file / below)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="a folder that nobody can write to")
def test_a_folder_that_nobody_can_write_to_is_refused_before_anything_is_measured() -> None:
    with pytest.raises(LabError, match="choose another folder"):
        check_folder(Path("/proc/self/results"))
