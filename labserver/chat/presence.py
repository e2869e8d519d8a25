"""Presence: a user is online from the first tab to the last, and for a grace period after it.

A user is a set of connections. The grace period bridges a reload or a tunnel: only a user who is
still without a connection when it ends is offline.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from labserver.clock import Clock

GRACE_S = 2.0  # a page reload takes about one second


class Presence:
    """Counts connections, and says who came online and who went offline.

    Args:
        clock: the time.
        grace_s: seconds that a user may be without a connection and still be online.
    """

    def __init__(self, clock: Clock, grace_s: float = GRACE_S) -> None:
        self._clock = clock
        self._grace_s = grace_s
        self._connections: dict[str, set[Hashable]] = {}
        self._leaving: dict[str, float] = {}  # user → when the grace period ends; oldest first

    def connect(self, user: str, connection: Hashable) -> bool:
        """Add a connection; return whether it brought the user online."""
        came = user not in self._connections
        self._connections.setdefault(user, set()).add(connection)
        self._leaving.pop(user, None)
        return came

    def disconnect(self, user: str, connection: Hashable) -> None:
        """Remove a connection; an unknown one changes nothing."""
        connections = self._connections.get(user)
        if connections is None or connection not in connections:
            return
        connections.remove(connection)
        if not connections:
            self._leaving[user] = self._clock.monotonic() + self._grace_s

    def online(self, user: str) -> bool:
        """Return whether the user is online, including the grace period."""
        return user in self._connections

    def __iter__(self) -> Iterator[str]:
        return iter(self._connections)

    @property
    def deadline(self) -> float | None:
        """The monotonic time at which `expire` next returns a user; None if there is none."""
        return next(iter(self._leaving.values()), None)

    def expire(self) -> list[str]:
        """Remove and return the users whose grace period has ended: they are offline now."""
        now = self._clock.monotonic()
        gone = [user for user, until in self._leaving.items() if until <= now]
        for user in gone:
            del self._leaving[user], self._connections[user]
        return gone
