"""One colour, dash and symbol per technique, the same in every figure and widget.

The colours keep the hues of Okabe and Ito's (Color Universal Design, 2008), moved so that each
has a contrast of at least 3 to 1 on a figure's light paper and on JupyterLab's dark background
(WCAG 2.2, 1.4.11), and that people who cannot see red, green or blue still tell them apart. The
dash and the symbol say the same without colour. Words are dark on the figure's own paper, because
no grey is readable on white and on black.
"""

from __future__ import annotations

from typing import NamedTuple


class Look(NamedTuple):
    """How a technique is drawn.

    Attributes:
        colour: of its line, bar or point.
        dash: of its line, in plotly's words.
        symbol: of its points, in plotly's words; each has an open variant.
    """

    colour: str
    dash: str
    symbol: str


LOOKS = {
    "short_polling": Look("#AD7B18", "solid", "circle"),
    "long_polling": Look("#0797E4", "dash", "square"),
    "sse": Look("#206E47", "dot", "diamond"),
    "websocket": Look("#515AFF", "dashdot", "cross"),
    "webrtc": Look("#E359A9", "longdash", "triangle-up"),
}
TECHNIQUE = {name: look.colour for name, look in LOOKS.items()}
# What is not a technique takes one of Paul Tol's muted colours (Colour Schemes, 2021), darkened.
OTHERS = (
    Look("#AA4499", "solid", "star"),
    Look("#2E8B80", "dash", "hexagon"),
    Look("#85852C", "dot", "pentagon"),
    Look("#CC6677", "dashdot", "triangle-down"),
)
CONNECTION = tuple((look.colour, look.dash) for look in OTHERS)
PAPER = "#FAFAFA"
INK = "#1A1A1A"
TEXT = "#444444"
GRID = "rgba(128, 128, 128, 0.25)"
EMPHASIS = "#C04A00"
GOOD = "#009E73"
HOVER, HOVER_TEXT = "#222222", "#FFFFFF"
TEXT_PX = 12  # no text is smaller


def words(technique: str) -> str:
    """Return a technique's name for a reader, such as `short polling`."""
    return technique.replace("_", " ")


def look_of(technique: str, position: int = 0) -> Look:
    """Return a technique's look, or, for another name, one that depends on its position."""
    return LOOKS.get(technique) or OTHERS[position % len(OTHERS)]
