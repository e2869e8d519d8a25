"""What the relay costs: an echo's round trip, and how much passes per second.

Usage: python -m benchmarks.relay [--rounds 7] [--echoes 3000] [--megabytes 256]

Client, relay and server each have a process. The client connects directly, through a relay that
only passes bytes on, and through ours, which records everything; these take turns, so that whatever
disturbs the machine disturbs all alike.
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

from benchmarks.load import machine
from benchmarks.progress import with_progress
from benchmarks.ratios import ratio, spread

WAYS = ("directly", "plain", "labserver")
MESSAGE = b"x" * 125  # a small frame
WRITE = b"x" * 256 * 1024


@contextmanager
def process(role: str, port: int = 0) -> Iterator[int]:
    """Run a process of benchmarks/relays.py for the length of a block; yields its port."""
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
    """Connect to a new server in one of `WAYS`, for the length of a block."""
    with ExitStack() as stack:
        port = stack.enter_context(process(server))
        if name != "directly":
            port = stack.enter_context(process(name, port))
        client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield client


def echo(client: socket.socket, times: int) -> list[float]:
    """Measure round trips one after the other; returns microseconds."""
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
    """Send as much as passes; returns megabytes per second."""
    writes = megabytes * 1_000_000 // len(WRITE)
    began = time.perf_counter()
    client.sendall((writes * len(WRITE)).to_bytes(8, "big"))
    for _ in range(writes):
        client.sendall(WRITE)
    client.recv(1)
    return writes * len(WRITE) / 1e6 / (time.perf_counter() - began)


@click.command()
@click.option("--rounds", default=7, help="Measurements of each way.")
@click.option("--echoes", default=3000, help="Round trips per measurement.")
@click.option("--megabytes", default=256, help="How much is sent per measurement.")
def main(rounds: int, echoes: int, megabytes: int) -> None:
    """Print a table."""
    trips: dict[str, list[list[float]]] = {name: [] for name in WAYS}
    rates: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in with_progress(range(rounds)):
        for name in WAYS:
            with way(name, "echo") as client:
                echo(client, echoes // 10)  # warm
                trips[name].append(echo(client, echoes))
            with way(name, "sink") as client:
                rates[name].append(pour(client, megabytes))
    table = Table(title="The relay: median of the rounds (least to most)")
    for column in ("", "echo, median µs", "echo, p99 µs", "MB per second", "ratio to plain"):
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
