"""Fan-out: one member of a room speaks, all hear it; and what an idle connection costs.

Usage: python -m benchmarks.fanout [--members 200,1000] [--idle 5000] [--rounds 5]

Rounds are interleaved, so that what disturbs the machine disturbs all peers alike.
"""

from __future__ import annotations

import asyncio
import statistics
import time

import click
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from benchmarks.load import fan_out, machine, open_room, peer, raise_file_limit
from benchmarks.servers import SERVERS

FLOOR = "raw asyncio"
DELIVERIES = 100_000  # a measurement of about a second


@click.command()
@click.option("--members", default="200,1000", help="Room sizes.")
@click.option("--idle", default=5000, help="Idle connections.")
@click.option("--rounds", default=5, help="Measurements of each.")
def main(members: str, idle: int, rounds: int) -> None:
    """Print a table of ratios to the floor."""
    raise_file_limit()
    sizes = [int(size) for size in members.split(",")]
    rates: dict[tuple[str, int], list[float]] = {}
    with tqdm(total=rounds * len(sizes) * len(SERVERS) + len(SERVERS)) as progress:
        for _ in range(rounds):
            for size in sizes:
                for name in SERVERS:
                    rates.setdefault((name, size), []).append(asyncio.run(_rate(name, size)))
                    progress.update()
        costs = {}
        for name in SERVERS:
            costs[name] = asyncio.run(_idle(name, idle))
            progress.update()
    Console(width=100).print(_table(sizes, rates, costs, idle), machine())


async def _rate(name: str, members: int) -> float:
    with peer(name) as server:
        room = await open_room(server.url, members)
        return await fan_out(room, max(20, DELIVERIES // members))


async def _idle(name: str, connections: int) -> tuple[float, float]:
    """KiB a connection, and handshakes a second."""
    with peer(name) as server:
        before = server.memory
        began = time.perf_counter()
        await open_room(server.url, connections)
        rate = connections / (time.perf_counter() - began)
        await asyncio.sleep(1)
        return (server.memory - before) / connections / 1024, rate


def _table(
    sizes: list[int],
    rates: dict[tuple[str, int], list[float]],
    costs: dict[str, tuple[float, float]],
    idle: int,
) -> Table:
    table = Table(title="Delivered messages a second: median (spread), and ratio to the floor")
    table.add_column("server")
    for size in sizes:
        table.add_column(f"room of {size:,}", justify="right")
    table.add_column(f"KiB each of {idle:,} idle", justify="right")
    table.add_column("handshakes a second", justify="right")
    for name in SERVERS:
        cells = []
        for size in sizes:
            measured = rates[name, size]
            median = statistics.median(measured)
            ratio = median / statistics.median(rates[FLOOR, size])
            spread = f"{min(measured) / 1000:.0f}–{max(measured) / 1000:.0f} k"
            cells.append(f"{median / 1000:.0f} k ({spread})  {ratio:.2f}")
        table.add_row(name, *cells, f"{costs[name][0]:.1f}", f"{costs[name][1]:,.0f}")
    return table


if __name__ == "__main__":
    main()
