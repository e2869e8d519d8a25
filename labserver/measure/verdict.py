"""Which of two values is lower, or that this is undecided: medians of repetitions, with care.

The median of many messages hides that a machine's speed varies: for a minute, all messages of a
run may be slow. So the unit is the repetition, and the interval goes from the lowest to the
highest median that any repetition had. No distribution is assumed, because three to five
repetitions could not support one. How often chance alone separates two equal values can then be
counted: in 2 of all the orders in which the repetitions can fall, which is 1 in 10 for three of
each. For two of each it is 1 in 3, so their intervals must lie further apart than either is wide.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from labserver.errors import LabError

# Times: of two values that are closer, neither is called lower; another day may reverse them.
NEAR = 1.25
CHANCE = 0.1  # a result that chance alone gives more rarely than this is accepted


class Spread(NamedTuple):
    """A measured value: the least, the median and the most of its repetitions."""

    least: float
    median: float
    most: float
    repetitions: int

    @classmethod
    def of(cls, repetitions: Sequence[float]) -> Spread:
        """Return the spread of some repetitions."""
        median = statistics.median(repetitions)
        return cls(min(repetitions), median, max(repetitions), len(repetitions))

    @property
    def width(self) -> float:
        """The distance from the least to the most."""
        return 0.0 if self.least == self.most else self.most - self.least

    def __str__(self) -> str:
        return f"{digits(self.median)} ({digits(self.least)} to {digits(self.most)})"


def digits(value: float) -> str:
    """Return a measured value as people read it: three digits, or a whole number from 100 on."""
    if math.isinf(value):
        return "never"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What can be said about two measured values.

    Attributes:
        lower: the name of the lower one; None if it is undecided.
        reason: why it is decided or undecided, in a few words.
        a, b: what was compared: names and spreads.
        chance: how probable it is that repetitions of equal values do not overlap. If it is
            high, they must lie further apart.
    """

    lower: str | None
    reason: str
    a: tuple[str, Spread]
    b: tuple[str, Spread]
    chance: float

    @property
    def decided(self) -> bool:
        """Whether one of the two is lower."""
        return self.lower is not None

    def __str__(self) -> str:
        figures = f"{self.a[0]} {self.a[1]}, {self.b[0]} {self.b[1]}"
        said = "undecided" if self.lower is None else f"{self.lower} is lower"
        return f"{said}, {self.reason}: {figures}"


def compare(a: tuple[str, Sequence[float]], b: tuple[str, Sequence[float]]) -> Verdict:
    """Compare two values by their repetitions.

    Args:
        a, b: a name, and the value from each repetition.

    Raises:
        LabError: if one of them was not measured.
    """
    for name, repetitions in (a, b):
        if not repetitions:
            raise LabError(f"There is nothing of {name!r} to compare: measure it first.")
    return compare_spreads((a[0], Spread.of(a[1])), (b[0], Spread.of(b[1])))


def compare_spreads(a: tuple[str, Spread], b: tuple[str, Spread]) -> Verdict:
    """Compare two spreads.

    Args:
        a, b: a name, and the spread of its repetitions.
    """
    one, other = a[1], b[1]
    chance = 2 / math.comb(one.repetitions + other.repetitions, one.repetitions)
    name, below, above = (a[0], one, other) if one.median < other.median else (b[0], other, one)
    found = None
    if min(one.repetitions, other.repetitions) < 2:
        chance, reason = 1.0, "one repetition shows no spread"
    elif not below.most < above.least:
        reason = "their repetitions overlap"
    elif not below.median * NEAR < above.median:
        reason = f"they are closer than {NEAR - 1:.0%}"
    elif chance > CHANCE and not above.least - below.most > max(below.width, above.width):
        reason = "so few repetitions may lie apart by chance"
    else:
        found, reason = name, _times(above.median, below.median)
    return Verdict(found, reason, a, b, chance)


def _times(more: float, less: float) -> str:
    return f"{more / less:.1f} times" if less and math.isfinite(more) else "beyond any number"
