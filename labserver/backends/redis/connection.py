"""Connecting to Redis, and what happens while it cannot be reached.

redis-py's own retries are off, because a retry has to know what it repeats: a reader goes on from
its mirror, and a write carries a nonce by which Redis recognizes it.
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
ANSWER_S = 3.0  # how long a sender waits while Redis is down; a restart takes about a second
SOCKET_S = 5.0  # silence after which a connection is given up; longer than any blocking read
CONNECTIONS_MAX = 32  # two for the blocking reads, the others for everything else
BACKOFF_MIN_S, BACKOFF_MAX_S = 0.05, 1.0

OUTAGE = (RedisError, OSError, TimeoutError)  # what a call raises while Redis cannot be reached

logger = logging.getLogger("labserver")

T = TypeVar("T")
Client = Redis  # its answers are bytes


def connect(url: str) -> Client:
    """Return a client for the Redis at `url`; it connects when it is first used.

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
            # Callers have timeouts of their own. With this one, redis-py would write under
            # asyncio.wait_for, which now and then loses a cancellation before Python 3.12.
            socket_timeout=None,
            socket_connect_timeout=SOCKET_S,
            socket_keepalive=True,
            driver_info=None,  # it would be read from the disk, and sent with each connection
        )
    except ValueError as error:
        raise LabError(
            f"{shown(url)} is not the address of a Redis ({error}):"
            " write it as redis://HOST:6379/0."
        ) from None
    return Redis.from_pool(pool)


def shown(url: str) -> str:
    """Return `url` without the password."""
    before, at, after = url.rpartition("@")
    return f"{before.partition('://')[0]}://…@{after}" if at else url


async def check(client: Client, url: str) -> None:
    """Check that Redis answers.

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
            " give the address of one that is running."
        ) from error


class Backoff:
    """Pauses between attempts, each up to twice as long as the last, with full jitter."""

    def __init__(self) -> None:
        self._longest_s = BACKOFF_MIN_S

    def reset(self) -> None:
        """Start again with short pauses, because an attempt has succeeded."""
        self._longest_s = BACKOFF_MIN_S

    async def pause(self) -> None:
        """Wait before the next attempt."""
        pause_s = random.uniform(BACKOFF_MIN_S / 2, self._longest_s)
        self._longest_s = min(self._longest_s * 2, BACKOFF_MAX_S)
        await asyncio.sleep(pause_s)


async def insist(call: Callable[[], Awaitable[T]]) -> T:
    """Return the result of `call`, which is repeated while Redis cannot be reached.

    Args:
        call: may be made again although it was carried out the first time.

    Raises:
        Refused: `store_unavailable` (503) after `ANSWER_S`, or at once if Redis reports an error.
    """
    backoff = Backoff()
    try:
        async with asyncio.timeout(ANSWER_S):
            while True:
                try:
                    return await call()
                except ResponseError as error:
                    logger.error("Redis reports an error: %s", error)
                    raise unavailable() from error
                except OUTAGE as error:
                    logger.debug("Redis cannot be reached: %s", error)
                await backoff.pause()
    except TimeoutError:
        raise unavailable() from None


def unavailable() -> Refused:
    """Return the answer to what needs Redis while it cannot be reached."""
    return Refused(
        503,
        "store_unavailable",
        "The message store does not answer; send the message again, with the same id, in a few"
        " seconds.",
        retry_after_s=BACKOFF_MAX_S,
    )
