"""What one core of a server delivers, by technique and size of the room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labserver.errors import LabError
from labserver.figures.chart import Chart, dress
from labserver.figures.palette import TEXT, TEXT_PX, look_of, words

if TYPE_CHECKING:
    import pandas

ROW_PX = 56
BOTTOM_PX = 90  # the axis and the legend
SMALL, LARGE = 9, 15  # pixels, of the points of the smallest and the largest room


def throughput(summary: pandas.DataFrame) -> Chart:
    """Draw the deliveries per second that one core can make, a row per technique.

    This is the size of the room divided by the CPU time per message, as at the measured rates most
    servers were idle most of the time. A larger point is a larger room.

    Args:
        summary: one row per technique and size, as in `Capacity.summary`: `technique`,
            `members` of the room, `heard_per_s`, `cpu_ms` of the server per message, and the
            `limit` that ended the measurement.

    Raises:
        LabError: if nothing was measured.
    """
    if summary.empty:
        raise LabError("Nothing was measured: run the measurement first.")
    summary = summary.assign(delivered=1000 * summary["members"] / summary["cpu_ms"])
    sizes = sorted(summary["members"].unique())
    figure = Chart()
    groups = summary.groupby("technique", sort=False, observed=True)
    for position, (technique, rows) in enumerate(groups):
        look = look_of(str(technique), position)
        name = words(str(technique))
        figure.add_scatter(
            x=rows["delivered"],
            y=[name] * len(rows),
            name=name,
            mode="lines+markers+text",
            text=[f"{each:,.2g}" if each < 10 else f"{each:,.0f}" for each in rows["delivered"]],
            # Apart from each other even where both points are in one place.
            textposition=[
                f"{'top' if each == sizes[-1] else 'bottom'} center" for each in rows["members"]
            ],
            textfont={"size": TEXT_PX, "color": TEXT},
            customdata=rows[["members", "cpu_ms", "heard_per_s", "limit"]],
            line={"color": look.colour, "width": 2},
            marker={
                "symbol": look.symbol,
                "size": [_size(sizes, each) for each in rows["members"]],
                "color": look.colour,
            },
            hovertemplate="a room of %{customdata[0]:,}: %{x:,.0f} per second and core;"
            " %{customdata[1]:.2f} ms of CPU per message; measured up to"
            " %{customdata[2]:,.0f} per second, limit %{customdata[3]}",
            showlegend=False,
            cliponaxis=False,
        )
    for size in sizes:
        figure.add_scatter(
            x=[None],
            y=[None],
            name=f"room of {size:,}",
            mode="markers",
            marker={"symbol": "circle", "size": _size(sizes, size), "color": TEXT},
        )
    dress(figure, _title(summary), x="messages delivered per second and core (log)", y="")
    figure.update_layout(
        height=figure.layout.margin.t + BOTTOM_PX + ROW_PX * len(groups),
        margin_t=figure.layout.margin.t + 10,
        margin_b=BOTTOM_PX,
    )
    figure.update_xaxes(type="log", dtick=1)
    figure.update_yaxes(autorange="reversed")
    return figure


def _size(sizes: list[int], size: int) -> float:
    share = sizes.index(size) / (len(sizes) - 1) if len(sizes) > 1 else 1.0
    return SMALL + share * (LARGE - SMALL)


def _title(summary: pandas.DataFrame) -> str:
    """Return the insight: the most and the least that a core delivers in the largest room."""
    room = summary[summary["members"] == summary["members"].max()]
    most = room.loc[room["delivered"].idxmax()]
    least = room.loc[room["delivered"].idxmin()]
    begin = (
        f"In a room of {most.members:,} one core delivers {most.delivered:,.0f} messages"
        f" per second by {words(most.technique)}"
    )
    return (
        begin if len(room) == 1 else f"{begin}, {least.delivered:,.0f} by {words(least.technique)}"
    )
