"""One end of a peer connection, against another one; without a server."""

from __future__ import annotations

import asyncio
import random
import re

import aioice.ice
import pytest

from labserver.chat.events import Event, envelope
from labserver.errors import Refused
from labserver.techniques.transport import peer as peers
from labserver.techniques.transport.ice import Description
from labserver.techniques.transport.interface import ConnectionLost
from labserver.techniques.transport.peer import CHANNEL_CLOSED, Peer


async def pair() -> tuple[Peer, Peer]:
    """Return two peers with an open channel between them."""
    one, other = Peer("127.0.0.1"), Peer("127.0.0.1")
    await one.accept(await other.answer(await one.offer()))
    await one.opened()
    await other.opened()
    return one, other


async def test_what_was_sent_before_the_end_is_read_before_it() -> None:
    one, other = await pair()
    for n in range(300):
        await one.send(f"{n} {'x' * 2000}".encode())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(one.hang_up(5))
        heard = []
        while (message := await other.receive()) is not None:
            heard.append(message)
    assert len(heard) == 300
    assert one.ended == other.ended == CHANNEL_CLOSED
    assert await other.receive() is None  # however often it is asked
    await one.close()
    await other.close()


async def test_nothing_is_sent_before_the_channel_is_open_or_after_its_end() -> None:
    peer = Peer("127.0.0.1")
    with pytest.raises(ConnectionLost, match="not open yet"):
        await peer.send(b"{}")
    await peer.close()
    with pytest.raises(ConnectionLost, match="closed"):
        await peer.send(b"{}")
    peer.deliver(envelope(Event("PONG")))  # a hub need not know
    with pytest.raises(ConnectionLost):
        await peer.opened()


async def test_closing_that_is_cancelled_closes_all_the_same() -> None:
    one, other = await pair()
    closing = asyncio.timeout(0)
    with pytest.raises(TimeoutError):
        async with closing:
            await one.close()
    await asyncio.sleep(0.1)
    assert one._connection.connectionState == "closed"
    assert await other.receive() is None
    await other.close()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert others == []


async def test_what_nobody_reads_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "INBOX_MAX", 100)
    one, other = Peer("127.0.0.1"), Peer("127.0.0.1")
    await one.accept(await other.answer(await one.offer()))
    await one.opened()
    with pytest.raises(ConnectionLost):
        for _ in range(1000):
            await one.send(b"{}")
            await asyncio.sleep(0)
            if other.ended is not None:
                await other.close()
                assert other.ended.code == 1013
    await one.close()


async def test_no_offer_however_mangled_breaks_anything() -> None:
    rng = random.Random(7)
    refused = 0
    peer = Peer("127.0.0.1")
    lines = (await peer.offer()).sdp.splitlines()
    for _ in range(150):
        mangled = list(lines)
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(mangled))
            mangled[at] = rng.choice(
                [
                    "",
                    mangled[at][: rng.randrange(len(mangled[at]) + 1)],
                    re.sub(r"\d", lambda _: str(rng.randrange(10)), mangled[at]),
                    mangled[at].replace(" ", rng.choice([":", "", "\x00", "\n"])),
                    rng.choice(lines),
                ]
            )
        answering = Peer("127.0.0.1")
        try:
            await answering.answer(Description("offer", "\r\n".join(mangled)))
        except Refused:
            refused += 1
        finally:
            await answering.close()
    await peer.close()
    assert 0 < refused < 150


async def test_on_a_machine_without_a_network_it_offers_loopback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: [])
    peer = Peer("127.0.0.1")
    assert " 127.0.0.1 " in (await peer.offer()).sdp
    await peer.close()
