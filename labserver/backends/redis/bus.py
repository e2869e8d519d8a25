"""The bus over Redis: several servers, on several machines, one conversation.

`redis_bus` owns three tasks, and with them every connection:

    logs.run   one blocking XREAD over the streams of all rooms that are open here
    _tell      all that is told to the others: signals, arrivals and departures, the beat
    _hear      what the others publish

What is published may be lost, so nothing rests on it alone: a beat every `BEAT_S` renews
this bus's roster in Redis, and compares the versions of the others'. While Redis is away
nobody is thought to have left; hubs within this process hear each other all the same.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from redis.exceptions import ConnectionError as RedisConnectionError

from labserver.backends.redis.connection import (
    OUTAGE,
    PREFIX,
    SOCKET_S,
    Backoff,
    check,
    connect,
    logger,
    unavailable,
)
from labserver.backends.redis.logs import RoomLogs
from labserver.backends.redis.roster import Assembly, Bye, Change, News, OwnRoster, Signal
from labserver.chat import events
from labserver.chat.events import Envelope, Event
from labserver.chat.log import RETAIN_ENTRIES, RoomLog
from labserver.chat.ports import Kept, Listener

BEAT_S = 1.5
ROSTER_S = 4.5  # three beats that did not come: the server is gone. Noticed within 6 s
SILENCE_S = 6.0  # we hear our own beats too; without any, the connection is dead
CLOSE_S = 1.0  # a Redis that is away does not hold up the end; the roster expires by itself
SIGNALS_MAX = 1_000  # the oldest go first: a typing notice is worth nothing later
BUSES_S = 24 * 3600  # so that nothing of us is left in a Redis that all have deserted

_VERSION = b"version"  # a field beside the places, which are JSON arrays

# KEYS: roster, buses. ARGV: bus, before, after, milliseconds, channel, news, came, then places.
_CHANGE = f"""
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[2] then return 0 end
for i = 8, 7 + ARGV[7] do redis.call('HSET', KEYS[1], ARGV[i], '') end
for i = 8 + ARGV[7], #ARGV do redis.call('HDEL', KEYS[1], ARGV[i]) end
redis.call('HSET', KEYS[1], 'version', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('EXPIRE', KEYS[2], {BUSES_S})
redis.call('PUBLISH', ARGV[5], ARGV[6])
return 1
"""

_encoder = msgspec.json.Encoder()
_news: msgspec.json.Decoder[News] = msgspec.json.Decoder(News)
_place = msgspec.json.Decoder(tuple[str, str, str])


class RedisBus:
    """Room logs in Redis, shared by all hubs of all servers; made by `redis_bus`.

    Args:
        url: `redis://[USER:PASSWORD@]HOST:PORT/DATABASE`, `rediss://…` or `unix://…`.
        retain_entries: how many entries each room's log keeps.
        prefix: what the names of its keys begin with; another prefix, another conversation.

    Raises:
        LabError: if `url` is not the address of a Redis.
    """

    def __init__(
        self, url: str, *, retain_entries: int = RETAIN_ENTRIES, prefix: str = PREFIX
    ) -> None:
        self._url = url
        self._client = connect(url)
        self._logs = RoomLogs(self._client, prefix, retain_entries)
        self._change = self._client.register_script(_CHANGE)
        self._name = secrets.token_hex(8)
        self._prefix = prefix
        self._channel = f"{prefix}:news"
        self._buses_key = f"{prefix}:buses"
        self._own = OwnRoster(self._name)
        self._stored = False  # whether Redis has our roster
        self._all = Assembly()
        self._signals: deque[Signal] = deque(maxlen=SIGNALS_MAX)
        self._to_tell = asyncio.Event()
        self._closing = False
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def epoch(self) -> str:
        """The epoch of the logs, the same on all servers."""
        return self._logs.epoch

    async def attach(self, server: str, listener: Listener) -> None:
        """Begin to tell `listener` about the other servers, in this process and elsewhere."""
        self._all.attach(server, listener)

    async def detach(self, server: str) -> None:
        """Tell it no more, and tell the others that its users have left."""
        self._all.listeners.pop(server, None)
        for _, user, room in self._all.places_of(server, self._name):
            self.left(server, user, room)

    async def log(self, room: str) -> RoomLog:
        """The room's log, loaded, and kept up to date from now on.

        Raises:
            Refused: `store_unavailable` (503) if Redis is away for some seconds.
        """
        if self._closing:
            raise unavailable()
        return await self._logs.log(room)

    async def append(
        self,
        room: str,
        event: Event,
        *,
        recipient: str | None = None,
        mail: int | None = None,
        key: str | None = None,
    ) -> Kept:
        """Append to the room's log, for all servers, in one order.

        If the room is open here, its log has the entry when this returns. A letter (`mail`)
        that stands in the log already, placed by another server, is not fresh.

        Raises:
            Refused: `store_unavailable` (503) if Redis is away for some seconds. The entry
                may have been kept all the same: the same key again tells.
        """
        if self._closing:
            raise unavailable()
        return await self._logs.append(room, event, recipient, mail, key)

    def signal(self, server: str, room: str, notice: Envelope) -> None:
        """Pass on an event that is not kept; lost where Redis is away or too slow."""
        for name, listener in self._all.listeners.items():
            if name != server:
                listener.on_signal(room, notice)
        self._signals.append(Signal(self._name, room, notice.event, notice.recipient))
        self._to_tell.set()

    def arrived(self, server: str, user: str, room: str) -> None:
        """This server's first connection of `user` to `room`."""
        place = (server, user, room)
        self._own.arrived(place)
        self._all.come(self._name, [place])
        self._to_tell.set()

    def left(self, server: str, user: str, room: str) -> None:
        """This server's last connection of `user` to `room` is gone."""
        place = (server, user, room)
        self._own.left(place)
        self._all.go(self._name, [place])
        self._to_tell.set()

    async def aclose(self) -> None:
        """End the tasks and let go of Redis, unless another hub is still attached."""
        if not self._all.listeners:
            await self._close()

    async def _close(self) -> None:
        if self._closing:
            return
        self._closing = True
        self._to_tell.set()
        telling = [task for task in self._tasks if task.get_name() == "redis-tell"]
        if telling:
            await asyncio.wait(telling, timeout=CLOSE_S)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._client.aclose()

    async def _open(self, tasks: asyncio.TaskGroup) -> None:
        await check(self._client, self._url)
        try:
            async with asyncio.timeout(SOCKET_S):
                await self._beat()
        except OUTAGE:  # it has just answered; the tasks will try again
            logger.warning("Redis went away at the start; trying again")
        self._tasks = [
            tasks.create_task(self._logs.run(), name="redis-read"),
            tasks.create_task(self._tell(), name="redis-tell"),
            tasks.create_task(self._hear(), name="redis-hear"),
        ]

    # Telling

    async def _tell(self) -> None:
        loop = asyncio.get_running_loop()
        backoff = Backoff()
        beat_at = loop.time() + BEAT_S
        while True:
            self._to_tell.clear()
            try:
                async with asyncio.timeout(SOCKET_S):
                    if self._closing:
                        await self._say_bye()
                        return
                    if self._own.changed or not self._stored:
                        await self._publish_roster()
                    await self._publish_signals()
                    if loop.time() >= beat_at:
                        await self._beat()
                        beat_at = loop.time() + BEAT_S
                    elif self._all.stale:
                        await self._read_rosters()
                backoff.reset()
            except OUTAGE as error:
                logger.debug("Redis is away: %s", error)
                self._stored = False
                self._signals.clear()
                if self._closing:
                    return
                await backoff.pause()
                continue
            try:
                async with asyncio.timeout_at(beat_at):
                    await self._to_tell.wait()
            except TimeoutError:
                pass

    async def _beat(self) -> None:
        """Renew our roster, and see whether those of the others are as we know them."""
        await self._logs.follow_epoch()
        await self._publish_roster()
        names: Any = await self._client.smembers(self._buses_key)
        others = sorted({name.decode() for name in names} - {self._name})
        async with self._client.pipeline(transaction=False) as pipe:
            for other in others:
                pipe.hget(self._roster_key(other), _VERSION.decode())
            versions: Any = await pipe.execute()
        alive = {
            other: int(version)
            for other, version in zip(others, versions, strict=True)
            if version is not None
        }
        dead = [other for other in others if other not in alive]
        if dead:
            await self._client.srem(self._buses_key, *dead)
        self._all.survey(alive)
        await self._read_rosters()

    async def _read_rosters(self) -> None:
        for other in tuple(self._all.stale):
            fields: Any = await self._client.hgetall(self._roster_key(other))
            version = fields.pop(_VERSION, None)
            if version is None:
                self._all.forget(other)
            else:
                self._all.replace(other, int(version), [_place.decode(place) for place in fields])

    async def _publish_roster(self) -> None:
        if self._stored:
            change = self._own.change()
            self._stored = False  # until Redis says so: an answer may be lost
            places = [_encoder.encode(place) for place in (*change.came, *change.went)]
            self._stored = bool(
                await self._change(
                    [self._roster_key(self._name), self._buses_key],
                    [
                        self._name,
                        change.before,
                        change.after,
                        int(ROSTER_S * 1000),
                        self._channel,
                        _encoder.encode(change),
                        len(change.came),
                        *places,
                    ],
                )
            )
        if not self._stored:
            await self._publish_all()

    async def _publish_all(self) -> None:
        key = self._roster_key(self._name)
        change = self._own.begin()
        fields: dict[Any, Any] = {_encoder.encode(place): "" for place in self._own.places}
        async with self._client.pipeline(transaction=True) as pipe:
            pipe.delete(key)
            pipe.hset(key, mapping={_VERSION: change.after, **fields})
            pipe.pexpire(key, int(ROSTER_S * 1000))
            pipe.sadd(self._buses_key, self._name)
            pipe.expire(self._buses_key, BUSES_S)
            pipe.publish(self._channel, _encoder.encode(change))
            await pipe.execute()
        self._stored = True

    async def _publish_signals(self) -> None:
        if not self._signals:
            return
        async with self._client.pipeline(transaction=False) as pipe:
            while self._signals:
                pipe.publish(self._channel, _encoder.encode(self._signals.popleft()))
            await pipe.execute()

    async def _say_bye(self) -> None:
        async with self._client.pipeline(transaction=True) as pipe:
            pipe.delete(self._roster_key(self._name))
            pipe.srem(self._buses_key, self._name)
            pipe.publish(self._channel, _encoder.encode(Bye(self._name)))
            await pipe.execute()

    def _roster_key(self, bus: str) -> str:
        return f"{self._prefix}:roster:{bus}"

    # Hearing

    async def _hear(self) -> None:
        loop = asyncio.get_running_loop()
        backoff = Backoff()
        while True:
            try:
                async with self._client.pubsub(ignore_subscribe_messages=True) as channel:
                    async with asyncio.timeout(SOCKET_S):
                        await channel.subscribe(self._channel)
                    heard_at = loop.time()
                    while loop.time() < heard_at + SILENCE_S:
                        message: Any = await channel.get_message(timeout=SILENCE_S)
                        if message is not None:
                            heard_at = loop.time()
                            backoff.reset()
                            self._heed(message["data"])
                raise RedisConnectionError("nothing heard for too long")
            except OUTAGE as error:
                logger.debug("Redis is away: %s", error)
                await backoff.pause()

    def _heed(self, data: bytes) -> None:
        try:
            news = _news.decode(data)
        except msgspec.DecodeError as error:
            logger.warning("Something else publishes on %s: %s", self._channel, error)
            return
        if news.bus == self._name:
            return
        match news:
            case Signal():
                notice = events.envelope(news.event, news.recipient)
                for listener in tuple(self._all.listeners.values()):
                    listener.on_signal(news.room, notice)
            case Change():
                self._all.hear(news)
                if self._all.stale:
                    self._to_tell.set()
            case Bye():
                self._all.forget(news.bus)


@asynccontextmanager
async def redis_bus(
    url: str, *, retain_entries: int = RETAIN_ENTRIES, prefix: str = PREFIX
) -> AsyncIterator[RedisBus]:
    """A bus over the Redis at `url`, with its tasks, for the time of a block.

    `aclose` ends the tasks earlier, when the last hub has been detached.

    Args:
        url: `redis://[USER:PASSWORD@]HOST:PORT/DATABASE`, `rediss://…` or `unix://…`.
        retain_entries: how many entries each room's log keeps.
        prefix: what the names of its keys begin with; another prefix, another conversation.

    Raises:
        LabError: if Redis cannot be reached there.
    """
    bus = RedisBus(url, retain_entries=retain_entries, prefix=prefix)
    failure: Exception | None = None
    try:
        async with asyncio.TaskGroup() as tasks:
            try:
                await bus._open(tasks)
                yield bus
            except Exception as raised:  # noqa: BLE001 - raised below; the group would wrap it
                failure = raised
            finally:
                await bus._close()
    finally:
        await bus._client.aclose()
    if failure is not None:
        raise failure
