"""A picture made of text: HTML in a notebook, in the colours of its theme; lines elsewhere.

What comes from the wire goes through `visible` first, and is escaped by the template. In the
HTML it stands in `code`, which the notebook's TeX leaves alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

from labserver.templates import render


class Panel:
    """A picture made of text.

    Args:
        text: what a terminal shows.
        template: of the HTML; it extends `figures/panel.html`.
        values: what the template names.
    """

    def __init__(self, text: str, template: str, **values: object) -> None:
        self._text = text
        self._template = template
        self._values = values

    def __repr__(self) -> str:
        return self._text

    def _repr_html_(self) -> str:
        return render(self._template, **self._values)


def visible(text: str, most: int) -> str:
    """Return text from anywhere as one line of printable characters.

    What cannot be printed is shown as Python escapes it.

    Args:
        text: is shortened in its middle if it is too long.
        most: how many characters there may be.
    """
    near = text if len(text) <= 2 * most else text[:most] + text[-most:]
    shown = [c if c.isprintable() else ascii(c)[1:-1] for c in near]
    if len(near) == len(text) and sum(map(len, shown)) <= most:
        return "".join(shown)
    end = _fitting(reversed(shown), most // 3)
    start = _fitting(shown, most - most // 3 - 1)
    return f"{''.join(start)}…{''.join(reversed(end))}"


def _fitting(pieces: Iterable[str], most: int) -> list[str]:
    """Return as many of the pieces as fit into so many characters."""
    sizes = accumulate(map(len, pieces := list(pieces)))
    return [piece for piece, size in zip(pieces, sizes, strict=True) if size <= most]
