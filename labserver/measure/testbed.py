"""What is measured: servers in processes of their own, the links to them, and their clients.

A server is reached directly unless a link is to be played. Then it is reached through a relay,
which runs with the load and not with the server, so that the server's process does nothing but
serve. The relay's own share, about 0.1 ms per round trip (benchmarks/RESULTS.md), counts as part
of the link.
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
from labserver.runtime.relay import run_relay
from labserver.runtime.server_process import server_process
from labserver.runtime.wiring import LOOPBACK, bind, clock, url_of
from labserver.techniques import load
from labserver.techniques.reconnecting_client import ChatClient
from labserver.techniques.short_polling import ShortPollingConnector
from labserver.techniques.transport.interface import Address
from labserver.wire.tape import Tape

secret = new_secret()  # the one that the targets share
tokens = Tokens(secret, clock)


@dataclass(frozen=True, slots=True)
class Target:
    """A server that is measured, in a process of its own.

    Attributes:
        technique: the name of its technique.
        url: the URL that clients connect to.
        pid: the number of its process.
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
        """Return a client of the server, not connected yet.

        Args:
            user: the user's name.
            room: the room's name.
            poll_interval_s: seconds between two polls, for short polling.
            headers: what the client says about itself in HTTP requests; None for what its
                library says.
        """
        token = tokens.issue(user)
        address = Address(self.url, token, room, secrets.token_hex(4), headers=headers)
        if self.technique == "short_polling":
            return ChatClient(ShortPollingConnector(address, poll_interval_s), user=user, room=room)
        return ChatClient(load(self.technique).connector(address), user=user, room=room)

    def connect(self, poll_interval_s: float) -> Callable[[str, str], ChatClient]:
        """Return what makes clients of the server, for `participants`."""
        return partial(self.client, poll_interval_s=poll_interval_s)


@asynccontextmanager
async def targets(techniques: Iterable[str]) -> AsyncIterator[dict[str, Target]]:
    """Run a server for each technique for the length of a block.

    They start and end side by side. If the block ends with an exception, such as a cancellation,
    they are killed at once.

    Raises:
        LabError: if one of them does not start.
    """
    names = list(techniques)
    done = asyncio.Event()
    started: dict[str, asyncio.Future[Target]] = {}

    async def serve(technique: str) -> None:
        config = ServerConfig(technique=technique, secret=secret, record=False)
        async with server_process(config) as child:
            started[technique].set_result(Target(technique, child.url.result(), child.pid))
            await done.wait()

    try:
        async with asyncio.TaskGroup() as tasks:
            for technique in names:
                # Now, and not while something is measured; in a thread, as imports block.
                await asyncio.to_thread(load, technique)
                started[technique] = asyncio.get_running_loop().create_future()
                tasks.create_task(serve(technique))
            yield {technique: await started[technique] for technique in names}
            done.set()
    except BaseExceptionGroup as group:
        raise first_error(group) from None


@asynccontextmanager
async def over_link(server: Target, link: Link | None) -> AsyncIterator[tuple[Target, Tape]]:
    """Put a link in front of a server for the length of a block.

    Args:
        server: the server.
        link: the network to play; None to reach the server directly.

    Yields:
        The server under another URL, and the tape of what passes, which without a link stays
        empty.
    """
    tape = Tape()
    if link is None:
        yield server, tape
        return
    port = int(server.url.rpartition(":")[2])
    with closing(bind(LOOPBACK, 0)) as listening:
        async with run_relay(listening, port, link=link, tape=tape):
            yield replace(server, url=url_of(listening)), tape
