"""The servers that run in this kernel, by name.

A cell that is run again starts its server again: the register finds the one from before, so that
no port, thread or process is left behind.
"""

from __future__ import annotations

from typing import Protocol, TypeVar


class Registered(Protocol):
    """What the register needs to know about a server."""

    name: str

    def stop(self) -> None:
        """Stop it and free its port; it removes itself from the register."""


S = TypeVar("S", bound=Registered)

_servers: dict[str, Registered] = {}


def add(server: S) -> S:
    """Register a server under its name, and return it."""
    _servers[server.name] = server
    return server


def remove(server: Registered) -> None:
    """Take a server out, unless another one already has its name."""
    if _servers.get(server.name) is server:
        del _servers[server.name]


def stop(name: str) -> None:
    """Stop the server that has this name, if there is one."""
    if name in _servers:
        _servers[name].stop()


def stop_all() -> None:
    """Stop every server."""
    for server in tuple(_servers.values()):
        server.stop()
