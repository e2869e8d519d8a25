"""A plotly figure that is shown at once, fits the width of its cell, and is readable in any theme.

plotly's own way to a notebook validates it with jsonschema, whose grammars take longer to load
than everything else together, so a `Chart` makes its own MIME bundle. JupyterLab draws the
bundle with the extension that plotly brings.
"""

from __future__ import annotations

import html
import json
import re
from textwrap import wrap
from typing import Any

import plotly.graph_objects as go

from labserver.figures.palette import GRID, HOVER, HOVER_TEXT, INK, PAPER, TEXT, TEXT_PX

MIME = "application/vnd.plotly.v1+json"
CONFIG = {
    # JupyterLab's extension draws again whenever the window or the sidebar changes the width. If
    # plotly watched the window as well, each would take the other's half-finished size for its own.
    "responsive": False,
    "displayModeBar": False,  # it would cover the title; dragging zooms, a double click undoes it
    "displaylogo": False,
}
# The extension stores a PNG of each chart in the notebook, and from then on shows that instead: as
# wide as the window once was, and cut off in a narrower one. A character that XML forbids, in an
# annotation that nobody sees, keeps the browser from making the PNG, so that the chart stays live.
UNSTORED = {"text": "\uffff", "x": 0, "y": 0, "xref": "paper", "yref": "paper"}
UNSTORED_LOOK = {"opacity": 0, "showarrow": False, "captureevents": False}
TITLE_CHARS = 60  # per line, in a figure 500 pixels wide
TITLE_PX = 15
TAG = re.compile(r"<[^>]+>")


class Chart(go.Figure):  # type: ignore[misc]  # plotly has no types
    """A plotly figure; whatever plotly offers for figures works on it."""

    # IPython takes these for missing, and asks for the MIME bundle.
    _ipython_display_ = None
    _repr_html_ = None

    def _repr_mimebundle_(self, *_: object, **__: object) -> dict[str, Any]:
        """Return the chart as JupyterLab draws it, and its title as text."""
        from plotly.io.json import to_json_plotly

        drawn = json.loads(to_json_plotly(self.to_dict()))
        drawn["layout"].setdefault("annotations", []).append(UNSTORED | UNSTORED_LOOK)
        return {MIME: drawn | {"config": CONFIG}, "text/plain": repr(self)}

    def __repr__(self) -> str:
        title = self.layout.title.text or "no title"
        said = html.unescape(TAG.sub("", title.replace("<br>", " ")))
        return f"<Chart: {said}>"


def dress(figure: Chart, title: str, *, x: str, y: str, height: int = 320) -> Chart:
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
        autosize=True,
        title={
            "text": "<br>".join(lines),
            "font": {"size": TITLE_PX, "color": INK},
            "x": 0.01,
            "xref": "container",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"t": 20 * len(lines) - 10},  # plotly anchors the last line
        },
        font={"color": TEXT, "size": 13},
        paper_bgcolor=PAPER,
        plot_bgcolor=PAPER,
        height=height,
        margin={"l": 10, "r": 10, "t": 16 + 26 * len(lines), "b": 10},
        xaxis={"title": {"text": x, "font": {"size": 13}}, **axis},
        yaxis={"title": {"text": y, "font": {"size": 13}}, **axis},
        bargap=0.04,
        # By default this is the trace's colour, on which small text is hard to read.
        hoverlabel={"bgcolor": HOVER, "font": {"color": HOVER_TEXT}},
        # At the edge of the container the legend takes as much room as its lines need.
        legend={
            "orientation": "h",
            "x": 0,
            "yref": "container",
            "y": 0,
            "yanchor": "bottom",
            "font": {"size": TEXT_PX},
        },
    )
    return figure
