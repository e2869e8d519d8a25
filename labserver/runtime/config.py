"""What is asked of a server, as one record: the same for the kernel and for a child process.

`lab.start` and `labserver serve` make it. A server in the kernel takes it as it is; a server in a
process of its own gets it as JSON. So it holds plain values only: what lives in the kernel alone,
such as a hub or widgets, is handed to `server.start` beside it.
"""

from __future__ import annotations

import msgspec

from labserver.errors import LabError
from labserver.network.link import Link


class ServerConfig(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """A server as it was asked for; `lab.start` explains the arguments that it shares.

    Attributes:
        technique: the technique's name.
        port: the TCP port; 0 for a free one.
        host: the address to listen on.
        name: the name in the register of servers; None for the technique's.
        allowed_origins: patterns of the origins that pages may come from; None for loopback.
        allowed_hosts: Host headers that are served, besides loopback and `host`.
        secret: signs the tokens; None for the one that the kernel's servers share.
        store: the SQLite file for direct messages; None if they need not outlive the server.
        temporary_store: whether a child process removes the store if its kernel was killed.
        redis: the URL of a Redis that holds conversation and direct messages; `store` is then
            not used.
        tls: whether to serve over TLS with a certificate of the kernel's own authority.
        certificate: a PEM file with a private key and its certificates, to serve over TLS with;
            it takes the place of `tls` in a process that has no authority.
        http2: whether to serve over HTTP/2.
        record: whether a relay in front of the server records every byte. It runs in the kernel,
            also where the server does not.
        link: the network that the relay plays; None for none.

    Raises:
        LabError: if the values do not go together.
    """

    technique: str
    port: int = 0
    host: str = "127.0.0.1"
    name: str | None = None
    allowed_origins: tuple[str, ...] | None = None
    allowed_hosts: tuple[str, ...] = ()
    secret: str | None = None
    store: str | None = None
    temporary_store: bool = False
    redis: str | None = None
    tls: bool = False
    certificate: str | None = None
    http2: bool = False
    record: bool = True
    link: Link | None = None

    def __post_init__(self) -> None:
        if self.link is not None and not self.record:
            raise LabError("The relay plays the link: leave out record=False.")

    @property
    def registered_name(self) -> str:
        """The name that the server is registered under."""
        return self.name or self.technique

    @property
    def hosts(self) -> tuple[str, ...]:
        """The Host headers that are served, besides loopback."""
        return (*self.allowed_hosts, self.host)
