"""Who is on which server: what this process tells the others, and what it heard from them.

Every bus keeps its places (server, user, room) in Redis under a version, and publishes what
changes from one version to the next. Who hears a change that does not follow the version it
has reads the whole roster again; so does who hears, at a beat, that it missed one. A roster
that is no longer renewed expires, and its places with it: that is how the death of a server
is noticed. Here is the bookkeeping only; bus.py does the talking.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from labserver.chat.events import Event
from labserver.chat.ports import Listener

Place = tuple[str, str, str]  # server, user, room


class Change(msgspec.Struct, frozen=True, tag="change"):
    """What `bus` has become; nothing came and nothing went at a mere beat."""

    bus: str
    before: int
    after: int
    came: list[Place] = []
    went: list[Place] = []


class Signal(msgspec.Struct, frozen=True, tag="signal"):
    """An event that is not kept, for the hubs of the other servers."""

    bus: str
    room: str
    event: Event
    recipient: str | None = None


class Bye(msgspec.Struct, frozen=True, tag="bye"):
    """`bus` is closed."""

    bus: str


News = Change | Signal | Bye

UNKNOWN = -1  # the version of a bus that is not known
READ_ALL = -2  # no version: whoever hears of this change reads the whole roster


class OwnRoster:
    """The places of this bus, and which of them the others have not been told of."""

    def __init__(self, bus: str) -> None:
        self.bus = bus
        self.version = 0
        self.places: dict[Place, None] = {}
        self._untold: dict[Place, bool] = {}  # place → whether it is taken now

    def arrived(self, place: Place) -> None:
        """A place is taken."""
        self.places[place] = None
        self._untold[place] = True

    def left(self, place: Place) -> None:
        """A place is free."""
        self.places.pop(place, None)
        self._untold[place] = False

    def change(self) -> Change:
        """What is to be told now; a mere beat if nothing is."""
        before = self.version
        came = [place for place, taken in self._untold.items() if taken]
        went = [place for place, taken in self._untold.items() if not taken]
        self._untold.clear()
        if came or went:
            self.version += 1
        return Change(self.bus, before, self.version, came, went)

    def begin(self) -> Change:
        """The others are to read all of `places`."""
        self._untold.clear()
        self.version += 1
        return Change(self.bus, READ_ALL, self.version)

    @property
    def changed(self) -> bool:
        """Whether there is something to tell."""
        return bool(self._untold)


class Assembly:
    """All places that are known, on this bus and on the others, and the hubs to be told.

    A server that was started again under its old name is on two buses until the first of
    them expires; a place is left when the last bus has left it.
    """

    def __init__(self) -> None:
        self.listeners: dict[str, Listener] = {}  # server → its hub
        self.stale: set[str] = set()  # buses whose roster must be read again
        self._versions: dict[str, int] = {}  # other buses
        self._places: dict[str, dict[Place, None]] = {}  # bus → its places
        self._buses: dict[Place, set[str]] = {}

    def attach(self, server: str, listener: Listener) -> None:
        """Tell `listener` from now on, and at once of those who are there."""
        self.listeners[server] = listener
        for place in tuple(self._buses):
            if place[0] != server:
                listener.on_arrived(*place)

    def places_of(self, server: str, bus: str) -> list[Place]:
        """What `server` has on `bus`."""
        return [place for place in self._places.get(bus, ()) if place[0] == server]

    @property
    def buses(self) -> list[str]:
        """The other buses that are known."""
        return list(self._versions)

    def version(self, bus: str) -> int:
        """What is known of `bus`."""
        return self._versions.get(bus, UNKNOWN)

    def hear(self, change: Change) -> None:
        """Another bus has changed; where a change was missed, it is stale."""
        if self.version(change.bus) == change.before:
            self._versions[change.bus] = change.after
            self.come(change.bus, change.came)
            self.go(change.bus, change.went)
        elif self.version(change.bus) < change.after:
            self.stale.add(change.bus)

    def replace(self, bus: str, version: int, places: Iterable[Place]) -> None:
        """The whole roster of another bus, as it was at `version`."""
        self.stale.discard(bus)
        if version <= self.version(bus):
            return
        self._versions[bus] = version
        now = dict.fromkeys(places)
        self.go(bus, [place for place in self._places.get(bus, ()) if place not in now])
        self.come(bus, now)

    def forget(self, bus: str) -> None:
        """Another bus is gone."""
        self.stale.discard(bus)
        self._versions.pop(bus, None)
        self.go(bus, tuple(self._places.get(bus, ())))

    def survey(self, versions: Mapping[str, int]) -> None:
        """All other buses that there are, with their versions."""
        for bus in self.buses:
            if bus not in versions:
                self.forget(bus)
        self.stale = {bus for bus, version in versions.items() if version > self.version(bus)}

    def come(self, bus: str, places: Iterable[Place]) -> None:
        """These are taken on `bus`."""
        for place in places:
            self._places.setdefault(bus, {})[place] = None
            buses = self._buses.setdefault(place, set())
            if not buses:
                for listener in self._others(place):
                    listener.on_arrived(*place)
            buses.add(bus)

    def go(self, bus: str, places: Iterable[Place]) -> None:
        """These are free on `bus`."""
        held = self._places.get(bus, {})
        for place in places:
            if place not in held:
                continue
            del held[place]
            self._buses[place].remove(bus)
            if not self._buses[place]:
                del self._buses[place]
                for listener in self._others(place):
                    listener.on_left(*place)
        if not held:
            self._places.pop(bus, None)

    def _others(self, place: Place) -> list[Listener]:
        return [listener for name, listener in self.listeners.items() if name != place[0]]
