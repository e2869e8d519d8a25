"""The parts of a server, put together: socket, hub, guard, relay.

What a kernel's server (server.py) and a process of its own (serve.py) have in common.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing

from labserver.backends.memory import MemoryBus
from labserver.backends.sqlite import IN_MEMORY, SqliteMailbox
from labserver.chat.guard import Guard
from labserver.chat.hosts import Hosts
from labserver.chat.hub import Hub
from labserver.chat.origins import Origins
from labserver.chat.tickets import Tickets
from labserver.chat.tokens import Tokens
from labserver.clock import SystemClock
from labserver.errors import LabError
from labserver.network.link import Link
from labserver.runtime.relay import Relay, relay
from labserver.wire.tape import Tape

LOOPBACK = "127.0.0.1"

BACKLOG = 1024  # connections that may wait to be accepted, as after an outage

clock = SystemClock()

Serve = Callable[[socket.socket], AbstractAsyncContextManager[None]]


def bind(host: str, port: int) -> socket.socket:
    """A listening TCP socket.

    Raises:
        LabError: if the port is busy or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With protocol 0 asyncio leaves Nagle's algorithm on, and each answer takes 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # on Windows it would let two servers share the port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        raise LabError(
            f"Cannot listen on {host} port {port} ({error}): use port=0 for a free one."
        ) from error
    listening.setblocking(False)
    return listening


def url_of(listening: socket.socket, secure: bool = False) -> str:
    """The URL under which this machine reaches a listening socket, over TLS or without."""
    scheme = "https" if secure else "http"
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = LOOPBACK
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def make_guard(
    tokens: Tokens, allowed_origins: Iterable[str] | None, allowed_hosts: Iterable[str]
) -> Guard:
    """Who may take part: the wiring of chat/guard.py."""
    origins = Origins() if allowed_origins is None else Origins(allowed_origins)
    return Guard(tokens, Tickets(clock), origins, Hosts(allowed_hosts))


def make_hub(store: str | os.PathLike[str] | None = None) -> Hub:
    """A hub with the embedded backends."""
    path = IN_MEMORY if store is None else os.fspath(store)
    return Hub(bus=MemoryBus(), mailbox=SqliteMailbox(path), clock=clock)


def redis_hub(url: str) -> AbstractAsyncContextManager[Hub]:
    """An open hub that shares conversation and mailbox with all others on the Redis at `url`.

    Raises:
        LabError: on entering, if Redis cannot be reached there.
    """
    # Here, for the import would hold up the loop.
    from labserver.backends.redis import RedisMailbox, redis_bus

    @asynccontextmanager
    async def opened() -> AsyncIterator[Hub]:
        async with (
            redis_bus(url) as bus,
            open_hub(Hub(bus=bus, mailbox=RedisMailbox(url), clock=clock)) as hub,
        ):
            yield hub

    return opened()


@asynccontextmanager
async def open_hub(hub: Hub) -> AsyncIterator[Hub]:
    """Open a hub and call its `tick` when it is due; on leaving, close it."""
    loop = asyncio.get_running_loop()
    armed: asyncio.TimerHandle | None = None

    def arm(deadline: float) -> None:
        nonlocal armed
        at = loop.time() + max(0.0, deadline - hub.clock.monotonic())
        if armed is None or at < armed.when():
            if armed is not None:
                armed.cancel()
            armed = loop.call_at(at, fire)

    def fire() -> None:
        nonlocal armed
        armed = None
        hub.tick()

    hub.on_deadline = arm
    await hub.open()
    try:
        yield hub
    finally:
        if armed is not None:
            armed.cancel()
        await hub.aclose()


def in_front(
    serve: Serve, listening: socket.socket, record: bool, link: Link | None
) -> AbstractAsyncContextManager[Relay | None]:
    """Serve on a bound socket, behind a relay or without one.

    Args:
        serve: a technique's, with what it serves.
        listening: where clients connect.
        record: whether there is a relay.
        link: the network that it plays.
    """
    if record:
        return _relayed(serve, listening, bind(LOOPBACK, 0), link or Link())
    return _direct(serve, listening)


@asynccontextmanager
async def _direct(serve: Serve, listening: socket.socket) -> AsyncIterator[None]:
    async with serve(listening):
        yield


@asynccontextmanager
async def _relayed(
    serve: Serve, listening: socket.socket, behind: socket.socket, link: Link
) -> AsyncIterator[Relay]:
    port = behind.getsockname()[1]
    with closing(behind):
        # The server ends first, so that its good-byes still pass.
        async with relay(listening, port, link=link, tape=Tape()) as passing, serve(behind):
            yield passing
