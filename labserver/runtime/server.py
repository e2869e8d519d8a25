"""Servers in the kernel: start, replace, stop, and the handle that a notebook holds.

The one place where everything is wired together: hub, bus, mailbox, guard, technique.
"""

from __future__ import annotations

import atexit
import os
import secrets
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from weakref import WeakSet

from labserver.chat.hub import Hub
from labserver.chat.names import check_name
from labserver.chat.tokens import Tokens, new_secret
from labserver.errors import LabError
from labserver.runtime.client import OPEN_TIMEOUT_S, Client
from labserver.runtime.config import Faces, ServerConfig
from labserver.runtime.loop import Held, lab_loop
from labserver.runtime.relay import Relay
from labserver.runtime.tls import Authority, authority
from labserver.runtime.wiring import (
    bind,
    clock,
    in_front,
    make_guard,
    make_hub,
    open_hub,
    url_of,
)
from labserver.techniques import load
from labserver.techniques.reconnecting_client import ChatClient
from labserver.techniques.transport.interface import Address, Chat
from labserver.wire.tape import Tape

if TYPE_CHECKING:
    from labserver.trace.trace import Trace

STOP_TIMEOUT_S = 3.0

kernel_secret = new_secret()


class Server:
    """A running server, as a notebook holds it.

    Attributes:
        name: under which it is registered; starting another of that name replaces it.
        technique: how it travels.
        url: `http://HOST:PORT`, or `https://…` with tls=True.
        port: its TCP port.
        http2: whether it speaks HTTP/2.
        pid: the process it runs in.
    """

    def __init__(
        self,
        order: ServerConfig,
        *,
        url: str,
        tokens: Tokens,
        hub: Hub | None,
        end: Callable[[], None],
        passing: Relay | None = None,
        pid: int | None = None,
        failure: Callable[[], str | None] = lambda: None,
        authority: Authority | None = None,
    ) -> None:
        self.name = order.registered
        self.technique = order.technique
        self.http2 = order.http2
        self.url = url
        self.port = int(url.rpartition(":")[2])
        self.pid = os.getpid() if pid is None else pid
        self._stopped = False
        self._failure = failure  # how it ended, if it did so by itself
        self._tokens = tokens
        self._hub = hub
        self._end = end
        self._faces = order.faces
        self._passing = passing
        self._authority = authority  # that has signed its certificate, with tls=True
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

    @property
    def ca_pem(self) -> str:
        """The file that others verify the server with, such as `curl --cacert`.

        In Python: `httpx2.Client(verify=ssl.create_default_context(cafile=server.ca_pem))`.

        Raises:
            LabError: if it was started without tls=True.
        """
        if self._authority is None:
            raise LabError("It has no certificate: start it with tls=True.")
        return self._authority.ca_pem

    @property
    def tape(self) -> Tape:
        """Every byte that passed between this server and its clients.

        Raises:
            LabError: if it was started with record=False.
        """
        return self._relay.tape

    @cached_property
    def trace(self) -> Trace:
        """Every message seen on the wire so far; it grows with the tape.

        Raises:
            LabError: if it was started with record=False.
        """
        from labserver.trace.trace import Trace  # it brings a decoder for each technique

        return Trace(self.tape, port=self.port, turn=threading.RLock())

    def cut(self) -> None:
        """Cut every connection, as a pulled cable that both sides notice at once."""
        lab_loop.soon(self._relay.cut)

    def freeze(self) -> None:
        """From now on nothing passes and nobody is told, as when a router dies."""
        lab_loop.soon(self._relay.freeze)

    def thaw(self) -> None:
        """What was held up by `freeze` passes."""
        lab_loop.soon(self._relay.thaw)

    @property
    def _relay(self) -> Relay:
        if self._passing is None:
            raise LabError("There is no relay in front of it: start it without record=False.")
        return self._passing

    def token(self, user: str, ttl_s: float = 3600.0) -> str:
        """A JWT for `user`, valid for `ttl_s` seconds."""
        return self._tokens.issue(user, ttl_s)

    def client(
        self,
        user: str,
        room: str = "lobby",
        *,
        after: str | None = None,
        timeout: float = OPEN_TIMEOUT_S,
    ) -> Client:
        """Connect a client, whatever the technique.

        Args:
            user: its name.
            room: where it goes.
            after: the cursor to resume from; None: from now on.
            timeout: seconds to wait until it is connected.

        Raises:
            Refused: if the server will not have it.
            NotConnected: if it cannot be reached.
        """
        if self._stopped:
            raise LabError(f"The server {self.name!r} is stopped: run the cell that starts it.")
        if failure := self._failure():
            raise LabError(f"The server {self.name!r} {failure}; run the cell that starts it.")
        address = Address(
            self.url,
            self.token(user),
            check_name(room, "room"),
            secrets.token_hex(4),
            http2=self.http2,
        )
        if self._authority is not None:
            address = replace(address, trust=self._authority.trusting())
        connector = load(self.technique).connector(address)
        core = ChatClient(connector, user=user, room=room, cursor=after)
        client = Client(lab_loop, core, timeout=timeout)
        self._clients.add(client)
        return client

    def chat(self, user: str, room: str = "lobby") -> Any:
        """The chat as a widget: `server.chat("alice")` as a cell's last line shows it."""
        return self._shown.chat(self.client(user, room), self.technique)

    def browser(self, user: str, room: str = "lobby") -> Any:
        """The chat with a client that is the browser itself, as a widget; its `log()` is a table.

        Args:
            user: its name.
            room: where it goes.

        Raises:
            LabError: if a browser has no client for the technique.
        """
        return self._shown.browser(self, check_name(user, "user"), check_name(room, "room"))

    def inspector(self) -> Any:
        """Every message as it passes, as a widget; a click shows its bytes and bits.

        Raises:
            LabError: if it was started with record=False.
        """
        return self._shown.inspector(self.trace, self.name)

    @property
    def _shown(self) -> Faces:
        if self._faces is None:
            raise LabError("Start the server with lab.start: it brings the widgets.")
        return self._faces

    def stop(self) -> None:
        """Close its clients and connections, and free its port; twice does no harm."""
        if self._stopped:
            return
        self._stopped = True
        forget(self)
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


