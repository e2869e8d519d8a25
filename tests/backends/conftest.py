"""Every backend in turn, for the suites of what a hub may rely on."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from labserver.backends.memory_bus import MemoryBus
from labserver.backends.redis import RedisMailbox, redis_bus
from labserver.backends.sqlite_mailbox import SqliteMailbox
from labserver.chat.interfaces import Bus, Mailbox
from labserver.chat.log import RETAIN_ENTRIES
from tests.backends.listening import Buses, Mailboxes
from tests.backends.redis_server import RedisServer


@pytest.fixture(scope="session")
def shared_redis(
    redis_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RedisServer]:
    """One redis-server for the tests that do not kill it."""
    with RedisServer.running(redis_server, tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def own_redis(redis_server: str, tmp_path: Path) -> Iterator[RedisServer]:
    """A redis-server that forgets everything when it is killed."""
    with RedisServer.running(redis_server, tmp_path) as server:
        yield server


@pytest.fixture
def lasting_redis(redis_server: str, tmp_path: Path) -> Iterator[RedisServer]:
    """A redis-server that keeps its data when it is killed."""
    with RedisServer.running(redis_server, tmp_path, appendonly=True) as server:
        yield server


@pytest.fixture
def prefix() -> str:
    """The prefix of a conversation of the test's own in the shared Redis."""
    return f"test-{uuid.uuid4().hex}"


@pytest.fixture(
    params=[
        "memory",
        pytest.param("redis, one bus", marks=pytest.mark.redis),
        pytest.param("redis, two buses", marks=pytest.mark.redis),
    ]
)
def buses(request: pytest.FixtureRequest, prefix: str) -> Buses:
    """Opens a bus for each of two servers; both may share one."""
    kind: str = request.param
    url = "" if kind == "memory" else request.getfixturevalue("shared_redis").url

    @asynccontextmanager
    async def open_buses(retain_entries: int = RETAIN_ENTRIES) -> AsyncIterator[tuple[Bus, Bus]]:
        if kind == "memory":
            memory = MemoryBus(retain_entries)
            yield memory, memory
            return
        async with redis_bus(url, retain_entries=retain_entries, prefix=prefix) as one:
            if kind == "redis, one bus":
                yield one, one
                return
            async with redis_bus(url, retain_entries=retain_entries, prefix=prefix) as other:
                yield one, other

    return open_buses


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=pytest.mark.redis)])
def mailbox_address(request: pytest.FixtureRequest, tmp_path: Path, prefix: str) -> list[str]:
    """A kind of mailbox, and its address."""
    if request.param == "sqlite":
        return ["sqlite", str(tmp_path / "mail.db")]
    return ["redis", request.getfixturevalue("shared_redis").url, prefix]


@pytest.fixture
async def mailboxes(mailbox_address: list[str]) -> AsyncIterator[Mailboxes]:
    """Opens the same mailbox each time, as several servers would."""
    opened: list[Mailbox] = []

    async def open_mailbox() -> Mailbox:
        kind, *where = mailbox_address
        opened.append(
            await asyncio.to_thread(SqliteMailbox, *where)
            if kind == "sqlite"
            else RedisMailbox(*where)
        )
        return opened[-1]

    yield open_mailbox
    for mailbox in opened:
        await mailbox.aclose()
