"""The note's comparison table as a heat map: each cell says how it is known, and why."""

from __future__ import annotations

from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from labserver.errors import LabError
from labserver.figures.chart import Chart, dress
from labserver.figures.palette import TEXT_PX, words
from labserver.figures.verdict_marks import INK, MARKS

if TYPE_CHECKING:
    import pandas

COLOURS = {
    **{verdict: MARKS[verdict] for verdict in ("holds", "holds when", "does not hold")},
    "open": MARKS["undecided"],
}
ROW_PX = 70
NAMES_PX = 22  # for the techniques' names, between the title and the cells
CELL_CHARS = 15
HOVER_CHARS = 60


def claims_heatmap(table: pandas.DataFrame) -> Chart:
    """Draw the comparison table, coloured by verdict.

    Args:
        table: one row per cell, with `dimension`, `technique`, `note`, `verdict`, `how` and
            `evidence`, as returned by `measure.claims.claims_table`.

    Raises:
        LabError: if the table is empty.
    """
    if table.empty:
        raise LabError("There are no cells to show: make the table first.")
    dimensions = list(dict.fromkeys(table["dimension"]))
    techniques = list(dict.fromkeys(table["technique"]))
    codes = {verdict: code for code, verdict in enumerate(COLOURS)}
    cells = {(row.dimension, row.technique): row for row in table.itertuples()}
    grid = [[cells.get((dimension, name)) for name in techniques] for dimension in dimensions]
    figure = Chart(
        go.Heatmap(
            x=[words(technique) for technique in techniques],
            y=dimensions,
            z=[[None if cell is None else codes[cell.verdict] for cell in row] for row in grid],
            zmin=-0.5,
            zmax=len(COLOURS) - 0.5,
            colorscale=_steps(),
            xgap=3,
            ygap=3,
            text=[["" if cell is None else _shown(cell) for cell in row] for row in grid],
            texttemplate="%{text}",
            textfont={"size": TEXT_PX, "color": INK},
            customdata=[["" if cell is None else _evidence(cell) for cell in row] for row in grid],
            hovertemplate="%{customdata}<extra></extra>",
            colorbar={
                "tickvals": list(codes.values()),
                "ticktext": [f"{mark} {verdict}" for verdict, (_, mark) in COLOURS.items()],
                "title": "",
                "thickness": 12,
                "orientation": "h",
                "y": 0,
                "yanchor": "top",
                "tickangle": 0,
                "tickfont": {"size": TEXT_PX},
            },
        )
    )
    judged = table[table["verdict"] != "open"]
    right = int((judged["verdict"] == "holds").sum())
    title = f"Of the note's {len(table)} cells {right} hold as they stand"
    if len(judged) < len(table):
        title += f"; {len(table) - len(judged)} are still open"
    dress(figure, title, x="", y="", height=120 + ROW_PX * len(dimensions))
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(side="top", showgrid=False)
    margin = figure.layout.margin.t + NAMES_PX
    figure.update_layout(margin_t=margin, height=figure.layout.height + NAMES_PX)
    return figure


def _steps() -> list[list[object]]:
    """Return a colour scale with one step per verdict."""
    colours = [colour for colour, _ in COLOURS.values()]
    return [
        [edge / len(colours), colour]
        for step, colour in enumerate(colours)
        for edge in (step, step + 1)
    ]


def _shown(cell: Any) -> str:
    lines = wrap(
        f"{COLOURS[cell.verdict][1]} {cell.note}", CELL_CHARS, max_lines=3, placeholder=" …"
    )
    how = "not measured" if cell.verdict == "open" else cell.how
    return "<br>".join([*map(escape, lines), f"<i>{escape(how)}</i>"])


def _evidence(cell: Any) -> str:
    lines = wrap(cell.evidence, HOVER_CHARS)
    return "<br>".join([f"<b>{escape(cell.verdict)}</b>", *map(escape, lines)])
