"""One colour a technique, the same in every figure, and a look for light and dark themes.

The colours are Okabe and Ito's, which the colour-blind tell apart (Color Universal Design,
2008). Text is a grey that keeps a contrast of 4 to 1 and more on white and on near-black,
and the paper is transparent, so that a figure sits in either theme of JupyterLab.
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
    "socketio": "#D55E00",
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
HOVER, HOVER_TEXT = "#222222", "#FFFFFF"  # 16 to 1, in either theme
TITLE_CHARS = 60  # a line of it in a figure 500 pixels wide


def words(technique: str) -> str:
    """A technique's name for a reader: `short polling`."""
    return technique.replace("_", " ")


def dress(figure: go.Figure, title: str, *, x: str, y: str, height: int = 320) -> go.Figure:
    """Give a figure its title, axes with units, a legend below, and the look of the suite.

    Args:
        figure: is changed.
        title: the insight, in one sentence; a long one is broken into lines.
        x, y: what the axes show, with the unit.
        height: in pixels; the width is the notebook's.

    Returns:
        The same figure.
    """
    lines = wrap(title, TITLE_CHARS)
    axis = {"gridcolor": GRID, "zerolinecolor": GRID, "linecolor": TEXT, "automargin": True}
    figure.update_layout(
        template="none",  # the default one is 6 KB in each stored figure, for what is set here
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
        # plotly would take the trace's colour, on which small text is hard to read.
        hoverlabel={"bgcolor": HOVER, "font": {"color": HOVER_TEXT}},
        # At the edge of the container it takes the room that its lines need.
        legend={"orientation": "h", "x": 0, "yref": "container", "y": 0, "yanchor": "bottom"},
    )
    return figure
