"""Typing indicators: sent sparingly, and expired when the STOP is lost."""

from __future__ import annotations

from labserver.clock import Clock

THROTTLE_S = 2.0  # one START per user and room in this time, however fast someone types
TTL_S = 5.0  # a STOP may never come: the laptop was closed

Typist = tuple[str, str]  # user, room


class TypingIndicators:
    """Decides which typing notices are passed on.

    Args:
        clock: the time.
        throttle_s: seconds between two STARTs of one user in one room.
        ttl_s: seconds after the last sign of typing at which a user counts as having stopped.
    """

    def __init__(self, clock: Clock, throttle_s: float = THROTTLE_S, ttl_s: float = TTL_S) -> None:
        self._clock = clock
        self._throttle_s = throttle_s
        self._ttl_s = ttl_s
        self._until: dict[Typist, float] = {}  # those shown as typing; the next to expire first
        self._throttled: dict[Typist, float] = {}  # no START before this moment; oldest first

    def start(self, user: str, room: str) -> bool:
        """Note a sign of typing; return whether to tell the others."""
        now = self._clock.monotonic()
        typist = (user, room)
        shown = self._until.pop(typist, None) is not None
        while self._throttled and next(iter(self._throttled.values())) <= now:
            del self._throttled[next(iter(self._throttled))]
        if typist in self._throttled:
            if shown:
                self._until[typist] = now + self._ttl_s
            return False
        self._throttled[typist] = now + self._throttle_s
        self._until[typist] = now + self._ttl_s
        return True

    def stop(self, user: str, room: str) -> bool:
        """Note the end of typing; return whether the others were told of its start."""
        return self._until.pop((user, room), None) is not None

    @property
    def deadline(self) -> float | None:
        """The monotonic time at which `expire` next returns someone; None if there is none."""
        return next(iter(self._until.values()), None)

    def expire(self) -> list[Typist]:
        """Remove and return those who have not typed for `ttl_s` seconds: they have stopped."""
        now = self._clock.monotonic()
        gone = [typist for typist, until in self._until.items() if until <= now]
        for typist in gone:
            del self._until[typist]
        return gone
