"""A connection's bounded queue, for the moments when its peer reads more slowly than we write.

With an unbounded queue, one stalled phone fills the server's memory; with a sender that waits, it
delays everybody. So the queue is bounded, and a connection that overruns it is closed: the log
still has everything that was missed, and the client resumes from its cursor.
"""

from __future__ import annotations

from collections import deque

from labserver.chat.events import Envelope

LIMIT_EVENTS = 1024
LIMIT_BYTES = 4 * 1024 * 1024


class Outbox:
    """Envelopes that wait for one connection.

    Args:
        limit_events: how many may wait.
        limit_bytes: how many bytes of JSON may wait.

    Attributes:
        overrun: whether more was put in than may wait.
    """

    def __init__(self, limit_events: int = LIMIT_EVENTS, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit_events = limit_events
        self._limit_bytes = limit_bytes
        self._waiting: deque[Envelope] = deque()
        self._bytes = 0
        self.overrun = False

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def bytes(self) -> int:
        """How many bytes of JSON wait."""
        return self._bytes

    def put(self, entry: Envelope) -> bool:
        """Queue `entry`; return False if the outbox is overrun.

        An overrun outbox is emptied and accepts nothing more: its connection is to be closed.
        """
        if self.overrun:
            return False
        if (
            len(self._waiting) >= self._limit_events
            or self._bytes + len(entry.json) > self._limit_bytes
        ):
            self.overrun = True
            self._waiting.clear()
            self._bytes = 0
            return False
        self._waiting.append(entry)
        self._bytes += len(entry.json)
        return True

    def take(self) -> Envelope:
        """Remove and return the entry that has waited longest.

        Raises:
            IndexError: if none waits.
        """
        entry = self._waiting.popleft()
        self._bytes -= len(entry.json)
        return entry

    def take_all(self) -> list[Envelope]:
        """Remove and return everything that waits, oldest first."""
        taken = list(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        return taken
