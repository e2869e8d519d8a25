"""Servers in the kernel: how they start and stop, and the handle that a notebook holds."""

from __future__ import annotations

import atexit
import os
import secrets
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, ExitStack, closing
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import msgspec

from labserver.chat.hub import Hub
from labserver.chat.names import check_name
from labserver.chat.tokens import Tokens, new_secret
from labserver.errors import LabError
from labserver.runtime import running_servers
from labserver.runtime.client import OPEN_TIMEOUT_S, Client
from labserver.runtime.config import ServerConfig
from labserver.runtime.loop import Held, lab_loop
from labserver.runtime.relay import Relay
from labserver.runtime.tls import Authority, authority
from labserver.runtime.wiring import bind, hub_for, serve_through_relay, service_for, url_of
from labserver.techniques import load
from labserver.techniques.reconnecting_client import ChatClient
from labserver.techniques.transport.interface import Address
from labserver.wire.tape import Tape

if TYPE_CHECKING:
    from labserver.trace.trace import Trace

STOP_TIMEOUT_S = 3.0

kernel_secret = new_secret()


@dataclass(frozen=True, slots=True)
class Widgets:
    """What makes the widgets of a server: runtime does not import them.

    Attributes:
        chat: makes the chat's window from a client and the name of its technique.
        browser: makes the window whose client is the browser itself, from a server, a user and
            a room.
        inspector: makes the list of messages from a trace and a title.
    """

    chat: Callable[[Client, str], Any]
    browser: Callable[[Server, str, str], Any]
    inspector: Callable[[Trace, str], Any]


