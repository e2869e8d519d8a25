"""Rosters: which users are on which server, as the buses tell each other.

Every bus keeps its places (server, user, room) in Redis, under a version, and publishes what
changes from one version to the next. A bus that receives a change which does not follow the
version it knows reads the whole roster again; so does a bus that learns from a beat that it has
missed one. A roster that is not renewed expires, and its places with it: that is how the death of
a server is noticed. This is only the bookkeeping; bus.py communicates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from labserver.chat.events import Event
from labserver.chat.interfaces import BusListener

Place = tuple[str, str, str]  # server, user, room


class Change(msgspec.Struct, frozen=True, tag="change"):
    """How a roster changed from one version to the next; a beat alone changes nothing.

    Attributes:
        bus: whose roster.
        before, after: its versions.
        came, went: the places that were taken, and those that were left.
    """

    bus: str
    before: int
    after: int
    came: list[Place] = []
    went: list[Place] = []


class Notice(msgspec.Struct, frozen=True, tag="signal"):  # the tag that older servers understand
    """An event that is not kept, for the hubs of the other servers."""

    bus: str
    room: str
    event: Event
    recipient: str | None = None


class Bye(msgspec.Struct, frozen=True, tag="bye"):
    """A bus was closed."""

    bus: str


News = Change | Notice | Bye

UNKNOWN = -1  # the version of a bus that is not known
READ_ALL = -2  # not a version: whoever receives this change reads the whole roster


class OwnRoster:
    """The places of this bus, and which changes of them are still to be published."""

    def __init__(self, bus: str) -> None:
        self.bus = bus
        self.version = 0
        self.places: dict[Place, None] = {}
        self._unpublished: dict[Place, bool] = {}  # place → whether it is taken now

    def arrived(self, place: Place) -> None:
        """Add a place."""
        self.places[place] = None
        self._unpublished[place] = True

    def left(self, place: Place) -> None:
        """Remove a place."""
        self.places.pop(place, None)
        self._unpublished[place] = False

    def change(self) -> Change:
        """Return what is to be published now; if nothing has changed, it is only a beat."""
        before = self.version
        came = [place for place, taken in self._unpublished.items() if taken]
        went = [place for place, taken in self._unpublished.items() if not taken]
        self._unpublished.clear()
        if came or went:
            self.version += 1
        return Change(self.bus, before, self.version, came, went)

    def begin(self) -> Change:
        """Return a change that makes the others read all of `places`."""
        self._unpublished.clear()
        self.version += 1
        return Change(self.bus, READ_ALL, self.version)

    @property
    def changed(self) -> bool:
        """Whether there is something to publish."""
        return bool(self._unpublished)


class Rosters:
    """The rosters of all buses, and the listeners to tell of changes.

    A server that was started again under its old name is on two buses until the old one expires;
    a place has been left when no bus has it any more.

    Attributes:
        listeners: server → its hub.
        stale: the buses whose roster must be read again.
    """

    def __init__(self) -> None:
        self.listeners: dict[str, BusListener] = {}
        self.stale: set[str] = set()
        self._versions: dict[str, int] = {}  # other buses
        self._places: dict[str, dict[Place, None]] = {}  # bus → its places
        self._buses: dict[Place, set[str]] = {}

    def attach(self, server: str, listener: BusListener) -> None:
        """Tell `listener` of changes from now on, and of the present places at once."""
        self.listeners[server] = listener
        for place in tuple(self._buses):
            if place[0] != server:
                listener.on_arrived(*place)

    def places_of(self, server: str, bus: str) -> list[Place]:
        """Return the places that `server` has on `bus`."""
        return [place for place in self._places.get(bus, ()) if place[0] == server]

    @property
    def buses(self) -> list[str]:
        """The other buses that are known."""
        return list(self._versions)

    def version(self, bus: str) -> int:
        """Return the version of a bus's roster that is known."""
        return self._versions.get(bus, UNKNOWN)

    def apply(self, change: Change) -> None:
        """Apply the change of another bus; if one before it was missed, the roster is stale."""
        if self.version(change.bus) == change.before:
            self._versions[change.bus] = change.after
            self.add(change.bus, change.came)
            self.remove(change.bus, change.went)
        elif self.version(change.bus) < change.after:
            self.stale.add(change.bus)

    def replace(self, bus: str, version: int, places: Iterable[Place]) -> None:
        """Replace the whole roster of another bus by its places at `version`."""
        self.stale.discard(bus)
        if version <= self.version(bus):
            return
        self._versions[bus] = version
        now = dict.fromkeys(places)
        self.remove(bus, [place for place in self._places.get(bus, ()) if place not in now])
        self.add(bus, now)

    def forget(self, bus: str) -> None:
        """Remove another bus, which is gone."""
        self.stale.discard(bus)
        self._versions.pop(bus, None)
        self.remove(bus, tuple(self._places.get(bus, ())))

    def compare(self, versions: Mapping[str, int]) -> None:
        """Compare what is known with all other buses that exist, and their versions."""
        for bus in self.buses:
            if bus not in versions:
                self.forget(bus)
        self.stale = {bus for bus, version in versions.items() if version > self.version(bus)}

    def add(self, bus: str, places: Iterable[Place]) -> None:
        """Add places of `bus`."""
        for place in places:
            self._places.setdefault(bus, {})[place] = None
            buses = self._buses.setdefault(place, set())
            if not buses:
                for listener in self._others(place):
                    listener.on_arrived(*place)
            buses.add(bus)

    def remove(self, bus: str, places: Iterable[Place]) -> None:
        """Remove places of `bus`."""
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

    def _others(self, place: Place) -> list[BusListener]:
        return [listener for name, listener in self.listeners.items() if name != place[0]]
