"""Server-sent events and long polls: how many per second, beside other servers.

Usage: python -m benchmarks.streams [--streams 1,100,1000] [--polls 100] [--rounds 3] [--peers A,B]

Events: each message is one event on every stream; there are four speakers, and each waits for its
message before it sends the next. Polls: all wait, one speaks, all are answered and ask again.
Rounds are interleaved, so that whatever disturbs the machine disturbs all alike.
"""

from __future__ import annotations

import asyncio
from itertools import product

import click
from rich.console import Console
from rich.table import Table

from benchmarks.http_load import polled, streamed
from benchmarks.load import FLOOR, HTTP_NAMES, machine, peer, raise_file_limit, there
from benchmarks.progress import with_progress
from benchmarks.ratios import beside

DELIVERIES = 50_000  # a measurement then takes about a second
ONE_BY_ONE = 4_000  # if each event takes a request as well
SPEAKERS = 4
CYCLES = 5_000


@click.command()
@click.option("--streams", default="1,100,1000", help="How many clients read.")
@click.option("--polls", default=100, help="How many clients wait.")
@click.option("--rounds", default=3, help="Measurements of each server.")
@click.option("--peers", default=",".join(HTTP_NAMES), help="The servers to compare.")
def main(streams: str, polls: int, rounds: int, peers: str) -> None:
    """Print a table of rates and of their ratios to the floor."""
    raise_file_limit()
    servers = there([FLOOR, *(name for name in peers.split(",") if name != FLOOR)])
    sizes = [int(size) for size in streams.split(",")]
    rates: dict[tuple[str, int], list[float]] = {}  # 0 streams: polls
    for _, size, name in with_progress(list(product(range(rounds), (*sizes, 0), servers))):
        rate = asyncio.run(_events(name, size) if size else _cycles(name, polls))
        rates.setdefault((name, size), []).append(rate / 1000)
    Console(width=130).print(_table(servers, sizes, polls, rates), machine())


async def _events(name: str, streams: int) -> float:
    with peer(name, "sse") as server:
        messages = max(20, min(ONE_BY_ONE, DELIVERIES // streams))
        return await streamed(server, streams, messages, SPEAKERS)


async def _cycles(name: str, polls: int) -> float:
    with peer(name, "long_polling") as server:
        return await polled(server, polls, max(20, CYCLES // polls))


def _table(
    servers: list[str], sizes: list[int], polls: int, rates: dict[tuple[str, int], list[float]]
) -> Table:
    table = Table(title="Thousands per second: median (spread), and ratio to the floor")
    table.add_column("server")
    for size in sizes:
        table.add_column(f"events, {size:,} streams", justify="right")
    table.add_column(f"cycles of {polls} long polls", justify="right")
    for name in servers:
        cells = [beside(rates[name, size], rates[FLOOR, size], digits=1) for size in (*sizes, 0)]
        table.add_row(name, *cells)
    return table


if __name__ == "__main__":
    main()
