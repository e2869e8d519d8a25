"""Who is online: first tab in, last tab out, with a grace period for the short absences.

A user is a set of connections. The grace period swallows a reload and a tunnel: only who
is still without a connection when it ends is offline.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from labserver.clock import Clock

GRACE_S = 2.0  # a page reload takes about one second


class Presence:
    """Counts connections and says who came and who went.

    Args:
        clock: the time.
        grace_s: seconds that a user may be without a connection and still be online.
    """

    def __init__(self, clock: Clock, grace_s: float = GRACE_S) -> None:
        self._clock = clock
        self._grace_s = grace_s
        self._connections: dict[str, set[Hashable]] = {}
        self._leaving: dict[str, float] = {}  # user → when the grace ends; oldest first

    def connect(self, user: str, connection: Hashable) -> bool:
        """Count a connection in; True where that brought the user online."""
        came = user not in self._connections
        self._connections.setdefault(user, set()).add(connection)
        self._leaving.pop(user, None)
        return came

    def disconnect(self, user: str, connection: Hashable) -> None:
        """Count a connection out; one that is not known changes nothing."""
        connections = self._connections.get(user)
        if connections is None or connection not in connections:
            return
        connections.remove(connection)
        if not connections:
            self._leaving[user] = self._clock.monotonic() + self._grace_s

    def online(self, user: str) -> bool:
        """Whether the user is online, the grace period included."""
        return user in self._connections

    def __iter__(self) -> Iterator[str]:
        return iter(self._connections)

    @property
    def deadline(self) -> float | None:
        """When `expire` next has something to say, on the monotonic clock."""
        return next(iter(self._leaving.values()), None)

    def expire(self) -> list[str]:
        """The users whose grace has ended: they are offline now."""
        now = self._clock.monotonic()
        gone = [user for user, until in self._leaving.items() if until <= now]
        for user in gone:
            del self._leaving[user], self._connections[user]
        return gone
