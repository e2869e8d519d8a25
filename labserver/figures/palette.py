"""One colour a technique, the same in every figure, and a look for light and dark themes.

The colours are Okabe and Ito's, which the colour-blind tell apart (Color Universal Design,
2008). Text is a grey that keeps a contrast of 4 to 1 and more on white and on near-black,
and the paper is transparent, so that a figure sits in either theme of JupyterLab.
"""

from __future__ import annotations

import plotly.graph_objects as go

TECHNIQUE = {
    "short_polling": "#E69F00",
    "long_polling": "#56B4E9",
    "sse": "#009E73",
    "websocket": "#0072B2",
    "webrtc": "#CC79A7",
    "socketio": "#D55E00",
}
TEXT = "#777777"
GRID = "rgba(128, 128, 128, 0.25)"
EMPHASIS = "#D55E00"


def dress(figure: go.Figure, title: str, *, x: str, y: str, height: int = 320) -> go.Figure:
    """Give a figure its title, axes with units, and the look of the suite.

    Args:
        figure: is changed.
        title: the insight, in one sentence.
        x, y: what the axes show, with the unit.
        height: in pixels; the width is the notebook's.

    Returns:
        The same figure.
    """
    axis = {"gridcolor": GRID, "zerolinecolor": GRID, "linecolor": TEXT, "automargin": True}
    figure.update_layout(
        title={"text": title, "font": {"size": 15}, "x": 0, "xref": "paper"},
        font={"color": TEXT, "size": 13},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        height=height,
        margin={"l": 10, "r": 10, "t": 60, "b": 10},
        xaxis={"title": x, **axis},
        yaxis={"title": y, **axis},
        bargap=0.04,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
    )
    return figure
