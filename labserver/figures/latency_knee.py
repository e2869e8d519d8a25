"""How many messages a room can take before latency rises."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from labserver.errors import LabError
from labserver.figures.chart import Chart, dress
from labserver.figures.palette import TEXT, TEXT_PX, look_of, words

if TYPE_CHECKING:
    import pandas

NO_LIMIT = "not reached"


def latency_knee(table: pandas.DataFrame, notice_ms: float = 100.0) -> Chart:
    """Draw the latency of the largest room against its message rate, a line per technique.

    A point is the median of the repetitions. An open one is a rate at which the server, the load
    or the machine was at its limit in most of them; beyond it nothing was measured.

    Args:
        table: columns `technique`, `members`, `per_s`, `p90_ms` and `limit`, as in
            `Capacity.table`.
        notice_ms: the latency that people notice, in milliseconds; drawn as a line.

    Raises:
        LabError: if nothing was measured.
    """
    if table.empty:
        raise LabError("Nothing was measured: run the measurement first.")
    room = table[table["members"] == table["members"].max()]
    figure = Chart()
    limits: dict[str, float] = {}
    for position, (name, rows) in enumerate(room.groupby("technique", sort=False, observed=True)):
        technique = words(str(name))
        points = rows.groupby("per_s")["p90_ms"].agg(["median", "min", "max"])
        bent = rows.groupby("per_s")["limit"].agg(lambda each: (each != NO_LIMIT).mean() > 0.5)
        if bent.any():
            limits[technique] = float(bent.idxmax())
        look = look_of(str(name), position)
        figure.add_scatter(
            x=points.index,
            y=points["median"],
            error_y={
                "array": points["max"] - points["median"],
                "arrayminus": points["median"] - points["min"],
                "symmetric": False,
                "thickness": 1,
            },
            name=technique,
            mode="lines+markers" if len(points) > 1 else "markers",
            line={"color": look.colour, "dash": look.dash, "width": 2.5},
            marker={
                "symbol": [look.symbol + ("-open" if at else "") for at in bent],
                "size": 10,
                "line": {"width": 2, "color": look.colour},
                "color": look.colour,
            },
            customdata=[["at a limit" if at else "no limit reached"] for at in bent],
            hovertemplate="%{x:g} messages per second: nine of ten heard within %{y:.0f} ms,"
            " %{customdata[0]}",
        )
    if limits:
        figure.add_scatter(
            x=[None],
            y=[None],
            name="open: at its limit",
            mode="markers",
            marker={"symbol": "circle-open", "size": 10, "color": TEXT, "line": {"width": 2}},
        )
    figure.add_shape(
        type="line",
        xref="x domain",
        x0=0,
        x1=1,
        y0=notice_ms,
        y1=notice_ms,
        line={"color": TEXT, "dash": "dot", "width": 1},
    )
    figure.add_annotation(
        text=f"{notice_ms:g} ms: people notice",
        font={"size": TEXT_PX},
        showarrow=False,
        xref="x domain",
        x=1,
        xanchor="right",
        y=math.log10(
            notice_ms
        ),  # on a log axis this is the exponent for an annotation, but not for a shape
        yanchor="bottom",
    )
    dress(
        figure,
        _title(int(room["members"].iloc[0]), float(room["per_s"].max()), limits),
        x="messages sent per second (log)",
        y="90th percentile, ms (log)",
        height=380,
    )
    rates = sorted(room["per_s"].unique())
    figure.update_xaxes(type="log", tickvals=rates, ticktext=[f"{rate:g}" for rate in rates])
    figure.update_yaxes(type="log", dtick=1)
    return figure


def _title(members: int, most: float, limits: dict[str, float]) -> str:
    begin = f"In a room of {members:,} "
    if not limits:
        return begin + f"nothing is at its limit at {most:g} messages per second"
    least = min(limits.values())
    first = [name for name, rate in limits.items() if rate == least]
    who = f"{first[0]} is" if len(first) == 1 else f"{', '.join(first[:-1])} and {first[-1]} are"
    return begin + f"{who} the first at a limit, at {least:g} messages per second"
