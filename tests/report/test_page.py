from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser

from labserver.measure.comparison import Comparison
from labserver.report.page import report
from tests.report.measured import of_repetitions


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
    assert "<th scope='row'>websocket</th><td class='number'>1 (1 to 1)</td>" in page
    assert "websocket, sse</th><td>websocket is lower</td><td>3.0 times</td>" in page
    assert "1 messages of 0 bytes in each of 3 repetitions" in page
    assert "2026-11-23" in page
    assert "<td>tornado 6.6</td>" in page
    assert "<td>0.1, 0.2</td>" in page


def test_the_headline_and_the_table_have_the_same_number() -> None:
    # All messages taken together have another median than the repetitions.
    uneven = {"sse": [[2.0, 2.5, 9.0], [3.34, 3.34, 3.34]], "websocket": [[1.0], [1.5]]}
    comparison = Comparison(of_repetitions(uneven), None)
    page = report(comparison)
    shown = {row.technique: str(row.median_ms).split()[0] for row in comparison.rows()}
    assert shown == {"websocket": "1.25", "sse": "2.92"}
    assert "Median latency: 1.25 ms with websocket, 2.92 ms with sse" in page
    assert "<th scope='row'>sse</th><td class='number'>2.92 (2.5 to 3.34)</td>" in page


def test_quick_results_are_said_to_be_less_certain(two: Comparison) -> None:
    assert "less certain" not in report(two)
    assert "less certain" in report(replace(two, quick=True))


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
    assert "Median latency: 1 ms with websocket" in titles[0]
    assert "<br>" not in "".join(titles)
