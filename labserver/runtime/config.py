"""What is asked of a server, in one record, in the kernel or in a process of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labserver.chat.hub import Hub
from labserver.errors import LabError
from labserver.network.link import Link
from labserver.runtime.wiring import LOOPBACK

if TYPE_CHECKING:
    from labserver.runtime.client import Client
    from labserver.runtime.server import Server
    from labserver.trace.trace import Trace


@dataclass(frozen=True, slots=True)
class Faces:
    """What makes the widgets of a server: runtime does not know them.

    Attributes:
        chat: a client and its technique → the chat's window.
        browser: a server, a user and a room → the window whose client is the browser itself.
        inspector: a trace and a title → the widget that shows it.
    """

    chat: Callable[[Client, str], Any]
    browser: Callable[[Server, str, str], Any]
    inspector: Callable[[Trace, str], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """A server as it was asked for; `lab.start` says what its arguments mean.

    Attributes:
        technique: its name.
        hub: whose conversation; None: a new one.
        port: TCP port; 0: a free one.
        host: the address to listen on.
        name: for the register; None: the technique's.
        allowed_origins: patterns of pages' origins; None: loopback.
        allowed_hosts: Host headers that are served, beside loopback and `host`.
        secret: signs the tokens; None: the kernel's.
        store: the SQLite file for direct messages; None: it lasts as long as the kernel.
        tls: over https and wss.
        http2: over HTTP/2.
        record: behind a relay that writes down every byte.
        link: the network that the relay plays.
        faces: what makes its widgets; None: it has none.

    Raises:
        LabError: if arguments do not go together.
    """

    technique: str
    hub: Hub | None = None
    port: int = 0
    host: str = LOOPBACK
    name: str | None = None
    allowed_origins: Iterable[str] | None = None
    allowed_hosts: Iterable[str] = ()
    secret: str | None = None
    store: str | os.PathLike[str] | None = None
    tls: bool = False
    http2: bool = False
    record: bool = True
    link: Link | None = None
    faces: Faces | None = None

    def __post_init__(self) -> None:
        if self.link is not None and not self.record:
            raise LabError("A link is played by the relay: start without record=False.")

    @property
    def registered(self) -> str:
        """The name that it is registered under."""
        return self.name or self.technique

    @property
    def hosts(self) -> list[str]:
        """The Host headers that are served, beside loopback."""
        return [*self.allowed_hosts, self.host]
