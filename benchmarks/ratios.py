"""A figure beside the floor's: what it was, and how many times the floor's, each with its spread.

The ratio is taken within each round, as what disturbs the machine meets all of a round alike.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def beside(measured: Sequence[float], floor: Sequence[float], *, digits: int = 0) -> str:
    """Two lines: the figure's median (spread), and that of its ratio.

    Args:
        measured: one figure a round.
        floor: those of the floor in the same rounds.
        digits: of the figures behind the point.
    """
    return f"{spread(measured, digits)}\n× {ratio(measured, floor)}"


def ratio(measured: Sequence[float], floor: Sequence[float]) -> str:
    """How many times the floor's: median (spread) of the rounds."""
    return spread([one / other for one, other in zip(measured, floor, strict=True)], 2)


def spread(values: Sequence[float], digits: int = 0) -> str:
    """Median (least to most)."""
    median, least, most = statistics.median(values), min(values), max(values)
    return f"{median:.{digits}f} ({least:.{digits}f}–{most:.{digits}f})"
