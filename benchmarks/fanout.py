"""Fan-out: one member of a room speaks, all hear it; and what an idle connection costs.

Usage: python -m benchmarks.fanout [--members 1,200,1000,5000] [--window 4] [--idle 5000]
           [--rounds 5] [--peers A,B]

A window of 4: the speaker has up to 4 messages on their way, as a room does in which several
speak at once, and a server may write them together; with --window 1 it never can. Rounds are
interleaved, so that what disturbs the machine disturbs all peers alike.
"""

from __future__ import annotations

import asyncio
import time

import click
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from benchmarks.load import FLOOR, NAMES, fan_out, machine, open_room, peer, raise_file_limit, there
from benchmarks.ratios import beside

DELIVERIES = 100_000  # a measurement of about a second
ECHOES_UNDER_WAY = 100


@click.command()
@click.option("--members", default="1,200,1000,5000", help="Room sizes; a room of 1 is an echo.")
@click.option("--window", default=4, help="Messages that may be on their way at once.")
@click.option("--idle", default=5000, help="Idle connections.")
@click.option("--rounds", default=5, help="Measurements of each.")
@click.option("--peers", default=",".join(NAMES), help="Which servers.")
def main(members: str, window: int, idle: int, rounds: int, peers: str) -> None:
    """Print a table of ratios to the floor."""
    raise_file_limit()
    servers = there([FLOOR, *(name for name in peers.split(",") if name != FLOOR)])
    sizes = [int(size) for size in members.split(",")]
    rates: dict[tuple[str, int], list[float]] = {}
    with tqdm(total=rounds * len(sizes) * len(servers) + len(servers)) as progress:
        for _ in range(rounds):
            for size in sizes:
                for name in servers:
                    rates.setdefault((name, size), []).append(
                        asyncio.run(_rate(name, size, window)) / 1000
                    )
                    progress.update()
        costs = {}
        for name in servers:
            costs[name] = asyncio.run(_idle(name, idle))
            progress.update()
    Console(width=150).print(_table(sizes, rates, costs, idle), machine())


async def _rate(name: str, members: int, window: int) -> float:
    with peer(name) as server:
        room = await open_room(server, members)
        # A room of one is an echo, with many under way.
        window = ECHOES_UNDER_WAY if members == 1 else window
        return await fan_out(server, room, max(20, DELIVERIES // members), window)


async def _idle(name: str, connections: int) -> tuple[float, float]:
    """KiB a connection, and handshakes a second."""
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
        title="Thousands of delivered messages a second: median (spread), and ratio to the floor"
    )
    table.add_column("server")
    for size in sizes:
        table.add_column(f"room of {size:,}", justify="right")
    table.add_column(f"KiB each of {idle:,} idle", justify="right")
    table.add_column("handshakes a second", justify="right")
    for name in costs:
        cells = [beside(rates[name, size], rates[FLOOR, size]) for size in sizes]
        table.add_row(name, *cells, f"{costs[name][0]:.1f}", f"{costs[name][1]:,.0f}")
    return table


if __name__ == "__main__":
    main()
