"""A figure beside the floor's: its value, and its ratio to the floor's, each with its spread.

The ratio is taken within each round, because whatever disturbs the machine disturbs all of a round
alike.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def beside(measured: Sequence[float], floor: Sequence[float], *, digits: int = 0) -> str:
    """Return two lines: the median (spread) of a figure, and of its ratio to the floor.

    Args:
        measured: one figure per round.
        floor: the floor's figures in the same rounds.
        digits: how many digits the figure has after the decimal point.
    """
    return f"{spread(measured, digits)}\n× {ratio(measured, floor)}"


def ratio(measured: Sequence[float], floor: Sequence[float]) -> str:
    """Return the median (spread) of the ratios within the rounds."""
    return spread([one / other for one, other in zip(measured, floor, strict=True)], 2)


def spread(values: Sequence[float], digits: int = 0) -> str:
    """Return the median (least to most)."""
    median, least, most = statistics.median(values), min(values), max(values)
    return f"{median:.{digits}f} ({least:.{digits}f}–{most:.{digits}f})"
