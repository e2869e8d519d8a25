"""The rig: servers in processes of their own, relays in front of them, and clients to load them.

A server is reached directly where there is no network to play; else through a relay, which runs
with the load and not with the server, so that the server's process does nothing but serve. What
the relay itself takes, about 0.1 ms a round trip (benchmarks/RESULTS.md), is part of the link.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from functools import partial

from labserver.chat.tokens import Tokens, new_secret
from labserver.measure.load import first_error
from labserver.network.link import Link
from labserver.runtime.config import ServerConfig
from labserver.runtime.process import server_process
from labserver.runtime.relay import relay
from labserver.runtime.wiring import LOOPBACK, bind, clock, url_of
from labserver.techniques import load
from labserver.techniques.reconnecting_client import ChatClient
from labserver.techniques.short_polling import ShortPollingConnector
from labserver.techniques.transport.interface import Address
from labserver.wire.tape import Tape

secret = new_secret()  # of this process's servers
tokens = Tokens(secret, clock)


@dataclass(frozen=True, slots=True)
class Served:
    """A server that runs in a process of its own.

    Attributes:
        technique: how it travels.
        url: where clients find it.
        pid: its process.
    """

    technique: str
    url: str
    pid: int

    def client(
        self,
        user: str,
        room: str,
        *,
        poll_interval_s: float,
        headers: Mapping[str, str] | None = None,
    ) -> ChatClient:
        """A client of it, not connected yet.

        Args:
            user: its name.
            room: where it goes.
            poll_interval_s: how often it asks, where it has to.
            headers: what it says of itself in HTTP requests; None: what its library says.
        """
        token = tokens.issue(user)
        address = Address(self.url, token, room, secrets.token_hex(4), headers=headers)
        if self.technique == "short_polling":
            return ChatClient(ShortPollingConnector(address, poll_interval_s), user=user, room=room)
        return ChatClient(load(self.technique).connector(address), user=user, room=room)

    def connect(self, poll_interval_s: float) -> Callable[[str, str], ChatClient]:
        """What makes its clients, for a `hall`."""
        return partial(self.client, poll_interval_s=poll_interval_s)


@asynccontextmanager
async def served(techniques: Iterable[str]) -> AsyncIterator[dict[str, Served]]:
    """A server of each technique, for the time of a block; they start and end side by side.

    Left with an exception, a cancellation for one, it kills them at once.

    Raises:
        LabError: if one does not start.
    """
    names = list(techniques)
    done = asyncio.Event()
    started: dict[str, asyncio.Future[Served]] = {}

    async def serve(technique: str) -> None:
        config = ServerConfig(technique=technique, secret=secret, record=False)
        async with server_process(config) as child:
            started[technique].set_result(Served(technique, child.url.result(), child.pid))
            await done.wait()

    try:
        async with asyncio.TaskGroup() as tasks:
            for technique in names:
                # Now, and not while something is measured; imports would hold up the loop.
                await asyncio.to_thread(load, technique)
                started[technique] = asyncio.get_running_loop().create_future()
                tasks.create_task(serve(technique))
            yield {technique: await started[technique] for technique in names}
            done.set()
    except BaseExceptionGroup as group:
        raise first_error(group) from None


@asynccontextmanager
async def through(server: Served, link: Link | None) -> AsyncIterator[tuple[Served, Tape]]:
    """The same server, as it is found over a link.

    Args:
        server: who is to be reached.
        link: the network to play; None: the server is reached directly.

    Yields:
        The server under another URL, and what is written down; with no link, nothing is.
    """
    tape = Tape()
    if link is None:
        yield server, tape
        return
    port = int(server.url.rpartition(":")[2])
    with closing(bind(LOOPBACK, 0)) as listening:
        async with relay(listening, port, link=link, tape=tape):
            yield replace(server, url=url_of(listening)), tape
