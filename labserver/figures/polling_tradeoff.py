"""The trade-off of polling: the more often a client asks, the fresher and the dearer its news."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from labserver.errors import LabError
from labserver.figures.chart import Chart, dress
from labserver.figures.palette import LOOKS, TEXT, look_of, words


def polling_tradeoff(
    intervals_s: Sequence[float],
    poll_bytes: float,
    rtt_s: float = 0.0,
    beside: Mapping[str, tuple[float, float]] | None = None,
) -> Chart:
    """Draw the bytes per minute of an idle client against how old its news would be.

    Args:
        intervals_s: seconds between two polls, more than 0.
        poll_bytes: the bytes of an empty poll, both ways, as measured.
        rtt_s: the round-trip time of the path, in seconds.
        beside: other techniques, each with the bytes per minute of an idle client and the mean
            age of its news in seconds.

    Raises:
        LabError: if there is no interval.
    """
    if not intervals_s:
        raise LabError("Give at least one interval between two polls.")
    ages = [1000 * (interval / 2 + rtt_s / 2) for interval in intervals_s]
    spent = [60 / interval * poll_bytes for interval in intervals_s]
    figure = Chart(
        go.Scatter(
            x=ages,
            y=spent,
            name="short polling",
            mode="lines+markers+text",
            text=[f"every {interval:g} s" for interval in intervals_s],
            textposition="top right",
            textfont={"color": TEXT},
            cliponaxis=False,  # the first label is higher than its point
            line={"color": LOOKS["short_polling"].colour, "width": 2.5},
            marker={"size": 9, "symbol": LOOKS["short_polling"].symbol},
            hovertemplate="%{text}: %{y:,.0f} bytes per minute, news %{x:,.0f} ms old on average",
        )
    )
    for position, (technique, (idle_bytes, age_s)) in enumerate((beside or {}).items()):
        look = look_of(technique, position)
        figure.add_scatter(
            x=[1000 * age_s],
            y=[max(idle_bytes, 1)],  # a log axis has no 0
            name=words(technique),
            mode="markers",
            marker={"size": 13, "symbol": look.symbol, "color": look.colour},
            hovertemplate="%{y:,.0f} bytes per minute, news %{x:,.1f} ms old on average",
        )
    daily = spent[0] * 60 * 24
    dress(
        figure,
        f"Asking every {intervals_s[0]:g} s costs {daily / 1e6:,.1f} MB per day and client,"
        " whether there is news or not",
        x="mean age of news (ms, log)",
        y="bytes per minute, idle (log)",
        height=380,
    )
    # Room on the right for the last label.
    figure.update_xaxes(type="log", dtick=1, range=[math.log10(x) for x in _reach(ages, beside)])
    figure.update_yaxes(type="log", dtick=1)
    return figure


def _reach(
    ages: Sequence[float], beside: Mapping[str, tuple[float, float]] | None
) -> tuple[float, float]:
    others = [1000 * age for _, age in (beside or {}).values()]
    return min([*ages, *others]) / 2, max(ages) * 12
