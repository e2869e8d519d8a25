"""What "at once" means in a test: too soon for a timeout, and enough for a busy machine."""

from __future__ import annotations

from collections.abc import Callable

PROMPT_S = 2.5  # below every timeout that would end the wait instead; idle machines need 0.05
NAGLE_S = 0.040  # what a small write waits for, where Nagle's algorithm meets a delayed ACK (Linux)


def one_takes_less(limit_s: float, attempt: Callable[[], float]) -> bool:
    """Whether one of three attempts, each telling its seconds, stayed below the limit.

    A busy machine delays one or two of them; what the code itself waits for delays all three.
    """
    return any(attempt() < limit_s for _ in range(3))
