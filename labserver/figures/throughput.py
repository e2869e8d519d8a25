"""What one core of a server delivers, against the number of listeners."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from labserver.errors import LabError
from labserver.figures.chart import Chart, dress
from labserver.figures.palette import TECHNIQUE, TEXT, words

if TYPE_CHECKING:
    import pandas

MARKS = ("circle", "square", "diamond", "cross", "triangle-up", "x")


def throughput(summary: pandas.DataFrame) -> Chart:
    """Draw the deliveries per second that one core can make, against the size of the room.

    This is the size of the room divided by the CPU time per message, as at the measured rates most
    servers were idle most of the time.

    Args:
        summary: one row per technique and size, as in `Capacity.summary`: `technique`,
            `members` of the room, `heard_per_s`, `cpu_ms` of the server per message, and the
            `limit` that ended the measurement.

    Raises:
        LabError: if nothing was measured.
    """
    if summary.empty:
        raise LabError("Nothing was measured: run the measurement first.")
    figure = Chart()
    groups = summary.groupby("technique", sort=False, observed=True)
    for position, (technique, rows) in enumerate(groups):
        figure.add_scatter(
            x=rows["members"],
            y=rows["members"] / (rows["cpu_ms"] / 1000),
            name=words(str(technique)),
            mode="lines+markers",
            customdata=rows[["cpu_ms", "heard_per_s", "limit"]],
            line={"color": TECHNIQUE.get(str(technique), TEXT), "width": 2.5},
            marker={"symbol": MARKS[position % len(MARKS)], "size": 9},
            hovertemplate="%{x:,} members: %{y:,.0f} per second and core;"
            " %{customdata[0]:.2f} ms of CPU per message; measured up to"
            " %{customdata[1]:,.0f} a second, limit %{customdata[2]}",
        )
    dearest = summary.loc[summary["cpu_ms"].idxmax()]
    cheapest = summary[summary["members"] == dearest.members].sort_values("cpu_ms").iloc[0]
    dress(
        figure,
        f"In a room of {dearest.members:,} a message costs the server {dearest.cpu_ms:.3g} ms of"
        f" CPU by {words(dearest.technique)}, {cheapest.cpu_ms:.2g} ms by"
        f" {words(cheapest.technique)}",
        x="members of the room (log)",
        y="messages delivered per second and core (log)",
        height=380,
    )
    sizes = sorted(summary["members"].unique())
    figure.update_xaxes(type="log", tickvals=sizes, ticktext=[f"{size:,}" for size in sizes])
    figure.update_yaxes(type="log", dtick=1)
    return figure
