"""A client that polls, which stays a member of its room between its requests.

Otherwise a polling user would go offline between two polls, and every typing notice would be lost
in the gap. A poller remains a member for `LINGER_S` after its last request. A client that names
its `session` also gets what no log keeps (typing, presence), collected between its requests; one
that does not reads only the log.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from labserver.chat.events import Envelope
from labserver.chat.hub import PAGE, Hub
from labserver.chat.log import Cursor
from labserver.chat.room import Member

LINGER_S = 10.0  # twice the longest sensible polling interval of a chat
NOTICES_MAX = 256  # the oldest are dropped: an old typing notice is worth nothing

Key = tuple[str, str, str]  # user, room, session


@dataclass(frozen=True, slots=True)
class Page:
    """The answer to one poll: what is new, and the cursor to ask with next."""

    entries: list[Envelope]
    cursor: Cursor


@dataclass(slots=True, eq=False)
class Poller:
    """One polling client; see `Pollers.poll`."""

    hub: Hub
    session: str
    notices: deque[Envelope] = field(default_factory=lambda: deque(maxlen=NOTICES_MAX))
    waiting: dict[Callable[[], None], None] = field(default_factory=dict)
    member: Member | None = None
    requests: int = 0
    known: bool = False

    async def read(self, after: Cursor | None) -> Page:
        """Return what came after a cursor; None begins with what comes from now on."""
        assert self.member is not None
        log, user = self.member.log, self.member.user
        epoch = log.epoch
        collect = after is None or not self.known
        preface, position = await self.hub.begin(self.member, after, collect=collect)
        self.known = True
        if not log.covers(Cursor(position, epoch)):  # the log has moved past it in the meantime
            position = log.before_mail(user)
            preface = [log.reset(position)]
        entries, position = log.after(position, user, PAGE)
        notices = [self.notices.popleft() for _ in range(len(self.notices))]
        return Page(preface + entries + notices, Cursor(position, log.epoch))

    def deliver(self, entry: Envelope) -> None:
        """Called by the hub with each envelope."""
        # A RESET (the log has restarted) is found by the next read: it does not cover the cursor.
        if entry.event.offset is None and entry.event.type != "RESET":
            if not self.session:
                return
            self.notices.append(entry)
        for wake in tuple(self.waiting):
            wake()


class Pollers:
    """The pollers of one hub.

    Args:
        hub: the hub.
        linger_s: seconds that a poller stays a member after its last request.
    """

    def __init__(self, hub: Hub, linger_s: float = LINGER_S) -> None:
        self._hub = hub
        self._linger_s = linger_s
        self._pollers: dict[Key, Poller] = {}
        self._leaving: dict[Key, float] = {}  # the first to leave comes first
        hub.timers.append(self)

    @property
    def deadline(self) -> float | None:
        """The monotonic time at which the next poller leaves; None if there is none."""
        return next(iter(self._leaving.values()), None)

    @asynccontextmanager
    async def poll(self, user: str, room: str, session: str = "") -> AsyncIterator[Poller]:
        """Yield the poller that makes a request, for the duration of the request.

        Args:
            user: a valid name.
            room: a room's name.
            session: the client's own name for itself; empty if it reads only the log.
        """
        key = (user, room, session)
        poller = self._pollers.get(key)
        if poller is None:
            poller = self._pollers[key] = Poller(self._hub, session)
        poller.requests += 1
        self._leaving.pop(key, None)
        try:
            if poller.member is None:
                member = await self._hub.arrive(user, room, poller.deliver)
                if poller.member is None:
                    poller.member = member
                    self._hub.go_live(member)
                else:  # another request of the same poller was first
                    self._hub.leave(member)
            yield poller
        finally:
            poller.requests -= 1
            if not poller.requests:
                self._leaving[key] = self._hub.clock.monotonic() + self._linger_s
                self._hub.schedule()

    def tick(self) -> None:
        """Remove the pollers that have not asked for `linger_s` seconds."""
        now = self._hub.clock.monotonic()
        for key in [key for key, until in self._leaving.items() if until <= now]:
            del self._leaving[key]
            member = self._pollers.pop(key).member
            if member is not None:
                self._hub.leave(member)

    def close(self) -> None:
        """Remove all pollers."""
        self._hub.timers.remove(self)
        for poller in self._pollers.values():
            if poller.member is not None:
                self._hub.leave(poller.member)
        self._pollers.clear()
        self._leaving.clear()
