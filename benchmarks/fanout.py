"""Fan-out: one member of a room speaks and all hear it; and what an idle connection costs.

Usage: python -m benchmarks.fanout [--members 1,200,1000,5000] [--window 4] [--idle 5000]
           [--rounds 5] [--peers A,B]

With a window of 4, up to 4 messages are on their way at once, as in a room in which several people
speak, and a server may write them together; with --window 1 it never can. Rounds are interleaved,
so that whatever disturbs the machine disturbs all servers alike.
"""

from __future__ import annotations

import asyncio
import time
from itertools import product

import click
from rich.console import Console
from rich.table import Table

from benchmarks.load import FLOOR, NAMES, fan_out, machine, open_room, peer, raise_file_limit, there
from benchmarks.progress import with_progress
from benchmarks.ratios import beside

DELIVERIES = 100_000  # a measurement then takes about a second
ECHOES_UNDER_WAY = 100


@click.command()
@click.option("--members", default="1,200,1000,5000", help="Room sizes; a room of 1 is an echo.")
@click.option("--window", default=4, help="How many messages may be on their way at once.")
@click.option("--idle", default=5000, help="How many connections are idle.")
@click.option("--rounds", default=5, help="Measurements of each server.")
@click.option("--peers", default=",".join(NAMES), help="The servers to compare.")
def main(members: str, window: int, idle: int, rounds: int, peers: str) -> None:
    """Print a table of ratios to the floor."""
    raise_file_limit()
    servers = there([FLOOR, *(name for name in peers.split(",") if name != FLOOR)])
    sizes = [int(size) for size in members.split(",")]
    rates: dict[tuple[str, int], list[float]] = {}
    for _, size, name in with_progress(list(product(range(rounds), sizes, servers))):
        rate = asyncio.run(_rate(name, size, window))
        rates.setdefault((name, size), []).append(rate / 1000)
    costs = {name: asyncio.run(_idle(name, idle)) for name in with_progress(servers)}
    Console(width=150).print(_table(sizes, rates, costs, idle), machine())


async def _rate(name: str, members: int, window: int) -> float:
    with peer(name) as server:
        room = await open_room(server, members)
        # A room of one is an echo, with many messages under way.
        window = ECHOES_UNDER_WAY if members == 1 else window
        return await fan_out(server, room, max(20, DELIVERIES // members), window)


async def _idle(name: str, connections: int) -> tuple[float, float]:
    """Return KiB per connection, and handshakes per second."""
    with peer(name) as server:
        before = server.memory
        began = time.perf_counter()
        await open_room(server, connections)
        rate = connections / (time.perf_counter() - began)
        await asyncio.sleep(1)
        return (server.memory - before) / connections / 1024, rate


def _table(
    sizes: list[int],
    rates: dict[tuple[str, int], list[float]],
    costs: dict[str, tuple[float, float]],
    idle: int,
) -> Table:
    table = Table(
        title="Thousands of delivered messages per second: median (spread), and ratio to the floor"
    )
    table.add_column("server")
    for size in sizes:
        table.add_column(f"room of {size:,}", justify="right")
    table.add_column(f"KiB per connection, {idle:,} idle", justify="right")
    table.add_column("handshakes per second", justify="right")
    for name in costs:
        cells = [beside(rates[name, size], rates[FLOOR, size]) for size in sizes]
        table.add_row(name, *cells, f"{costs[name][0]:.1f}", f"{costs[name][1]:,.0f}")
    return table


if __name__ == "__main__":
    main()
