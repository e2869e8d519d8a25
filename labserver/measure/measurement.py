"""A figure that was measured, told to whoever listens.

A result says which figures it holds, and each function that measures tells them once, when it has
the result. Who listens is not for this floor to know: the package's face has them kept among the
learner's runs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

QUICK_VARIABLE = "LABSERVER_QUICK"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One figure of a run.

    Attributes:
        key: what was measured, such as `latency.p50`.
        value: the figure; a word where the outcome is one.
        unit: the figure's unit, such as `ms`; "" if it has none.
        conditions: what it depends on, such as `{"technique": "sse", "link": "wifi"}`.
    """

    key: str
    value: float | str
    unit: str = ""
    conditions: Mapping[str, float | str] = field(default_factory=dict)


Listener = Callable[[Sequence[Measurement], bool], None]

_listeners: list[Listener] = []


def on_measured(listener: Listener) -> None:
    """Have a function called with the figures of every run from now on; twice is once.

    Args:
        listener: takes the figures, and whether the run was a quick one. What it raises ends the
            run, so it must not raise.
    """
    if listener not in _listeners:
        _listeners.append(listener)


def tell(measurements: Sequence[Measurement], *, quick: bool = False) -> None:
    """Tell the listeners what a run has measured.

    Args:
        measurements: its figures.
        quick: whether it was asked to be quick; the environment may have asked for it as well.
    """
    for listener in _listeners:
        listener(measurements, quick or is_quick())


def is_quick() -> bool:
    """Whether LABSERVER_QUICK asks for rougher figures in less time."""
    return QUICK_VARIABLE in os.environ
