"""What the relay costs: an echo's round trip, and what passes in a second.

Usage: python -m benchmarks.relay [--rounds 7] [--echoes 3000] [--megabytes 256]

Client, relay and server are a process each. Directly, through a relay that only passes on, and
through ours, which writes everything down, in turn; so that what disturbs the machine disturbs
all alike.
"""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import click
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from benchmarks.load import machine
from benchmarks.ratios import ratio, spread

WAYS = ("directly", "plain", "labserver")
MESSAGE = b"x" * 125  # a small frame
WRITE = b"x" * 256 * 1024


@contextmanager
def process(role: str, port: int = 0) -> Iterator[int]:
    """A process of benchmarks/relays.py; gives its port."""
    command = [sys.executable, "-m", "benchmarks.relays", role, str(port)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        try:
            yield int(child.stdout.readline())
        finally:
            child.kill()


@contextmanager
def way(name: str, server: str) -> Iterator[socket.socket]:
    """A connection to a new server, by one of `WAYS`."""
    with ExitStack() as stack:
        port = stack.enter_context(process(server))
        if name != "directly":
            port = stack.enter_context(process(name, port))
        client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield client


def echo(client: socket.socket, times: int) -> list[float]:
    """Round trips, in microseconds, one after the other."""
    took = []
    for _ in range(times):
        began = time.perf_counter_ns()
        client.sendall(MESSAGE)
        left = len(MESSAGE)
        while left:
            left -= len(client.recv(left))
        took.append((time.perf_counter_ns() - began) / 1000)
    return took


def pour(client: socket.socket, megabytes: int) -> float:
    """Megabytes a second."""
    writes = megabytes * 1_000_000 // len(WRITE)
    began = time.perf_counter()
    client.sendall((writes * len(WRITE)).to_bytes(8, "big"))
    for _ in range(writes):
        client.sendall(WRITE)
    client.recv(1)
    return writes * len(WRITE) / 1e6 / (time.perf_counter() - began)


@click.command()
@click.option("--rounds", default=7, help="Measurements of each.")
@click.option("--echoes", default=3000, help="Round trips in each.")
@click.option("--megabytes", default=256, help="Poured in each.")
def main(rounds: int, echoes: int, megabytes: int) -> None:
    """Print a table."""
    trips: dict[str, list[list[float]]] = {name: [] for name in WAYS}
    rates: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in tqdm(range(rounds)):
        for name in WAYS:
            with way(name, "echo") as client:
                echo(client, echoes // 10)  # warm
                trips[name].append(echo(client, echoes))
            with way(name, "sink") as client:
                rates[name].append(pour(client, megabytes))
    table = Table(title="The relay: median of the rounds (least to most)")
    for column in ("", "echo, median µs", "echo, p99 µs", "MB a second", "ratio to plain"):
        table.add_column(column, justify="right" if column else "left")
    for name in WAYS:
        medians = [statistics.median(each) for each in trips[name]]
        p99s = [statistics.quantiles(each, n=100)[98] for each in trips[name]]
        table.add_row(
            name,
            spread(medians),
            spread(p99s),
            spread(rates[name]),
            ratio(rates[name], rates["plain"]),
        )
    Console(width=100).print(table, machine())


if __name__ == "__main__":
    main()
