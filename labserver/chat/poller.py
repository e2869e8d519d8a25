"""A client that asks again and again, seen as one member between its requests.

Without this a polling user would go offline between any two polls, and every typing notice
would fall into the gap. A poller stays a member for `LINGER_S` after its last request. A
client that names its `session` also gets what no log keeps (typing, presence), collected
between its requests; one that does not reads the log alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from labserver.chat.events import Envelope
from labserver.chat.hub import PAGE, Hub, Member
from labserver.chat.log import Cursor

LINGER_S = 10.0  # twice the longest sensible interval of a chat that polls
NOTICES_MAX = 256  # the oldest go first: a typing notice is worth nothing later

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
        """What came after the cursor; see `Hub.visit` for its meaning."""
        assert self.member is not None
        log, user = self.member.log, self.member.user
        epoch = log.epoch
        collect = after is None or not self.known
        preface, position = await self.hub.begin(self.member, after, collect=collect)
        self.known = True
        if not log.covers(Cursor(position, epoch)):  # overtaken while we waited
            position = log.before_mail(user)
            preface = [log.reset(position)]
        entries, position = log.after(position, user, PAGE)
        notices = [self.notices.popleft() for _ in range(len(self.notices))]
        return Page(preface + entries + notices, Cursor(position, log.epoch))

    def deliver(self, entry: Envelope) -> None:
        """Called by the hub."""
        # A RESET (the log began anew) is found by the next read, which its cursor fails.
        if entry.event.offset is None and entry.event.type != "RESET":
            if not self.session:
                return
            self.notices.append(entry)
        for wake in tuple(self.waiting):
            wake()


class Pollers:
    """The pollers of one hub.

    Args:
        hub: theirs.
        linger_s: seconds that a poller stays a member after its last request.
    """

    def __init__(self, hub: Hub, linger_s: float = LINGER_S) -> None:
        self._hub = hub
        self._linger_s = linger_s
        self._pollers: dict[Key, Poller] = {}
        self._leaving: dict[Key, float] = {}  # the first to go first
        hub.timers.append(self)

    @property
    def deadline(self) -> float | None:
        """When the next poller has been silent for too long."""
        return next(iter(self._leaving.values()), None)

    @asynccontextmanager
    async def poll(self, user: str, room: str, session: str = "") -> AsyncIterator[Poller]:
        """For the time of one request, the poller that makes it.

        Args:
            user: a checked name.
            room: a room's name.
            session: the client's own name for itself; empty: it reads the log alone.
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
                else:  # another request of the same poller was faster
                    self._hub.leave(member)
            yield poller
        finally:
            poller.requests -= 1
            if not poller.requests:
                self._leaving[key] = self._hub.clock.monotonic() + self._linger_s
                self._hub.schedule()

    def tick(self) -> None:
        """Let go of the pollers that have not asked for a while."""
        now = self._hub.clock.monotonic()
        for key in [key for key, until in self._leaving.items() if until <= now]:
            del self._leaving[key]
            member = self._pollers.pop(key).member
            if member is not None:
                self._hub.leave(member)

    def close(self) -> None:
        """Let go of all of them."""
        self._hub.timers.remove(self)
        for poller in self._pollers.values():
            if poller.member is not None:
                self._hub.leave(poller.member)
        self._pollers.clear()
        self._leaving.clear()
