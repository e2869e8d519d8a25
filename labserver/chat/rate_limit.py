"""The rate limit: how often a user may send."""

from __future__ import annotations

from collections import deque

from labserver.clock import Clock
from labserver.errors import Refused

SENDS_PER_S = 50  # Discord allows 120 in 60 s, but a lab is to be put under load
WINDOW_S = 2.0


class RateLimit:
    """Counts each user's sends in a sliding window.

    Args:
        clock: the time.
        per_s: sends per second that are allowed on average over the window; None for any number.
        window_s: the window's length in seconds.
    """

    def __init__(
        self, clock: Clock, per_s: float | None = SENDS_PER_S, window_s: float = WINDOW_S
    ) -> None:
        self._clock = clock
        self._window_s = window_s
        self._most = None if per_s is None else max(1, int(per_s * window_s))
        self._sends: dict[str, deque[float]] = {}  # the user who has sent last comes last

    def spend(self, user: str) -> None:
        """Count one send.

        Raises:
            Refused: `rate_limited` (429) with the seconds to wait; the send is not counted.
        """
        if self._most is None:
            return
        now = self._clock.monotonic()
        self._forget_idle(now)
        sends = self._sends.pop(user, None)
        if sends is None:
            sends = deque()
        self._sends[user] = sends
        while sends and sends[0] <= now - self._window_s:
            sends.popleft()
        if len(sends) >= self._most:
            wait = sends[0] + self._window_s - now
            raise Refused(
                429,
                "rate_limited",
                f"More than {self._most} sends in {self._window_s:g} s; wait {wait:.1f} s.",
                headers={"Retry-After": str(int(wait) + 1)},
                retry_after_s=wait,
            )
        sends.append(now)

    def _forget_idle(self, now: float) -> None:
        while self._sends:
            user, sends = next(iter(self._sends.items()))
            if sends and sends[-1] > now - self._window_s:
                return
            del self._sends[user]
