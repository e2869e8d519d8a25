"""Latencies as cumulative distributions: the share of messages that had arrived by a time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from labserver.errors import LabError
from labserver.figures.chart import Chart, dress
from labserver.figures.palette import GRID, TEXT, look_of, words

if TYPE_CHECKING:
    import pandas

POINTS = 40  # per line; more can hardly be seen at notebook width, and 13 lines are stored
PANEL_PX = 190
APART = 2.0  # times the lowest median; only a path that adds as much is said to set the floor


def latency_ecdf(table: pandas.DataFrame) -> Chart:
    """Draw the empirical distribution of latencies on a log axis, with a panel for each link.

    Args:
        table: one row per message: `technique`, `latency_ms`, and `link` and `repetition` if
            there are several; a message whose latency is infinite or missing was never heard.

    Raises:
        LabError: if there is no message to show.
    """
    if table.empty:
        raise LabError("No messages were measured: run the measurement first.")
    table = table.assign(latency_ms=table["latency_ms"].fillna(math.inf))
    links = list(dict.fromkeys(table["link"])) if "link" in table else [""]
    figure = Chart()
    make_subplots(
        figure=figure,
        rows=len(links),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.09 if len(links) > 1 else 0,
    )
    for row, link in enumerate(links, 1):
        here = table[table["link"] == link] if "link" in table else table
        for position, technique in enumerate(dict.fromkeys(here["technique"])):
            latencies = here[here["technique"] == technique]["latency_ms"]
            figure.add_trace(_line(technique, position, latencies, shown=row == 1), row=row, col=1)
    medians = _medians(table)
    dress(figure, _title(medians, links), x="", y="", height=110 + PANEL_PX * len(links))
    grid = {"gridcolor": GRID, "linecolor": TEXT, "automargin": True}
    figure.update_xaxes(type="log", dtick=1, **grid)
    figure.update_xaxes(title=_axis("from due to heard (ms, log)"), row=len(links))
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%", **grid)
    for row, link in enumerate(links, 1):
        share = f"{link}, share" if link else "share of messages"
        figure.update_yaxes(title=_axis(share), row=row)
    return figure


def _axis(text: str) -> dict[str, object]:
    return {"text": text, "font": {"size": 13}}


def _line(technique: str, position: int, latencies: pandas.Series, *, shown: bool) -> go.Scatter:
    look = look_of(technique, position)
    total = len(latencies)
    arrived = latencies[latencies < math.inf].sort_values().to_numpy()
    step = max(1, len(arrived) // POINTS)
    places = sorted({*range(0, len(arrived), step), len(arrived) - 1} - {-1})
    return go.Scatter(
        x=[float(f"{arrived[place]:.4g}") for place in places],
        y=[round((place + 1) / total, 4) for place in places],
        name=words(technique),
        legendgroup=technique,
        showlegend=shown,
        mode="lines",
        line={"color": look.colour, "dash": look.dash, "shape": "hv", "width": 2.5},
        hovertemplate="%{y:.0%} heard within %{x:.3g} ms",
    )


def _medians(table: pandas.DataFrame) -> dict[tuple[str, str], float]:
    """Return the median of the repetitions by link and technique: the number that tables show.

    A repetition's median is the latency of one of its messages, because between a latency and
    infinity nothing can be interpolated.
    """
    keys = ["link", "technique"]
    once = {key: table.get(key, default) for key, default in (("link", ""), ("repetition", 0))}
    each = (
        table.assign(**once)
        .groupby([*keys, "repetition"], sort=False, observed=True)["latency_ms"]
        .quantile(0.5, interpolation="higher")
    )
    medians = each.groupby(level=keys, sort=False, observed=True).median()
    return {
        (str(link), str(technique)): float(value) for (link, technique), value in medians.items()
    }


def _title(medians: dict[tuple[str, str], float], links: list[str]) -> str:
    by_link: dict[str, dict[str, float]] = {link: {} for link in links}
    for (link, technique), value in medians.items():
        by_link[link][technique] = value
    first, last = (by_link[link] for link in (links[0], links[-1]))
    if len(links) > 1:
        near, far = min(first.values()), min(last.values())
        floors = f"the lowest median is {_ms(near)} on {links[0]}, {_ms(far)} on {links[-1]}"
        sets = "The path sets the floor" if far >= APART * near else "The path sets no floor here"
        return f"{sets}: {floors}"
    best, worst = min(first, key=first.__getitem__), max(first, key=first.__getitem__)
    if best == worst:
        return f"Median latency: {_ms(first[best])} with {words(best)}"
    return (
        f"Median latency: {_ms(first[best])} with {words(best)},"
        f" {_ms(first[worst])} with {words(worst)}"
    )


def _ms(value: float) -> str:
    if math.isinf(value):
        return "∞ ms"
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.3g} ms"
