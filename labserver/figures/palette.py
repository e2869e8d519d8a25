"""One colour per technique, the same in every figure, and a look for light and dark themes.

The colours are Okabe and Ito's, which colour-blind people can tell apart (Color Universal Design,
2008). Text is grey with a contrast of at least 4 to 1 on white and on near-black, and the paper
is transparent, so that a figure fits both themes of JupyterLab.
"""

from __future__ import annotations

from textwrap import wrap

import plotly.graph_objects as go

TECHNIQUE = {
    "short_polling": "#E69F00",
    "long_polling": "#56B4E9",
    "sse": "#009E73",
    "websocket": "#0072B2",
    "webrtc": "#CC79A7",
}
# Paul Tol's muted scheme (Colour Schemes, 2021), with the dash that goes with each.
CONNECTION = (
    ("#AA4499", "solid"),
    ("#44AA99", "dash"),
    ("#999933", "dot"),
    ("#CC6677", "dashdot"),
)
TEXT = "#777777"
GRID = "rgba(128, 128, 128, 0.25)"
EMPHASIS = "#D55E00"
GOOD = "#009E73"
HOVER, HOVER_TEXT = "#222222", "#FFFFFF"  # a contrast of 16 to 1 in both themes
TITLE_CHARS = 60  # per line, in a figure 500 pixels wide


def words(technique: str) -> str:
    """Return a technique's name for a reader, such as `short polling`."""
    return technique.replace("_", " ")


def dress(figure: go.Figure, title: str, *, x: str, y: str, height: int = 320) -> go.Figure:
    """Give a figure its title, axes with units, a legend below, and the common look.

    Args:
        figure: is changed.
        title: the insight in one sentence; it is broken into lines if it is long.
        x, y: what the axes show, with their units.
        height: in pixels; the width is that of the notebook.

    Returns:
        The same figure.
    """
    lines = wrap(title, TITLE_CHARS)
    axis = {"gridcolor": GRID, "zerolinecolor": GRID, "linecolor": TEXT, "automargin": True}
    figure.update_layout(
        template="none",  # the default one adds 6 KB to each stored figure
        title={
            "text": "<br>".join(lines),
            "font": {"size": 15},
            "x": 0.01,
            "xref": "container",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"t": 20 * len(lines) - 10},  # plotly anchors the last line
        },
        font={"color": TEXT, "size": 13},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        height=height,
        margin={"l": 10, "r": 10, "t": 16 + 26 * len(lines), "b": 10},
        xaxis={"title": {"text": x, "font": {"size": 13}}, **axis},
        yaxis={"title": {"text": y, "font": {"size": 13}}, **axis},
        bargap=0.04,
        # By default this is the trace's colour, on which small text is hard to read.
        hoverlabel={"bgcolor": HOVER, "font": {"color": HOVER_TEXT}},
        # At the edge of the container the legend takes as much room as its lines need.
        legend={"orientation": "h", "x": 0, "yref": "container", "y": 0, "yanchor": "bottom"},
    )
    return figure
