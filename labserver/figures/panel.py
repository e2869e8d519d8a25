"""A picture made of text: HTML in a notebook, in the colours of its theme; lines elsewhere.

What comes from the wire goes through `visible`, and through `markup` on its way into HTML.
Text stands in `code`, which the notebook's TeX leaves alone.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from itertools import accumulate

from labserver.figures.palette import EMPHASIS, GOOD

CLASS = "lab-panel"

# The class is repeated to be stronger than what JupyterLab says of tables and code.
_STYLE = """
.P{color:var(--jp-ui-font-color1,currentColor);font-family:var(--jp-ui-font-family,system-ui,
sans-serif);font-size:13px;line-height:1.4;max-width:1000px;
overflow-wrap:anywhere}
.P .title{font-size:15px;font-weight:600;margin:0 0 6px}
.P .side{display:flex;flex-wrap:wrap;gap:4px 20px}
.P .side>div{flex:1 1 340px;min-width:0}
.P .ok{color:var(--lab-good)}
.P .head{font-weight:600;margin:8px 0 2px}
.P .grey{color:var(--jp-ui-font-color2,#777)}
.P .bad{color:var(--lab-bad);font-weight:600}
.P.P.P code{background:none;border:0;color:inherit;padding:0;overflow-wrap:anywhere;
white-space:pre-wrap;font:12.5px/1.4 var(--jp-code-font-family,ui-monospace,monospace)}
.P.P table{border-collapse:collapse;margin:0;width:100%;table-layout:auto;font-size:inherit;
color:inherit}
.P.P table tr,.P.P table tbody tr:nth-child(odd),.P.P table tbody tr:hover{background:none}
.P.P table td,.P.P table th{padding:2px 6px 2px 0;text-align:left;vertical-align:top;border:0;
max-width:none;white-space:normal;font-weight:normal}
"""


class Panel:
    """A picture made of text.

    Args:
        body: HTML, safe.
        text: the same for a terminal.
        style: CSS of its own, in which `.P` stands for the panel.
    """

    def __init__(self, body: str, text: str, style: str = "") -> None:
        self._body = body
        self._text = text
        self._style = style

    def __repr__(self) -> str:
        return self._text

    def _repr_html_(self) -> str:
        css = (_STYLE + self._style).replace(".P", f".{CLASS}").replace("\n", "")
        colours = f"--lab-good:{GOOD};--lab-bad:{EMPHASIS}"
        return (
            f'<style>{css}</style><div class="{CLASS} mathjax_ignore" style="{colours}">'
            f"{self._body}</div>"
        )


def visible(text: str, most: int) -> str:
    """Text from anywhere as one line; what cannot be printed is shown as Python escapes it.

    Args:
        text: is shortened in its middle.
        most: characters.
    """
    near = text if len(text) <= 2 * most else text[:most] + text[-most:]
    shown = [c if c.isprintable() else ascii(c)[1:-1] for c in near]
    if len(near) == len(text) and sum(map(len, shown)) <= most:
        return "".join(shown)
    end = _fitting(reversed(shown), most // 3)
    start = _fitting(shown, most - most // 3 - 1)
    return f"{''.join(start)}…{''.join(reversed(end))}"


def _fitting(pieces: Iterable[str], most: int) -> list[str]:
    """As many of the pieces as fit into so many characters."""
    sizes = accumulate(map(len, pieces := list(pieces)))
    return [piece for piece, size in zip(pieces, sizes, strict=True) if size <= most]


def markup(text: str) -> str:
    """Text as HTML that shows it, and does nothing else."""
    return html.escape(text)


def code(text: str, name: str = "") -> str:
    """Text as HTML code.

    Args:
        text: as `visible` leaves it.
        name: of its CSS class.
    """
    return f"<code{f' class={name}' if name else ''}>{markup(text)}</code>"
