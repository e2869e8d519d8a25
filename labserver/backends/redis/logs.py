"""The room logs in Redis, and their mirrors, which a server reads from.

A room is one stream; the entry with offset 7 has the id `0-7`. One Lua script looks up the key,
counts, and appends, so that all servers share one order. Every room that is open here has a
mirror, a `RoomLog`, and one task reads all of their streams at once. Nothing else extends a
mirror, so its order is that of the stream.

The epoch is kept in Redis, and is part of the streams' names. If Redis loses the conversation, the
logs begin again under another epoch: FLUSHALL deletes the epoch's key, too, which the next append
and the next beat notice; a Redis that comes back with an older snapshot lacks our newest entry,
which is checked at each reconnect. The mirrors are then emptied in place, and their watchers
receive a RESET.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from typing import Any

import msgspec

from labserver.backends.redis.connection import (
    ANSWER_S,
    OUTAGE,
    SOCKET_S,
    Backoff,
    Client,
    insist,
    logger,
    unavailable,
)
from labserver.chat import events
from labserver.chat.events import Envelope, Event
from labserver.chat.interfaces import Kept
from labserver.chat.log import RoomLog, new_epoch

PAGE = 64  # entries of one stream that are read at a time; other tasks run between two pages
LOAD_PAGE = 500  # the same while nobody is reading yet
BLOCK_MS = 1_000  # a blocking read ends after this time even if nothing wakes it
KEY_S = 3600  # how long a sender's id is remembered; a retry comes within seconds
ROOM_S = 7 * 24 * 3600  # a room that is silent for so long is emptied; its count stays

_LOST = -1

# KEYS: epoch, counts, stream, key. ARGV: epoch, room, nonce, oldest, retain, then the entry.
# A key that is found with the same nonce was set by the first attempt of a repeated call.
_APPEND = f"""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {{{_LOST}, 0}} end
local found = redis.call('GET', KEYS[4])
if found then
  local offset, nonce = found:match('^(%d+) (%x+)$')
  if tonumber(offset) >= tonumber(ARGV[4]) then
    return {{tonumber(offset), nonce == ARGV[3] and 1 or 0}}
  end
end
local offset = redis.call('HINCRBY', KEYS[2], ARGV[2], 1)
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[5], '0-' .. offset, unpack(ARGV, 6))
redis.call('EXPIRE', KEYS[3], {ROOM_S})
redis.call('SET', KEYS[4], offset .. ' ' .. ARGV[3], 'EX', {KEY_S})
return {{offset, 1}}
"""

# KEYS: epoch. ARGV: the epoch that was lost, the next one.
_BEGIN_ANEW = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2]) end
"""


@dataclass(frozen=True, slots=True)
class _Keys:
    """The names of the keys in Redis."""

    prefix: str
    epoch: str

    @property
    def counts(self) -> str:
        """The hash of newest offsets: room → offset."""
        return f"{self.prefix}:{self.epoch}:newest"

    def stream(self, room: str) -> str:
        """Return the stream of a room's log."""
        return f"{self.prefix}:{self.epoch}:log:{room}"

    def known(self, key: str) -> str:
        """Return the key that says what became of `key`: offset and nonce."""
        return f"{self.prefix}:{self.epoch}:key:{key}"


