"""The bus within one process: the logs are in memory, and so are the other servers."""

from __future__ import annotations

from labserver.chat.events import Envelope, Event
from labserver.chat.interfaces import BusListener, Kept
from labserver.chat.log import RETAIN_ENTRIES, RoomLog, new_epoch

KEYS_MAX = 100_000  # a retry comes within seconds; this covers minutes of a busy server


class MemoryBus:
    """Room logs in memory, shared by the hubs of this process.

    Args:
        retain_entries: how many entries each room's log keeps.
    """

    def __init__(self, retain_entries: int = RETAIN_ENTRIES) -> None:
        self.epoch = new_epoch()
        self._retain_entries = retain_entries
        self._logs: dict[str, RoomLog] = {}
        self._keys: dict[str, int] = {}  # key → offset; oldest first
        self._listeners: dict[str, BusListener] = {}
        self._present: dict[tuple[str, str, str], None] = {}  # server, user, room

    async def attach(self, server: str, listener: BusListener) -> None:
        """Tell `listener` about the other servers from now on."""
        self._listeners[server] = listener
        for other, user, room in self._present:
            listener.on_arrived(other, user, room)

    async def detach(self, server: str) -> None:
        """Stop telling a server's listener, and tell the others that its users have left."""
        self._listeners.pop(server, None)
        for other, user, room in tuple(self._present):
            if other == server:
                self.left(server, user, room)

    async def log(self, room: str) -> RoomLog:
        """Return the room's log."""
        return self._log(room)

    async def append(
        self,
        room: str,
        event: Event,
        *,
        recipient: str | None = None,
        mail: int | None = None,
        key: str | None = None,
    ) -> Kept:
        """Append to the room's log."""
        if key is not None and key in self._keys:
            return Kept(self._keys[key], fresh=False)
        log = self._log(room)
        if key is not None:
            self._keys[key] = log.newest + 1
            if len(self._keys) > KEYS_MAX:
                del self._keys[next(iter(self._keys))]
        log.append(event, recipient, mail)
        return Kept(log.newest, fresh=True)

    def notify(self, server: str, room: str, notice: Envelope) -> None:
        """Pass on an event that is not kept to the hubs of the other servers."""
        for listener in self._others(server):
            listener.on_notice(room, notice)

    def arrived(self, server: str, user: str, room: str) -> None:
        """Tell the others of this server's first connection of `user` to `room`."""
        self._present[server, user, room] = None
        for listener in self._others(server):
            listener.on_arrived(server, user, room)

    def left(self, server: str, user: str, room: str) -> None:
        """Tell the others that this server's last connection of `user` to `room` is gone."""
        self._present.pop((server, user, room), None)
        for listener in self._others(server):
            listener.on_left(server, user, room)

    async def aclose(self) -> None:
        """Do nothing: there is nothing to release."""

    def _log(self, room: str) -> RoomLog:
        if room not in self._logs:
            self._logs[room] = RoomLog(room, self.epoch, self._retain_entries)
        return self._logs[room]

    def _others(self, server: str) -> list[BusListener]:
        return [listener for name, listener in self._listeners.items() if name != server]
