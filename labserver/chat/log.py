"""The append-only log of one room, which every technique reads from a cursor on.

Offsets begin at 1 and grow by one. The log keeps its newest entries, limited by number and by
bytes. A reader whose cursor is older than that is told so (`covers` is False), instead of being
served with a gap. A log that begins again has another epoch, so that an offset of the old log is
not mistaken for one of the new.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from labserver.chat import events
from labserver.chat.events import Envelope, Event, envelope
from labserver.errors import Refused

RETAIN_ENTRIES = 10_000  # enough for a cut of some minutes in a busy room
RETAIN_BYTES = 16 * 1024 * 1024  # so that a room of long messages does not fill the memory

_CURSOR = re.compile(r"(?:([0-9a-z]{1,32})-)?([0-9]{1,18})", re.ASCII)


def new_epoch() -> str:
    """Return the name of a new epoch."""
    return secrets.token_hex(4)


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a reader has read: the last offset that it has, and in which epoch.

    Attributes:
        offset: the last offset that the reader has; 0 if it has none.
        epoch: the log's epoch; None if the reader did not say.
    """

    offset: int
    epoch: str | None = None

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Parse `OFFSET` or `EPOCH-OFFSET`.

        Raises:
            Refused: `bad_cursor` (400).
        """
        match = _CURSOR.fullmatch(text)
        if match is None:
            raise Refused(400, "bad_cursor", "Give after as an offset, or as EPOCH-OFFSET.")
        return cls(int(match[2]), match[1])

    def __str__(self) -> str:
        return str(self.offset) if self.epoch is None else f"{self.epoch}-{self.offset}"


@dataclass(slots=True)
class RoomLog:
    """What was sent to one room.

    Args:
        room: its name.
        epoch: the name of its epoch.
        retain_entries: how many entries are kept.
        retain_bytes: how many bytes of JSON are kept.
        newest: the last offset given so far, if the log continues one that is elsewhere.
    """

    room: str
    epoch: str = field(default_factory=new_epoch)
    retain_entries: int = RETAIN_ENTRIES
    retain_bytes: int = RETAIN_BYTES
    newest: int = 0
    _entries: dict[int, Envelope] = field(default_factory=dict)
    _bytes: int = 0
    _private: dict[str, dict[int, int]] = field(default_factory=dict)
    _watchers: list[Callable[[Envelope], None]] = field(default_factory=list)

    @property
    def oldest(self) -> int:
        """The oldest offset that is kept; `newest` + 1 if none is."""
        return self.newest + 1 - len(self._entries)

    @property
    def cursor(self) -> Cursor:
        """The cursor of a reader that has everything."""
        return Cursor(self.newest, self.epoch)

    def __getitem__(self, offset: int) -> Envelope:
        return self._entries[offset]

    def append(
        self, event: Event, recipient: str | None = None, mail: int | None = None
    ) -> Envelope:
        """Give `event` the next offset, keep it, and call the watchers."""
        placed = msgspec.structs.replace(event, offset=self.newest + 1, room=self.room)
        entry = envelope(placed, recipient, mail)
        self.extend(entry)
        return entry

    def extend(self, entry: Envelope) -> None:
        """Keep an entry that already has its offset.

        Raises:
            ValueError: if its offset is not the next one.
        """
        if entry.event.offset != self.newest + 1:
            raise ValueError(f"{self.room}: {entry.event.offset} does not follow {self.newest}")
        self.newest += 1
        self._entries[self.newest] = entry
        self._bytes += len(entry.json)
        if entry.recipient is not None and entry.mail is not None:
            self._private.setdefault(entry.recipient, {})[entry.mail] = self.newest
        while len(self._entries) > self.retain_entries or self._bytes > self.retain_bytes:
            self._forget_oldest()
        for watcher in tuple(self._watchers):
            watcher(entry)

    def restart(self, epoch: str, newest: int) -> None:
        """Forget all entries, begin a new epoch, and call the watchers with a RESET.

        Args:
            epoch: the name of the new epoch.
            newest: the offset after which it goes on.
        """
        self.epoch = epoch
        self.newest = newest
        self._entries.clear()
        self._private.clear()
        self._bytes = 0
        notice = self.reset()
        for watcher in tuple(self._watchers):
            watcher(notice)

    def reset(self, after: int | None = None) -> Envelope:
        """Return the RESET for a reader whose cursor is not covered.

        Args:
            after: the offset to go on after, if unread mail stands before the log's end: it is
                the reader's next cursor, which must not acknowledge that mail. None for the
                log's end.
        """
        return events.reset(
            self.epoch, self.oldest, self.newest if after is None else after, self.room
        )

    def covers(self, cursor: Cursor) -> bool:
        """Return whether everything after `cursor` is available."""
        if cursor.epoch is not None and cursor.epoch != self.epoch:
            return False
        return self.oldest - 1 <= cursor.offset <= self.newest

    def after(self, offset: int, user: str, limit: int) -> tuple[list[Envelope], int]:
        """Return what `user` may see after `offset`.

        Args:
            offset: the last offset that the reader has; it must be covered.
            user: the reader.
            limit: the largest number of entries to return.

        Returns:
            The entries, and the offset to read on from (entries for others are passed over).
        """
        found: list[Envelope] = []
        while offset < self.newest and len(found) < limit:
            offset += 1
            entry = self._entries[offset]
            if entry.visible_to(user):
                found.append(entry)
        return found, offset

    def mail_of(self, user: str) -> dict[int, int]:
        """Return the user's unacknowledged mail in this log: mail number → offset."""
        return self._private.get(user, {})

    def before_mail(self, user: str) -> int:
        """Return the newest offset that acknowledges none of the user's mail in this log."""
        return min(self.mail_of(user).values(), default=self.newest + 1) - 1

    def forget_mail(self, user: str, numbers: list[int]) -> None:
        """Forget mail that was acknowledged."""
        mail = self._private.get(user, {})
        for number in numbers:
            mail.pop(number, None)
        if not mail:
            self._private.pop(user, None)

    def watch(self, watcher: Callable[[Envelope], None]) -> None:
        """Call `watcher` with each entry from now on; it must neither raise nor block."""
        self._watchers.append(watcher)

    def unwatch(self, watcher: Callable[[Envelope], None]) -> None:
        """Stop calling `watcher`."""
        self._watchers.remove(watcher)

    def _forget_oldest(self) -> None:
        entry = self._entries.pop(self.oldest)
        self._bytes -= len(entry.json)
        if entry.recipient is not None and entry.mail is not None:
            self.forget_mail(entry.recipient, [entry.mail])