class RoomLogs:
    """All rooms of one Redis.

    Args:
        client: the client for Redis.
        prefix: what the names of its keys begin with.
        retain_entries: how many entries each room keeps at least.
    """

    def __init__(self, client: Client, prefix: str, retain_entries: int) -> None:
        self._client = client
        self._epoch_key = f"{prefix}:epoch"
        self._wake_key = f"{prefix}:wake:{secrets.token_hex(8)}".encode()
        self._woken = b"0-0"
        self._keys = _Keys(prefix, "")
        self._retain_entries = retain_entries
        self._append = client.register_script(_APPEND)
        self._begin_anew = client.register_script(_BEGIN_ANEW)
        self._mirrors: dict[str, RoomLog] = {}
        self._loading: dict[str, asyncio.Lock] = {}
        self._progress = asyncio.Event()  # set, and replaced, whenever mirrors have grown

    @property
    def epoch(self) -> str:
        """The epoch that all servers share."""
        return self._keys.epoch

    async def log(self, room: str) -> RoomLog:
        """Return the room's mirror, loaded, and kept up to date from now on.

        Raises:
            Refused: `store_unavailable` (503).
        """
        if room in self._mirrors:
            return self._mirrors[room]
        async with self._loading.setdefault(room, asyncio.Lock()):
            if room not in self._mirrors:
                self._mirrors[room] = await insist(lambda: self._load(room))
                await self._wake()
        self._loading.pop(room, None)
        return self._mirrors[room]

    async def append(
        self, room: str, event: Event, recipient: str | None, mail: int | None, key: str | None
    ) -> Kept:
        """Append to the room's log; when this returns, the mirror has the entry.

        The same letter to the same recipient is placed only once, by whichever server, as long as
        the entry is still in the log.

        Raises:
            Refused: `store_unavailable` (503); the entry may have been kept nevertheless.
        """
        nonce = secrets.token_hex(8)
        entry: list[str | bytes | int] = ["event", msgspec.json.encode(event)]
        if recipient is not None:
            entry += ["recipient", recipient]
        if mail is not None:
            entry += ["mail", mail]
        by_place = key is None and mail is not None
        if key is not None:
            name = f"said/{key}"
        elif mail is not None:
            name = f"mail/{room}/{recipient}/{mail}"
        else:
            name = f"once/{nonce}"

        async def append() -> tuple[int, int]:
            mirror = self._mirrors.get(room)
            offset, fresh = await self._append(
                [self._epoch_key, keys.counts, keys.stream(room), keys.known(name)],
                [
                    keys.epoch,
                    room,
                    nonce,
                    mirror.oldest if by_place and mirror is not None else 0,
                    self._retain_entries,
                    *entry,
                ],
            )
            return offset, fresh

        while True:
            keys = self._keys
            offset, fresh = await insist(append)
            if offset == _LOST:
                await insist(self.follow_epoch)
            elif not fresh and not by_place:
                return Kept(offset, fresh=False)
            elif await self._mirrored(room, offset, keys):
                return Kept(offset, fresh=bool(fresh))

    async def follow_epoch(self) -> None:
        """Read the epoch from Redis; if it has changed, empty all mirrors."""
        await self._client.set(self._epoch_key, new_epoch(), nx=True)
        stored: Any = await self._client.get(self._epoch_key)
        if stored is None or stored.decode() == self.epoch:
            return
        if self.epoch:
            logger.error(
                "Redis has lost the conversation; it begins again, and readers get a RESET"
            )
        self._keys = _Keys(self._keys.prefix, stored.decode())
        for log in self._mirrors.values():
            log.restart(self.epoch, newest=0)
        self._note_progress()
        if self._mirrors:
            await self._wake()

    async def run(self) -> None:
        """Keep the mirrors up to date, for ever."""
        backoff = Backoff()
        away = False
        while True:
            try:
                async with asyncio.timeout(SOCKET_S):
                    await self._verify()
                if away:
                    logger.warning("Redis is back; the logs go on")
                away = False
                while True:
                    await self._read_on()
                    backoff.reset()
            except OUTAGE as error:
                if not away:
                    logger.warning("Redis cannot be reached (%s); trying again", error)
                away = True
                await backoff.pause()

    async def _read_on(self) -> None:
        keys = self._keys
        mirrors = {keys.stream(room).encode(): log for room, log in self._mirrors.items()}
        after: dict[Any, Any] = {key: f"0-{log.newest}" for key, log in mirrors.items()}
        after[self._wake_key] = self._woken
        async with asyncio.timeout(SOCKET_S):
            answer: Any = await self._client.xread(after, count=PAGE, block=BLOCK_MS)
        for stream, entries in answer:
            if stream == self._wake_key:
                self._woken = entries[-1][0]
                continue
            if self._keys != keys:  # these belong to a log that no longer exists
                return
            for entry_id, fields in entries:
                _take(mirrors[stream], _offset(entry_id), fields)
            self._note_progress()
            await asyncio.sleep(0)

    async def _verify(self) -> None:
        """Whether the streams are still those that the mirrors were read from."""
        await self.follow_epoch()
        keys = self._keys
        mirrors = [log for log in self._mirrors.values() if log.newest]
        for start in range(0, len(mirrors), LOAD_PAGE):
            page = mirrors[start : start + LOAD_PAGE]
            held = [(log, log.newest, _newest_entry(log)) for log in page]
            async with self._client.pipeline(transaction=True) as pipe:
                for log, newest, _ in held:
                    pipe.hget(keys.counts, log.room)
                    pipe.xrange(keys.stream(log.room), f"0-{newest}", f"0-{newest}")
                answers: Any = await pipe.execute()
            for (log, newest, ours), count, found in zip(
                held, answers[::2], answers[1::2], strict=True
            ):
                theirs = _envelope(log.room, newest, found[0][1]) if found else None
                other = ours is not None and theirs is not None and ours.json != theirs.json
                if int(count or 0) < newest or other:
                    logger.error("Redis came back with an older copy of %s", log.room)
                    await self._begin_anew([self._epoch_key], [keys.epoch, new_epoch()])
                    await self.follow_epoch()
                    return

    async def _load(self, room: str) -> RoomLog:
        while True:
            keys = self._keys
            stream = keys.stream(room)
            count: Any = await self._client.hget(keys.counts, room)
            newest = int(count or 0)
            log = RoomLog(room, keys.epoch, self._retain_entries)
            start = max(1, newest - self._retain_entries + 1)
            while True:
                page: Any = await self._client.xrange(stream, f"0-{start}", "+", count=LOAD_PAGE)
                for entry_id, fields in page:
                    _take(log, _offset(entry_id), fields)
                if len(page) < LOAD_PAGE:
                    break
                start = log.newest + 1
            if log.newest == 0:  # emptied, or new
                log.newest = newest
            if self._keys == keys:
                return log

    async def _mirrored(self, room: str, offset: int, keys: _Keys) -> bool:
        """Wait until the room's mirror, if any, has `offset`; return False if the log was lost."""
        mirror = self._mirrors.get(room)
        try:
            async with asyncio.timeout(ANSWER_S):
                while mirror is not None and mirror.newest < offset and self._keys == keys:
                    await self._progress.wait()
        except TimeoutError:
            raise unavailable() from None
        return self._keys == keys

    def _note_progress(self) -> None:
        self._progress.set()
        self._progress = asyncio.Event()

    async def _wake(self) -> None:
        """End the blocking read, so that the next one includes the rooms that are new.

        This adds an entry to a stream of our own, which is among those that are read. Unlike
        CLIENT UNBLOCK, it is not lost if the reader does not block yet.
        """
        try:
            async with self._client.pipeline(transaction=False) as pipe:
                pipe.xadd(self._wake_key, {"": ""}, maxlen=1)
                pipe.expire(self._wake_key, KEY_S)
                await pipe.execute()
        except OUTAGE as error:  # the read ends by itself soon
            logger.debug("Redis cannot be reached: %s", error)


def _take(log: RoomLog, offset: int, fields: dict[bytes, bytes]) -> None:
    """Extend a mirror by an entry that was read; one that it has already changes nothing."""
    if offset <= log.newest:
        return
    if offset > log.newest + 1:  # while we were away, the stream has dropped entries
        log.restart(log.epoch, newest=offset - 1)
    log.extend(_envelope(log.room, offset, fields))


def _newest_entry(log: RoomLog) -> Envelope | None:
    return log[log.newest] if log.oldest <= log.newest else None


def _offset(entry_id: bytes) -> int:
    return int(entry_id.partition(b"-")[2])


def _envelope(room: str, offset: int, fields: dict[bytes, bytes]) -> Envelope:
    said = events.decode_event(fields[b"event"])
    placed = msgspec.structs.replace(said, offset=offset, room=room)
    recipient = fields.get(b"recipient")
    mail = fields.get(b"mail")
    return events.envelope(
        placed,
        None if recipient is None else recipient.decode(),
        None if mail is None else int(mail),
    )
