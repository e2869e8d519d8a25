"""Direct messages: kept until acknowledged, and read in the room logs like everything else.

A direct message is stored in the recipient's mailbox first. Then it is placed, visible only to the
recipient, in the log of every room that the recipient is in, so that one cursor covers it, too: a
cursor past its offset is the receipt that removes it from the mailbox. A recipient who is in no
room finds it in the rooms last visited, in its proper place, or in a new room at the log's end,
before anything that is sent from then on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from labserver.chat.events import Envelope, Event
from labserver.chat.interfaces import Bus, Kept, Letter, Mailbox
from labserver.chat.log import RoomLog

LAST_ROOMS_MAX = 8  # rooms last visited that are remembered per user


class DirectMessages:
    """Keeps, places and acknowledges direct messages.

    Args:
        bus: the room logs.
        mailbox: keeps the letters.
        open_log: returns a room's log, which then stays open.
    """

    def __init__(
        self, bus: Bus, mailbox: Mailbox, open_log: Callable[[str], Awaitable[RoomLog]]
    ) -> None:
        self._bus = bus
        self._mailbox = mailbox
        self._open_log = open_log
        self._last_rooms: dict[str, dict[str, None]] = {}  # user → rooms, the last visited last

    def note_visit(self, user: str, room: str) -> None:
        """Remember that `user` has been in `room`."""
        rooms = self._last_rooms.setdefault(user, {})
        rooms.pop(room, None)
        rooms[room] = None
        if len(rooms) > LAST_ROOMS_MAX:
            del rooms[next(iter(rooms))]

    async def send(self, letter: Letter, rooms_of: Callable[[str], set[str]], here: str) -> Kept:
        """Keep a letter and place it where its recipient will read.

        Args:
            letter: the letter, which is not kept yet.
            rooms_of: returns the rooms that a user is connected to now.
            here: the sender's room, for a recipient who was never seen.

        Returns:
            Its number in the mailbox, and whether it is new.
        """
        kept = await self._mailbox.keep(letter)
        user = letter.recipient
        if not kept.fresh:
            # The first attempt may have failed between keeping and placing it: then place it now.
            for known in await self._mailbox.pending(user):
                if (known.sender, known.id) == (letter.sender, letter.id):
                    letter = known
                    break
            else:
                return kept
        placed: set[str] = set()
        # Ask again after each round, because the recipient may arrive in the meantime.
        while rooms := (rooms_of(user) | set(self._last_rooms.get(user, ())) or {here}) - placed:
            for room in sorted(rooms):
                await self._place(letter, kept.at, await self._open_log(room))
                placed.add(room)
        return kept

    async def collect(self, user: str, log: RoomLog, position: int) -> list[Envelope]:
        """Place in `log` whatever `user` has not acknowledged and it does not hold.

        Args:
            user: the user, who is counted as present already, so that nothing is missed.
            log: the log that the user reads.
            position: the offset after which the user will read in any case.

        Returns:
            The entries that stand at or before `position`, in the log's order. A reader who is cut
            off between two of them has the cursor of the first, which does not acknowledge the
            second.
        """
        before: list[Envelope] = []
        for letter in await self._mailbox.pending(user):
            at = log.mail_of(user).get(letter.number)
            if at is None:
                await self._place(letter, letter.number, log)
            elif at <= position:
                before.append(log[at])
        return sorted(before, key=lambda entry: entry.event.offset or 0)

    async def acknowledge(self, user: str, log: RoomLog, offset: int) -> None:
        """Remove from the mailbox what `user` has received: all in `log` up to `offset`."""
        if offset > log.newest:
            return  # of a log that no longer exists: it says nothing about this one
        numbers = _numbers_up_to(log.mail_of(user).items(), offset)
        if numbers:
            await self._mailbox.drop(user, numbers)
            # Only now: `collect` would place again what is pending but not in the log.
            log.forget_mail(user, numbers)

    async def _place(self, letter: Letter, number: int, log: RoomLog) -> None:
        if number in log.mail_of(letter.recipient):
            return
        data = {
            "senderId": letter.sender,
            "content": letter.content,
            "id": letter.id,
            "recipientId": letter.recipient,
        }
        event = Event("CHAT_MESSAGE", data, ts=letter.ts)
        await self._bus.append(log.room, event, recipient=letter.recipient, mail=number)


def _numbers_up_to(mail: Iterable[tuple[int, int]], offset: int) -> list[int]:
    return [number for number, at in mail if at <= offset]
