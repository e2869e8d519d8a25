"""Decoding WebSocket frames: ours beside websockets' own sans-I/O parser and wsproto, in one run.

Usage: python -m benchmarks.decoding [--rounds 7] [--megabytes 16]

Each reads the same masked text frames, in pieces of 64 KiB as a socket gives them, and has the
unmasked payload of each at the end. Rounds are interleaved, so that what disturbs the machine
disturbs all alike. The last line is what a trace costs: its tape becomes a DataFrame.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import click
from rich.console import Console
from rich.table import Table
from tqdm import tqdm
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side, State
from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage

from benchmarks.load import machine
from labserver.wire.frame import Frame as OurFrame
from labserver.wire.tape import Direction, Piece, Tape, What
from labserver.wire.trace import Trace
from labserver.wire.websocket import FrameReader

SIZES = (10, 125, 1024, 65536)
READ = 64 * 1024
OURS, LIBRARY = "labserver", "websockets"
FRAMES_MAX = 100_000
FRAMES_MIN = 100

Decode = Callable[[list[bytes]], int]


def labserver(reads: list[bytes]) -> int:
    """Bytes of payload, by the decoder of a trace."""
    reader, total = FrameReader(masked=True), 0
    for data in reads:
        for frame in reader.feed(data):
            assert isinstance(frame, OurFrame)
            total += len(frame.data)
    return total


def websockets(reads: list[bytes]) -> int:
    """The same by websockets' parser; it does not look whether a text is UTF-8."""
    protocol, total = Protocol(Side.SERVER, state=State.OPEN, max_size=None), 0
    for data in reads:
        protocol.receive_data(data)
        for frame in protocol.events_received():
            assert isinstance(frame, Frame)
            total += len(frame.data)
    return total


def wsproto(reads: list[bytes]) -> int:
    """The same by wsproto; a long frame may come in several events."""
    connection, total = Connection(ConnectionType.SERVER), 0
    for data in reads:
        connection.receive_data(data)
        for event in connection.events():
            assert isinstance(event, TextMessage)
            total += len(event.data)
    return total


DECODERS: dict[str, Decode] = {OURS: labserver, LIBRARY: websockets, "wsproto": wsproto}


@click.command()
@click.option("--rounds", default=7, help="Measurements of each.")
@click.option("--megabytes", default=16, help="What each reads in one, at most.")
def main(rounds: int, megabytes: int) -> None:
    """Print a table of times and ratios."""
    taken: dict[tuple[str, int], list[float]] = {}
    counts = {
        size: max(FRAMES_MIN, min(FRAMES_MAX, megabytes * 1_000_000 // size)) for size in SIZES
    }
    with tqdm(total=rounds * len(SIZES) * len(DECODERS)) as progress:
        for size, count in counts.items():
            reads = _reads(size, count)
            for _ in range(rounds):
                for name, decode in DECODERS.items():
                    began = time.perf_counter()
                    assert decode(reads) == size * count, name
                    seconds = (time.perf_counter() - began) / count
                    taken.setdefault((name, size), []).append(seconds)
                    progress.update()
    Console(width=100).print(_table(taken), _trace_to_table(), machine())


def _reads(size: int, count: int) -> list[bytes]:
    payload = (b'{"type":"CHAT_MESSAGE"}' * (size // 20 + 1))[:size]
    stream = b"".join(Frame(Opcode.TEXT, payload).serialize(mask=True) for _ in range(count))
    return [stream[at : at + READ] for at in range(0, len(stream), READ)]


def _table(taken: dict[tuple[str, int], list[float]]) -> Table:
    table = Table(title="µs a frame: median (spread), and its ratio to websockets' parser")
    table.add_column("decoder")
    for size in SIZES:
        table.add_column(f"{size:,} B", justify="right")
    for name in DECODERS:
        cells = []
        for size in SIZES:
            measured = [seconds * 1e6 for seconds in taken[name, size]]
            median = statistics.median(measured)
            ratio = median / (statistics.median(taken[LIBRARY, size]) * 1e6)
            cells.append(f"{median:.2f} ({min(measured):.2f}–{max(measured):.2f})  {ratio:.2f}")
        table.add_row(name, *cells)
    return table


def _trace_to_table() -> str:
    tape, count = Tape(), FRAMES_MAX
    shake = (
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    )
    frame = Frame(Opcode.TEXT, b'{"type":"CHAT_MESSAGE","data":{"content":"hello"}}')
    said = [(Direction.UP, shake[0]), (Direction.DOWN, shake[1])]
    said += [(Direction.DOWN, frame.serialize(mask=False))] * (count // 2)
    said += [(Direction.UP, frame.serialize(mask=True))] * (count // 2)
    for at, (direction, data) in enumerate(said):
        tape.add(Piece(at, at, 1, direction, What.DATA, data, len(data)))
    import pandas  # noqa: F401  # its import is no part of it

    began = time.perf_counter()
    trace = Trace(tape)
    len(trace)
    decoded = time.perf_counter()
    trace.messages()
    tabled = time.perf_counter()
    trace.frames()
    return (
        f"a trace of {count:,} frames: decoded in {decoded - began:.2f} s, "
        f"messages() in {tabled - decoded:.2f} s, frames() in {time.perf_counter() - tabled:.2f} s"
    )


if __name__ == "__main__":
    main()
