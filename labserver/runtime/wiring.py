"""The parts of a server, put together: socket, hub, guard, relay.

What a server in the kernel (server.py) and one in a process of its own (serve.py) have in common.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass

from labserver.backends.memory_bus import MemoryBus
from labserver.backends.sqlite_mailbox import IN_MEMORY, SqliteMailbox
from labserver.chat.guard import Guard
from labserver.chat.hosts import Hosts
from labserver.chat.hub import Hub
from labserver.chat.origins import Origins
from labserver.chat.tickets import Tickets
from labserver.chat.tokens import Tokens
from labserver.clock import SystemClock
from labserver.errors import LabError
from labserver.network.link import Link
from labserver.runtime.config import ServerConfig
from labserver.runtime.relay import Relay, run_relay
from labserver.runtime.tls import load_certificate
from labserver.techniques import load
from labserver.techniques.transport.interface import Chat, Technique
from labserver.wire.tape import Tape

LOOPBACK = "127.0.0.1"

BACKLOG = 1024  # connections that may wait to be accepted, for example after an outage

clock = SystemClock()

Serve = Callable[[socket.socket], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True)
class Service:
    """What a configuration asks for, checked and put together; see `service_for`.

    Attributes:
        config: the configuration.
        technique: its technique.
        tokens: issues the tokens that `guard` accepts.
        guard: who may take part.
        tls: what the server proves itself with; None for plain TCP.
    """

    config: ServerConfig
    technique: Technique
    tokens: Tokens
    guard: Guard
    tls: ssl.SSLContext | None

    def serve(self, hub: Hub, listening: socket.socket) -> AbstractAsyncContextManager[None]:
        """Serve a hub's conversation on a bound socket, for the length of a block."""
        chat = Chat(hub, self.guard, self.tls, self.config.http2)
        return self.technique.serve(chat, listening)


def service_for(config: ServerConfig, tls: ssl.SSLContext | None = None) -> Service:
    """Check a configuration, and put together everything but hub and socket.

    Args:
        config: the configuration, its secret included.
        tls: what the server proves itself with, unless the configuration names a certificate.

    Raises:
        LabError: if there is no such technique, an origin's pattern is malformed, the secret is
            too short, or the certificate cannot be read.
    """
    technique = load(config.technique, http2=config.http2)
    if config.certificate is not None:
        tls = load_certificate(config.certificate)
    tokens = Tokens(config.secret or "", clock)
    guard = make_guard(tokens, config.allowed_origins, config.hosts)
    return Service(config, technique, tokens, guard, tls)


def hub_for(config: ServerConfig) -> AbstractAsyncContextManager[Hub]:
    """Return the hub that a configuration asks for, open for the length of a block.

    Raises:
        LabError: if the store cannot be used; on entering, if Redis cannot be reached.
    """
    if config.redis is not None:
        return redis_hub(config.redis)
    return open_hub(make_hub(config.store))


def bind(host: str, port: int) -> socket.socket:
    """Return a listening, non-blocking TCP socket.

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
            f"Cannot listen on {host} port {port} ({error}): use port 0 for a free one."
        ) from error
    listening.setblocking(False)
    return listening


def url_of(listening: socket.socket, secure: bool = False) -> str:
    """Return the URL under which this machine reaches a listening socket.

    Args:
        listening: the socket.
        secure: whether it is served over TLS.
    """
    scheme = "https" if secure else "http"
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = LOOPBACK
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def make_guard(
    tokens: Tokens, allowed_origins: Iterable[str] | None, allowed_hosts: Iterable[str]
) -> Guard:
    """Return what decides who may take part.

    Args:
        tokens: verifies them.
        allowed_origins: patterns of the origins that pages may come from; None for loopback.
        allowed_hosts: Host headers that are served, besides loopback.

    Raises:
        LabError: if a pattern is malformed.
    """
    origins = Origins() if allowed_origins is None else Origins(allowed_origins)
    return Guard(tokens, Tickets(clock), origins, Hosts(allowed_hosts))


def make_hub(store: str | os.PathLike[str] | None = None) -> Hub:
    """Return a hub with the embedded backends, not open yet.

    Args:
        store: the SQLite file for direct messages; None to keep them in memory.
    """
    path = IN_MEMORY if store is None else os.fspath(store)
    return Hub(bus=MemoryBus(), mailbox=SqliteMailbox(path), clock=clock)


def redis_hub(url: str) -> AbstractAsyncContextManager[Hub]:
    """Return a hub that shares conversation and mailbox with all others on the Redis at `url`.

    Raises:
        LabError: on entering, if Redis cannot be reached there.
    """
    # Imported here and not on entering, because an import would hold up the loop.
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
    """Keep a hub open for the length of a block, and call its `tick` whenever it is due."""
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


def serve_through_relay(
    serve: Serve, listening: socket.socket, record: bool, link: Link | None
) -> AbstractAsyncContextManager[Relay | None]:
    """Serve on a bound socket for the length of a block, behind a relay or without one.

    Args:
        serve: serves on the socket that it is given.
        listening: where clients connect.
        record: whether there is a relay.
        link: the network that the relay plays; None for a perfect one.
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
        async with run_relay(listening, port, link=link, tape=Tape()) as relay, serve(behind):
            yield relay
