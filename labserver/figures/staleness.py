"""How old a message is when a poll brings it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

import plotly.graph_objects as go

from labserver.errors import LabError
from labserver.figures.chart import Chart, dress
from labserver.figures.palette import EMPHASIS, TECHNIQUE

BINS = 12


def staleness(ages_s: Sequence[float], interval_s: float) -> Chart:
    """Draw a histogram of the messages' ages on arrival.

    Args:
        ages_s: seconds from sending to receiving, one per message.
        interval_s: seconds between two polls.

    Raises:
        LabError: if there is no age to show.
    """
    if not ages_s:
        raise LabError("No messages were received: poll while someone sends some.")
    average_ms = 1000 * mean(ages_s)
    figure = Chart(
        go.Histogram(
            x=[1000 * age for age in ages_s],
            xbins={"start": 0, "size": 1000 * interval_s / BINS},
            marker_color=TECHNIQUE["short_polling"],
            hovertemplate="%{y} messages were %{x} ms old<extra></extra>",
        )
    )
    figure.add_vline(
        x=average_ms,
        line={"color": EMPHASIS, "dash": "dash"},
        annotation={"text": f"mean {average_ms:.0f} ms", "yanchor": "bottom"},  # above the bars
    )
    share = average_ms / (1000 * interval_s)
    dress(
        figure,
        f"Polled every {1000 * interval_s:.0f} ms, a message is {average_ms:.0f} ms old on arrival:"
        f" {share:.2f} of the interval",
        x="age on arrival (ms)",
        y="messages",
    )
    figure.layout.margin.t += 12  # for the mean, between the title and the bars
    return figure
