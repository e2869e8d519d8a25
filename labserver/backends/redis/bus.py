"""The bus over Redis: several servers, on several machines, one conversation.

`redis_bus` owns three tasks, and with them every connection:

    logs.run     one blocking XREAD over the streams of all rooms that are open here
    _publish     what the others are told: notices, arrivals and departures, the beat
    _subscribe   what the others publish

What is published may be lost, so nothing depends on it alone: a beat every `BEAT_S` renews this
bus's roster in Redis, and compares the versions of the others' rosters. While Redis cannot be
reached nobody is considered to have left, and hubs within this process still reach each other.
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
from labserver.backends.redis.roster import Bye, Change, News, Notice, OwnRoster, Rosters
from labserver.chat import events
from labserver.chat.events import Envelope, Event
from labserver.chat.interfaces import BusListener, Kept
from labserver.chat.log import RETAIN_ENTRIES, RoomLog

BEAT_S = 1.5
ROSTER_S = 4.5  # three beats were missed: the server is gone; noticed within 6 s
SILENCE_S = 6.0  # without even our own beats, the connection is dead
CLOSE_S = 1.0  # the end does not wait for Redis to come back; the roster expires by itself
NOTICES_MAX = 1_000  # the oldest are dropped: an old typing notice is worth nothing
BUSES_S = 24 * 3600  # so that nothing is left in a Redis that nobody uses any more

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
        prefix: what the names of its keys begin with; each prefix is a conversation of its own.

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
        self._rosters = Rosters()
        self._notices: deque[Notice] = deque(maxlen=NOTICES_MAX)
        self._to_publish = asyncio.Event()
        self._closing = False
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def epoch(self) -> str:
        """The epoch of the logs, which is the same on all servers."""
        return self._logs.epoch

    async def attach(self, server: str, listener: BusListener) -> None:
        """Notify `listener` of the news of all other servers from now on."""
        self._rosters.attach(server, listener)

    async def detach(self, server: str) -> None:
        """Stop notifying a server's listener, and tell the others that its users have left."""
        self._rosters.listeners.pop(server, None)
        for _, user, room in self._rosters.places_of(server, self._name):
            self.left(server, user, room)

    async def log(self, room: str) -> RoomLog:
        """Return the room's log, loaded, and kept up to date from now on.

        Raises:
            Refused: `store_unavailable` (503) if Redis cannot be reached for some seconds.
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
        that another server has already placed in the log is not fresh.

        Raises:
            Refused: `store_unavailable` (503) if Redis cannot be reached for some seconds. The
                entry may have been kept; append it again with the same key to find out.
        """
        if self._closing:
            raise unavailable()
        return await self._logs.append(room, event, recipient, mail, key)

    def notify(self, server: str, room: str, notice: Envelope) -> None:
        """Pass on an event that is not kept; it is lost if Redis is down or too slow."""
        for name, listener in self._rosters.listeners.items():
            if name != server:
                listener.on_notice(room, notice)
        self._notices.append(Notice(self._name, room, notice.event, notice.recipient))
        self._to_publish.set()

    def arrived(self, server: str, user: str, room: str) -> None:
        """Tell the others of this server's first connection of `user` to `room`."""
        place = (server, user, room)
        self._own.arrived(place)
        self._rosters.add(self._name, [place])
        self._to_publish.set()

    def left(self, server: str, user: str, room: str) -> None:
        """Tell the others that this server's last connection of `user` to `room` is gone."""
        place = (server, user, room)
        self._own.left(place)
        self._rosters.remove(self._name, [place])
        self._to_publish.set()

    async def aclose(self) -> None:
        """End the tasks and leave Redis, unless another hub is still attached."""
        if not self._rosters.listeners:
            await self._close()

    async def _close(self) -> None:
        if self._closing:
            return
        self._closing = True
        self._to_publish.set()
        publishing = [task for task in self._tasks if task.get_name() == "redis-publish"]
        if publishing:
            await asyncio.wait(publishing, timeout=CLOSE_S)
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
        except OUTAGE:  # it answered a moment ago; the tasks will try again
            logger.warning("Redis was lost right after the start; trying again")
        self._tasks = [
            tasks.create_task(self._logs.run(), name="redis-read"),
            tasks.create_task(self._publish(), name="redis-publish"),
            tasks.create_task(self._subscribe(), name="redis-subscribe"),
        ]

    # Publishing

    async def _publish(self) -> None:
        loop = asyncio.get_running_loop()
        backoff = Backoff()
        beat_at = loop.time() + BEAT_S
        while True:
            self._to_publish.clear()
            try:
                async with asyncio.timeout(SOCKET_S):
                    if self._closing:
                        await self._say_bye()
                        return
                    if self._own.changed or not self._stored:
                        await self._publish_roster()
                    await self._publish_notices()
                    if loop.time() >= beat_at:
                        await self._beat()
                        beat_at = loop.time() + BEAT_S
                    elif self._rosters.stale:
                        await self._read_rosters()
                backoff.reset()
            except OUTAGE as error:
                logger.debug("Redis cannot be reached: %s", error)
                self._stored = False
                self._notices.clear()
                if self._closing:
                    return
                await backoff.pause()
                continue
            try:
                async with asyncio.timeout_at(beat_at):
                    await self._to_publish.wait()
            except TimeoutError:
                pass

    async def _beat(self) -> None:
        """Renew our roster, and check whether those of the others are as we know them."""
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
        self._rosters.compare(alive)
        await self._read_rosters()

    async def _read_rosters(self) -> None:
        for other in tuple(self._rosters.stale):
            fields: Any = await self._client.hgetall(self._roster_key(other))
            version = fields.pop(_VERSION, None)
            if version is None:
                self._rosters.forget(other)
            else:
                self._rosters.replace(
                    other, int(version), [_place.decode(place) for place in fields]
                )

    async def _publish_roster(self) -> None:
        if self._stored:
            change = self._own.change()
            self._stored = False  # until Redis has answered: an answer may be lost
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

    async def _publish_notices(self) -> None:
        if not self._notices:
            return
        async with self._client.pipeline(transaction=False) as pipe:
            while self._notices:
                pipe.publish(self._channel, _encoder.encode(self._notices.popleft()))
            await pipe.execute()

    async def _say_bye(self) -> None:
        async with self._client.pipeline(transaction=True) as pipe:
            pipe.delete(self._roster_key(self._name))
            pipe.srem(self._buses_key, self._name)
            pipe.publish(self._channel, _encoder.encode(Bye(self._name)))
            await pipe.execute()

    def _roster_key(self, bus: str) -> str:
        return f"{self._prefix}:roster:{bus}"

    # Subscribing

    async def _subscribe(self) -> None:
        loop = asyncio.get_running_loop()
        backoff = Backoff()
        while True:
            try:
                async with self._client.pubsub(ignore_subscribe_messages=True) as channel:
                    async with asyncio.timeout(SOCKET_S):
                        await channel.subscribe(self._channel)
                    received_at = loop.time()
                    while loop.time() < received_at + SILENCE_S:
                        message: Any = await channel.get_message(timeout=SILENCE_S)
                        if message is not None:
                            received_at = loop.time()
                            backoff.reset()
                            self._take(message["data"])
                raise RedisConnectionError("nothing was received for too long")
            except OUTAGE as error:
                logger.debug("Redis cannot be reached: %s", error)
                await backoff.pause()

    def _take(self, data: bytes) -> None:
        try:
            news = _news.decode(data)
        except msgspec.DecodeError as error:
            logger.warning("Something else publishes to %s: %s", self._channel, error)
            return
        if news.bus == self._name:
            return
        match news:
            case Notice():
                notice = events.envelope(news.event, news.recipient)
                for listener in tuple(self._rosters.listeners.values()):
                    listener.on_notice(news.room, notice)
            case Change():
                self._rosters.apply(news)
                if self._rosters.stale:
                    self._to_publish.set()
            case Bye():
                self._rosters.forget(news.bus)


@asynccontextmanager
async def redis_bus(
    url: str, *, retain_entries: int = RETAIN_ENTRIES, prefix: str = PREFIX
) -> AsyncIterator[RedisBus]:
    """Keep up a bus over the Redis at `url`, with its tasks, for the duration of a block.

    `aclose` ends the tasks earlier, once the last hub has been detached.

    Args:
        url: `redis://[USER:PASSWORD@]HOST:PORT/DATABASE`, `rediss://…` or `unix://…`.
        retain_entries: how many entries each room's log keeps.
        prefix: what the names of its keys begin with; each prefix is a conversation of its own.

    Raises:
        LabError: if Redis cannot be reached.
    """
    bus = RedisBus(url, retain_entries=retain_entries, prefix=prefix)
    failure: Exception | None = None
    try:
        async with asyncio.TaskGroup() as tasks:
            try:
                await bus._open(tasks)
                yield bus
            except Exception as raised:  # noqa: BLE001 - raised below, because the group would wrap it
                failure = raised
            finally:
                await bus._close()
    finally:
        await bus._client.aclose()
    if failure is not None:
        raise failure