class Server:
    """A running server, as a notebook holds it.

    Attributes:
        name: the name it is registered under; starting another server of that name replaces it.
        technique: the name of its technique.
        url: `http://HOST:PORT`, or `https://…` with tls=True.
        port: its TCP port.
        http2: whether it speaks HTTP/2.
        pid: the process it runs in.
    """

    def __init__(
        self,
        config: ServerConfig,
        *,
        url: str,
        tokens: Tokens,
        hub: Hub | None,
        widgets: Widgets | None,
        end: Callable[[], None],
        relay: Relay | None = None,
        pid: int | None = None,
        failure: Callable[[], str | None] = lambda: None,
        authority: Authority | None = None,
    ) -> None:
        self.name = config.registered_name
        self.technique = config.technique
        self.http2 = config.http2
        self.url = url
        self.port = int(url.rpartition(":")[2])
        self.pid = os.getpid() if pid is None else pid
        self._stopped = False
        self._failure = failure  # the reason, if it ended by itself
        self._tokens = tokens
        self._hub = hub
        self._end = end
        self._widgets = widgets
        self._relay_in_front = relay
        self._authority = authority  # the signer of its certificate; None without TLS
        self._clients: WeakSet[Client] = WeakSet()

    @property
    def running(self) -> bool:
        """Whether it serves: it has not been stopped, and its process has not ended."""
        return not self._stopped and self._failure() is None

    @property
    def hub(self) -> Hub:
        """The conversation; pass it to another `start` to have it over two techniques.

        Raises:
            LabError: if the server runs in a process of its own, and its hub with it.
        """
        if self._hub is None:
            raise LabError("Its hub is in another process: start the server without process=True.")
        return self._hub

    @property
    def ca_pem(self) -> str:
        """The file with which others verify the server, for example `curl --cacert`.

        In Python: `httpx2.Client(verify=ssl.create_default_context(cafile=server.ca_pem))`.

        Raises:
            LabError: if it was started without tls=True.
        """
        if self._authority is None:
            raise LabError("It has no certificate: start it with tls=True.")
        return self._authority.ca_pem

    @property
    def tape(self) -> Tape:
        """Every byte that has passed between this server and its clients.

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

        return Trace(self.tape, port=self.port, lock=threading.RLock())

    def cut(self) -> None:
        """Cut every connection, as if a cable were pulled and both sides noticed at once."""
        lab_loop.soon(self._relay.cut)

    def freeze(self) -> None:
        """Let nothing pass from now on and tell nobody, as when a router dies."""
        lab_loop.soon(self._relay.freeze)

    def thaw(self) -> None:
        """Let everything pass that `freeze` has held up."""
        lab_loop.soon(self._relay.thaw)

    @property
    def _relay(self) -> Relay:
        if self._relay_in_front is None:
            raise LabError("There is no relay in front of it: start it without record=False.")
        return self._relay_in_front

    def token(self, user: str, ttl_s: float = 3600.0) -> str:
        """Return a JWT for `user` that is valid for `ttl_s` seconds."""
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
            user: the user's name.
            room: the room's name.
            after: the cursor to resume from; None to start with what is said from now on.
            timeout: seconds to wait for the connection.

        Raises:
            Refused: if the server does not let the client in.
            NotConnected: if the server cannot be reached.
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
            address = replace(address, trust=self._authority.client_context())
        connector = load(self.technique).connector(address)
        core = ChatClient(connector, user=user, room=room, cursor=after)
        client = Client(lab_loop, core, timeout=timeout)
        self._clients.add(client)
        return client

    def chat(self, user: str, room: str = "lobby") -> Any:
        """Return the chat as a widget, which a cell shows if this is its last line."""
        return self._made_by.chat(self.client(user, room), self.technique)

    def browser(self, user: str, room: str = "lobby") -> Any:
        """Return the chat as a widget whose client is the browser itself; `log()` is a table.

        Args:
            user: the user's name.
            room: the room's name.

        Raises:
            LabError: if a browser has no client for the technique.
        """
        return self._made_by.browser(self, check_name(user, "user"), check_name(room, "room"))

    def inspector(self) -> Any:
        """Return a widget that lists every message as it passes; a click shows its bits.

        Raises:
            LabError: if it was started with record=False.
        """
        return self._made_by.inspector(self.trace, self.name)

    @property
    def _made_by(self) -> Widgets:
        if self._widgets is None:
            raise LabError("Start the server with lab.start, which brings the widgets.")
        return self._widgets

    def stop(self) -> None:
        """Close its clients and connections, and free its port; stopping twice does no harm."""
        if self._stopped:
            return
        self._stopped = True
        running_servers.remove(self)
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


_open_hubs: dict[Hub, _OpenHub] = {}


class _OpenHub:
    """Keeps a hub open for as long as servers use it."""

    def __init__(self, manager: AbstractAsyncContextManager[Hub]) -> None:
        self.users = 0
        self._held: Held[Hub] = lab_loop.hold(manager)
        self.hub = self._held.value
        _open_hubs[self.hub] = self

    def release(self) -> None:
        """Count one server less; without any, the hub closes."""
        self.users -= 1
        if not self.users:
            del _open_hubs[self.hub]
            self._held.leave(STOP_TIMEOUT_S)


def start(
    config: ServerConfig, *, hub: Hub | None = None, widgets: Widgets | None = None
) -> Server:
    """Start a server in this kernel; one of the same name is replaced.

    Args:
        config: what is asked of the server.
        hub: another server's, whose conversation it shares; None for a new one.
        widgets: what makes its widgets; None if it has none.

    Raises:
        LabError: if there is no such technique, the port is busy, or the hub is closed.
    """
    config = msgspec.structs.replace(config, secret=config.secret or kernel_secret)
    signing = authority() if config.tls else None
    proof = None if signing is None else signing.server_context(config.hosts)
    service = service_for(config, proof)
    opened = _open_hub(config, hub)  # before the old server releases a hub that they may share
    with ExitStack() as undo:  # in case anything goes wrong from here on
        undo.callback(opened.release)
        running_servers.stop(config.registered_name)
        listening = undo.enter_context(closing(bind(config.host, config.port)))
        serve = partial(service.serve, opened.hub)
        held = lab_loop.hold(serve_through_relay(serve, listening, config.record, config.link))
        undo.pop_all()

    def end() -> None:
        try:
            held.leave(STOP_TIMEOUT_S)
        finally:
            listening.close()
            opened.release()

    return running_servers.add(
        Server(
            config,
            url=url_of(listening, config.tls),
            tokens=service.tokens,
            hub=opened.hub,
            widgets=widgets,
            end=end,
            relay=held.value,
            authority=signing,
        )
    )


def _open_hub(config: ServerConfig, hub: Hub | None) -> _OpenHub:
    if hub is None:
        opened = _OpenHub(hub_for(config))
    elif config.redis is not None:
        raise LabError("That hub keeps its conversation already: give hub= or redis=, not both.")
    elif hub in _open_hubs:
        opened = _open_hubs[hub]
    else:
        raise LabError(
            "That hub is closed, because its last server was stopped: start without hub=."
        )
    opened.users += 1
    return opened


def stop_all() -> None:
    """Stop every server of this kernel, and the loop that they ran on."""
    running_servers.stop_all()
    lab_loop.stop()


atexit.register(stop_all)
