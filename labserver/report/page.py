"""A comparison as one HTML page that opens without a network: figures, tables, conditions."""

from __future__ import annotations

from collections.abc import Mapping
from html import unescape
from typing import TYPE_CHECKING, Any, NamedTuple

from labserver.figures.claims import COLOURS
from labserver.figures.ecdf import latency_ecdf
from labserver.figures.overhead import overhead_ratio
from labserver.figures.palette import words
from labserver.figures.verdict_marks import INK
from labserver.measure.claims import OPEN, TECHNIQUES, claims_table
from labserver.measure.comparison import (
    CLIENT,
    SIZE,
    Comparison,
)
from labserver.templates import render

if TYPE_CHECKING:
    import plotly.graph_objects as go

FIGURE_PX = 360


class ClaimCell(NamedTuple):
    """A cell of the study note's table, as it is shown."""

    technique: str
    colour: str
    mark: str
    note: str
    evidence: str


def report(comparison: Comparison) -> str:
    """Return a comparison as one HTML page.

    Args:
        comparison: what was measured.
    """
    return render(
        "report/page.html",
        comparison=comparison,
        size=SIZE,
        client=CLIENT,
        lines=_lines(comparison),
        verdicts=_verdicts(comparison),
        figures=[_drawn(figure, number) for number, figure in enumerate(_figures(comparison))],
        techniques=[words(technique) for technique in TECHNIQUES],
        claims=_claims(comparison),
        environment=[
            (key.replace("_", " "), _plain(value))
            for key, value in comparison.latency.environment.items()
        ],
        ink=INK,
    )


def _figures(comparison: Comparison) -> list[go.Figure]:
    one_link = comparison.latency.table.drop(columns="link")
    figures = [latency_ecdf(one_link)]
    overhead = comparison.overhead
    if overhead is not None and {"long_polling", "websocket"} <= set(overhead.table["technique"]):
        figures.append(overhead_ratio(overhead.ratios()))
    return figures


def _drawn(figure: go.Figure, number: int) -> tuple[str, str]:
    """Return a figure's title and drawing.

    The title is text of the page, so that it breaks where the window is narrow.
    """
    # plotly's titles are markup: entities, and <br> between lines.
    title = unescape(figure.layout.title.text.replace("<br>", " "))
    figure.update_layout(title_text="", margin_t=10, height=FIGURE_PX)
    drawing = figure.to_html(
        full_html=False,
        include_plotlyjs=number == 0,  # the library stands in the page once
        div_id=f"figure-{number}",
        config={"responsive": True, "displaylogo": False},
    )
    return title, drawing


def _lines(comparison: Comparison) -> list[tuple[str, ...]]:
    return [
        (
            words(line.technique),
            str(line.median_ms),
            str(line.p99_ms),
            "" if line.message_bytes is None else f"{line.message_bytes:,.0f}",
            "" if line.times is None else f"{line.times:.1f}",
        )
        for line in comparison.rows()
    ]


def _verdicts(comparison: Comparison) -> list[tuple[str, str, str]]:
    return [
        (
            f"{words(verdict.a[0])}, {words(verdict.b[0])}",
            "undecided" if verdict.lower is None else f"{words(verdict.lower)} is lower",
            verdict.reason,
        )
        for verdict in comparison.verdicts()
    ]


def _claims(comparison: Comparison) -> list[tuple[str, list[ClaimCell]]]:
    """Return the study note's table by dimension; empty unless all its techniques were measured."""
    medians = comparison.latency.spreads(comparison.link)
    overhead = comparison.overhead
    if overhead is None or not set(TECHNIQUES) <= set(medians):
        return []
    cells = claims_table(latency_ms=medians, message_bytes=overhead.message_bytes())
    return [
        (str(dimension), [_claim_cell(cell) for cell in row.itertuples()])
        for dimension, row in cells.groupby("dimension", sort=False)
    ]


def _claim_cell(cell: Any) -> ClaimCell:
    colour, mark = COLOURS[str(cell.verdict)]
    how = "" if cell.verdict == OPEN else f", {cell.how}"
    evidence = f"{cell.verdict}{how}: {cell.evidence}"
    return ClaimCell(words(str(cell.technique)), colour, mark, str(cell.note), evidence)


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {each}" for key, each in value.items() if each is not None)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
