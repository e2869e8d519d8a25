"""Ports of this machine: one kept for a server that must be told its port, and one that is busy."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def reserved_port() -> Iterator[int]:
    """Reserve a port of 127.0.0.1 for the duration of a block.

    A port that was looked for and let go can be anybody's by the time a server has started. On
    Linux a socket that is bound with SO_REUSEADDR and does not listen keeps the port: nobody is
    given it who asks for any port, and a server that asks for this one, with SO_REUSEADDR as
    servers do, may listen on it. Other systems would refuse the server.
    """
    with socket.socket() as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", 0))
        port: int = keeper.getsockname()[1]
        if sys.platform != "linux":
            keeper.close()
        yield port


@contextmanager
def busy_port() -> Iterator[int]:
    """Listen on a port of 127.0.0.1 for the duration of a block."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        yield port
