"""The way to Redis: its address, and what happens while it cannot be reached.

redis-py's own retries are off, because a retry must know what it repeats: a reader goes on
from its mirror, and a write carries a nonce by which Redis knows it again.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from labserver.errors import LabError, Refused

PREFIX = "labserver"
ANSWER_S = 3.0  # how long a sender waits for a Redis that is away; a restart takes about one
SOCKET_S = 5.0  # silence after which a connection is given up; longer than any blocking read
CONNECTIONS_MAX = 32  # two for the blocking reads, the others for what is sent meanwhile
BACKOFF_MIN_S, BACKOFF_MAX_S = 0.05, 1.0

OUTAGE = (RedisError, OSError, TimeoutError)  # what a call raises when Redis is away

logger = logging.getLogger("labserver")

T = TypeVar("T")
Client = Redis  # its answers are bytes


def connect(url: str) -> Client:
    """A client for the Redis at `url`; it connects when it is first used.

    Raises:
        LabError: if `url` is not the address of a Redis.
    """
    try:
        pool: Any = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS_MAX,
            timeout=ANSWER_S,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            # Callers set their own time: with this, redis-py writes under asyncio.wait_for, which
            # before Python 3.12 loses a cancellation now and then.
            socket_timeout=None,
            socket_connect_timeout=SOCKET_S,
            socket_keepalive=True,
            driver_info=None,  # it would be read from the disk, and told at each connection
        )
    except ValueError as error:
        raise LabError(
            f"{shown(url)} is not the address of a Redis ({error}):"
            " write it as redis://HOST:6379/0."
        ) from None
    return Redis.from_pool(pool)


def shown(url: str) -> str:
    """`url` without the password."""
    before, at, after = url.rpartition("@")
    return f"{before.partition('://')[0]}://…@{after}" if at else url


async def check(client: Client, url: str) -> None:
    """See to it that Redis answers.

    Raises:
        LabError: if it does not.
    """
    try:
        async with asyncio.timeout(SOCKET_S):
            await client.ping()
    except OUTAGE as error:
        host = urlsplit(url).hostname or "this machine"
        cause = str(error) or "no answer"
        raise LabError(
            f"Redis at {shown(url)} cannot be used ({cause}): start redis-server on {host}, or"
            " give the address of one that runs."
        ) from error


class Backoff:
    """Pauses between attempts: each about twice the last, with full jitter."""

    def __init__(self) -> None:
        self._longest_s = BACKOFF_MIN_S

    def reset(self) -> None:
        """An attempt succeeded."""
        self._longest_s = BACKOFF_MIN_S

    async def pause(self) -> None:
        """Wait for the next attempt."""
        pause_s = random.uniform(BACKOFF_MIN_S / 2, self._longest_s)
        self._longest_s = min(self._longest_s * 2, BACKOFF_MAX_S)
        await asyncio.sleep(pause_s)


async def insist(call: Callable[[], Awaitable[T]]) -> T:
    """The result of `call`, which is made again while Redis is away.

    Args:
        call: may be made twice although it was carried out the first time.

    Raises:
        Refused: `store_unavailable` (503) after `ANSWER_S`, or at once where Redis says no.
    """
    backoff = Backoff()
    try:
        async with asyncio.timeout(ANSWER_S):
            while True:
                try:
                    return await call()
                except ResponseError as error:
                    logger.error("Redis refuses: %s", error)
                    raise unavailable() from error
                except OUTAGE as error:
                    logger.debug("Redis is away: %s", error)
                await backoff.pause()
    except TimeoutError:
        raise unavailable() from None


def unavailable() -> Refused:
    """What is answered while Redis is away."""
    return Refused(
        503,
        "store_unavailable",
        "The message store does not answer; send the message again, with the same id, in a few"
        " seconds.",
        retry_after_s=BACKOFF_MAX_S,
    )
