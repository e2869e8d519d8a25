"""Servers in the kernel: start, replace, stop, and the handle that a notebook holds.

The one place where everything is wired together: hub, bus, mailbox, guard, technique.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from weakref import WeakSet

from labserver.backends.memory import MemoryBus
from labserver.backends.sqlite import IN_MEMORY, SqliteMailbox
from labserver.chat.auth import Guard, Hosts, Origins, Tickets, Tokens, new_secret
from labserver.chat.hub import Hub
from labserver.chat.names import check_name
from labserver.clock import SystemClock
from labserver.errors import LabError
from labserver.runtime.client import Client
from labserver.runtime.loop import Held, lab_loop
from labserver.techniques import load
from labserver.techniques.client import ChatClient
from labserver.techniques.interface import Address, Chat

LOOPBACK = "127.0.0.1"
BACKLOG = 1024  # connections that may wait to be accepted, as after an outage
STOP_TIMEOUT_S = 3.0

kernel_secret = new_secret()
clock = SystemClock()


class Server:
    """A running server, as a notebook holds it.

    Attributes:
        name: under which it is registered; starting another of that name replaces it.
        technique: how it travels.
        url: `http://HOST:PORT`.
        port: its TCP port.
        pid: the process it runs in.
    """

    def __init__(
        self,
        *,
        name: str,
        technique: str,
        url: str,
        tokens: Tokens,
        hub: Hub | None,
        end: Callable[[], None],
        widget: Callable[[Client, str], Any],
        pid: int | None = None,
        failure: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.name = name
        self.technique = technique
        self.url = url
        self.port = int(url.rpartition(":")[2])
        self.pid = os.getpid() if pid is None else pid
        self._stopped = False
        self._failure = failure  # how it ended, if it did so by itself
        self._tokens = tokens
        self._hub = hub
        self._end = end
        self._widget = widget
        self._clients: WeakSet[Client] = WeakSet()

    @property
    def running(self) -> bool:
        """Whether it serves: it was neither stopped nor did its process end."""
        return not self._stopped and self._failure() is None

    @property
    def hub(self) -> Hub:
        """The conversation; give it to another `start` to have it over two techniques.

        Raises:
            LabError: if the server runs in a process of its own, and its hub with it.
        """
        if self._hub is None:
            raise LabError("Its hub is in another process: start the server without process=True.")
        return self._hub

    def token(self, user: str, ttl_s: float = 3600.0) -> str:
        """A JWT for `user`, valid for `ttl_s` seconds."""
        return self._tokens.issue(user, ttl_s)

    def client(self, user: str, room: str = "lobby", *, after: str | None = None) -> Client:
        """Connect a client, whatever the technique.

        Args:
            user: its name.
            room: where it goes.
            after: the cursor to resume from; None: from now on.

        Raises:
            Refused: if the server will not have it.
            NotConnected: if it cannot be reached.
        """
        if self._stopped:
            raise LabError(f"The server {self.name!r} is stopped: run the cell that starts it.")
        if failure := self._failure():
            raise LabError(f"The server {self.name!r} {failure}; run the cell that starts it.")
        address = Address(
            self.url, self.token(user), check_name(room, "room"), secrets.token_hex(4)
        )
        wire = load(self.technique).wire(address)
        client = Client(lab_loop, ChatClient(wire, user=user, room=room, cursor=after))
        self._clients.add(client)
        return client

    def chat(self, user: str, room: str = "lobby") -> Any:
        """The chat as a widget: `server.chat("alice")` as a cell's last line shows it."""
        return self._widget(self.client(user, room), self.technique)

    def stop(self) -> None:
        """Close its clients and connections, and free its port; twice does no harm."""
        if self._stopped:
            return
        self._stopped = True
        if _servers.get(self.name) is self:
            del _servers[self.name]
        for client in tuple(self._clients):
            client.close()
        self._end()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "stopped" if self._stopped else self._failure()
        return f"<{self.technique} server {self.url}{f', {state}' if state else ''}>"


_servers: dict[str, Server] = {}
_hosts: dict[Hub, _Host] = {}


class _Host:
    """Keeps a hub open while servers use it."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.users = 0
        self._held: Held[Hub] = lab_loop.hold(open_hub(hub))

    def release(self) -> None:
        """One server less; with the last one the hub closes."""
        self.users -= 1
        if not self.users:
            del _hosts[self.hub]
            self._held.leave(STOP_TIMEOUT_S)


def start(
    technique: str,
    *,
    hub: Hub | None = None,
    port: int = 0,
    host: str = LOOPBACK,
    name: str | None = None,
    allowed_origins: Iterable[str] | None = None,
    allowed_hosts: Iterable[str] = (),
    secret: str | None = None,
    store: str | os.PathLike[str] | None = None,
    widget: Callable[[Client, str], Any],
) -> Server:
    """Start a server in this kernel; one of the same name is replaced.

    Args:
        technique: short_polling, long_polling, sse, websocket or webrtc.
        hub: another server's, to share its conversation; None: a new one.
        port: TCP port; 0: a free one.
        host: the address to listen on.
        name: for the register; the technique's by default.
        allowed_origins: patterns such as `https://*.example.com`, beside the server's own;
            None: loopback origins.
        allowed_hosts: Host headers that are served, beside loopback and `host`.
        secret: signs the tokens; None: the kernel's own.
        store: the SQLite file for direct messages; None: in memory.
        widget: makes the chat widget of a client.

    Raises:
        LabError: if there is no such technique, or the port is busy.
    """
    module = load(technique)
    name = name or technique
    tokens = Tokens(secret or kernel_secret, clock)
    host_of_hub = _host(hub, store)  # before the old server lets go of a hub they may share
    try:
        clear(name)
        listening = bind(host, port)
        guard = make_guard(tokens, allowed_origins, [*allowed_hosts, host])
        held = lab_loop.hold(module.serve(Chat(host_of_hub.hub, guard), listening))
    except BaseException:
        host_of_hub.release()
        raise

    def end() -> None:
        try:
            held.leave(STOP_TIMEOUT_S)
        finally:
            listening.close()
            host_of_hub.release()

    return register(
        Server(
            name=name,
            technique=technique,
            url=url_of(listening),
            tokens=tokens,
            hub=host_of_hub.hub,
            end=end,
            widget=widget,
        )
    )


def clear(name: str) -> None:
    """Stop the server that is registered under `name`, if there is one."""
    if name in _servers:
        _servers[name].stop()


def register(server: Server) -> Server:
    """Enter `server` under its name, from where `clear` and `stop_all` will stop it."""
    _servers[server.name] = server
    return server


def stop_all() -> None:
    """Stop every server of this kernel, and the loop they ran on."""
    for server in tuple(_servers.values()):
        server.stop()
    lab_loop.stop()


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


def url_of(listening: socket.socket) -> str:
    """The URL under which this machine reaches a listening socket."""
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = LOOPBACK
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def make_guard(
    tokens: Tokens, allowed_origins: Iterable[str] | None, allowed_hosts: Iterable[str]
) -> Guard:
    """Who may take part: the wiring of chat/auth."""
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


def _host(hub: Hub | None, store: str | os.PathLike[str] | None) -> _Host:
    if hub is None:
        hub = make_hub(store)
        _hosts[hub] = _Host(hub)
    elif hub not in _hosts:
        raise LabError("That hub is closed, its last server was stopped: start without hub=.")
    host = _hosts[hub]
    host.users += 1
    return host


atexit.register(stop_all)
