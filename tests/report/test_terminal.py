from __future__ import annotations

import io

import pandas
import pytest
from rich.console import Console

from labserver.measure.comparison import Comparison
from labserver.measure.latency import COLUMNS, Latency
from labserver.report.terminal import print_comparison


def printed(notes: tuple[str, ...] = (), width: int = 80, **medians: list[float]) -> str:
    rows = [
        dict.fromkeys(COLUMNS, 0)
        | {"technique": name, "link": "loopback", "repetition": n, "latency_ms": value}
        for name, values in medians.items()
        for n, value in enumerate(values)
    ]
    out = io.StringIO()
    comparison = Comparison(Latency(pandas.DataFrame(rows), {}, notes), None)
    print_comparison(comparison, Console(file=out, width=width, markup=False))
    return out.getvalue()


def test_a_technique_is_a_line_with_its_spread() -> None:
    text = printed(sse=[9.0, 9.5, 10.0], websocket=[1.0, 1.0, 1.0])
    (line,) = [line for line in text.splitlines() if line.strip().startswith("sse")]
    assert "9.5 (9 to 10)" in line


def test_what_is_decided_is_said() -> None:
    text = printed(sse=[9.0, 9.0, 9.0], websocket=[1.0, 1.0, 1.0])
    assert "Every difference of medians is decided (1)." in text


def test_what_is_undecided_is_said_with_the_reason() -> None:
    text = printed(sse=[1.0, 2.0, 3.0], websocket=[1.0, 1.5, 3.0], webrtc=[20.0, 20.0, 20.0])
    assert "2 of 3 differences of medians are decided." in text
    assert "Undecided: websocket and sse, their repetitions overlap." in text


def test_one_alone_differs_from_none() -> None:
    assert "decided" not in printed(sse=[1.0])


def test_notes_are_shown_as_they_are() -> None:
    assert "a [bold]note[/]" in printed(("a [bold]note[/]",), sse=[1.0])


@pytest.mark.parametrize("width", [60, 80])
def test_no_figure_is_cut_off_where_the_terminal_is_narrow(width: int) -> None:
    text = printed(width=width, short_polling=[1234.0, 2345.0, 3456.0])
    assert "…" not in text
    assert "2,345" in text