class Registered(Protocol):
    """What the register knows of a server."""

    name: str

    def stop(self) -> None:
        """Stop it, and free its port."""


S = TypeVar("S", bound=Registered)

_servers: dict[str, Registered] = {}
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


def start(order: ServerConfig) -> Server:
    """Start a server in this kernel; one of the same name is replaced.

    Raises:
        LabError: if there is no such technique, or the port is busy.
    """
    module = load(order.technique, http2=order.http2)
    signing = authority() if order.tls else None
    proof = None if signing is None else signing.serving(order.hosts)
    tokens = Tokens(order.secret or kernel_secret, clock)
    host_of_hub = _host(order)  # before the old server lets go of a hub they may share
    with ExitStack() as undo:  # whatever goes wrong from here on
        undo.callback(host_of_hub.release)
        clear(order.registered)
        listening = undo.enter_context(closing(bind(order.host, order.port)))
        guard = make_guard(tokens, order.allowed_origins, order.hosts)
        serving = partial(module.serve, Chat(host_of_hub.hub, guard, proof, order.http2))
        held = lab_loop.hold(in_front(serving, listening, order.record, order.link))
        undo.pop_all()

    def end() -> None:
        try:
            held.leave(STOP_TIMEOUT_S)
        finally:
            listening.close()
            host_of_hub.release()

    return register(
        Server(
            order,
            url=url_of(listening, order.tls),
            tokens=tokens,
            hub=host_of_hub.hub,
            end=end,
            passing=held.value,
            authority=signing,
        )
    )


def clear(name: str) -> None:
    """Stop the server that is registered under `name`, if there is one."""
    if name in _servers:
        _servers[name].stop()


def register(server: S) -> S:
    """Enter `server` under its name, from where `clear` and `stop_all` will stop it."""
    _servers[server.name] = server
    return server


def forget(server: Registered) -> None:
    """It has stopped."""
    if _servers.get(server.name) is server:
        del _servers[server.name]


def stop_all() -> None:
    """Stop every server of this kernel, and the loop they ran on."""
    for server in tuple(_servers.values()):
        server.stop()
    lab_loop.stop()


def _host(order: ServerConfig) -> _Host:
    hub = order.hub
    if hub is None:
        hub = make_hub(order.store)
        _hosts[hub] = _Host(hub)
    elif hub not in _hosts:
        raise LabError("That hub is closed, its last server was stopped: start without hub=.")
    host = _hosts[hub]
    host.users += 1
    return host


atexit.register(stop_all)
