"""Decoding WebSocket frames: our decoder beside websockets' sans-I/O parser and wsproto.

Usage: python -m benchmarks.decoding [--rounds 7] [--megabytes 16]

Each reads the same masked text frames, in pieces of 64 KiB as they would come from a socket, and
ends with the unmasked payload of each frame. Rounds are interleaved, so that whatever disturbs the
machine disturbs all alike. The second table shows what a trace of 100,000 frames costs: its tape
becomes messages, tables and figures.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import product

import click
from plotly.graph_objects import Figure
from rich.console import Console
from rich.table import Table
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side, State
from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage

from benchmarks.load import machine
from benchmarks.progress import with_progress
from benchmarks.ratios import beside, spread
from labserver.figures.bytes_breakdown import bytes_breakdown
from labserver.figures.sequence import sequence
from labserver.figures.swimlanes import swimlanes
from labserver.trace.trace import Trace
from labserver.wire.tape import Direction, Piece, PieceKind, Tape
from labserver.wire.websocket import FrameReader
from labserver.wire.websocket_frame import Frame as OurFrame

SIZES = (10, 125, 1024, 65536)
READ = 64 * 1024
OURS, LIBRARY = "labserver", "websockets"
FRAMES_MAX = 100_000
FRAMES_MIN = 100

Decode = Callable[[list[bytes]], int]


def labserver(reads: list[bytes]) -> int:
    """Count bytes of payload with the decoder that traces use."""
    reader, total = FrameReader(masked=True), 0
    for data in reads:
        for frame in reader.feed(data):
            assert isinstance(frame, OurFrame)
            total += len(frame.data)
    return total


def websockets(reads: list[bytes]) -> int:
    """Count them with websockets' parser, which does not check that a text is UTF-8."""
    protocol, total = Protocol(Side.SERVER, state=State.OPEN, max_size=None), 0
    for data in reads:
        protocol.receive_data(data)
        for frame in protocol.events_received():
            assert isinstance(frame, Frame)
            total += len(frame.data)
    return total


def wsproto(reads: list[bytes]) -> int:
    """Count them with wsproto; a long frame may come in several events."""
    connection, total = Connection(ConnectionType.SERVER), 0
    for data in reads:
        connection.receive_data(data)
        for event in connection.events():
            assert isinstance(event, TextMessage)
            total += len(event.data)
    return total


DECODERS: dict[str, Decode] = {OURS: labserver, LIBRARY: websockets, "wsproto": wsproto}

# In this order: the later ones find the trace decoded.
USES: dict[str, Callable[[Trace], object]] = {
    "decoded": len,
    "messages()": Trace.messages,
    "frames()": Trace.frames,
    "bytes()": Trace.bytes,
    "sequence": sequence,
    "sequence, time=True": lambda trace: sequence(trace, time=True),
    "swimlanes": lambda trace: swimlanes({"websocket": trace}),
    "bytes_breakdown": lambda trace: bytes_breakdown({"websocket": trace}),
}


@click.command()
@click.option("--rounds", default=7, help="Measurements of each decoder.")
@click.option("--megabytes", default=16, help="What a decoder reads per measurement, at most.")
def main(rounds: int, megabytes: int) -> None:
    """Print a table of times and ratios."""
    taken: dict[tuple[str, int], list[float]] = {}
    counts = {
        size: max(FRAMES_MIN, min(FRAMES_MAX, megabytes * 1_000_000 // size)) for size in SIZES
    }
    reads = {size: _reads(size, count) for size, count in counts.items()}
    for size, _, name in with_progress(list(product(SIZES, range(rounds), DECODERS))):
        began = time.perf_counter()
        assert DECODERS[name](reads[size]) == size * counts[size], name
        seconds = (time.perf_counter() - began) / counts[size]
        taken.setdefault((name, size), []).append(seconds * 1e6)
    Console(width=100).print(_table(taken), _trace_table(rounds), machine())


def _reads(size: int, count: int) -> list[bytes]:
    payload = (b'{"type":"CHAT_MESSAGE"}' * (size // 20 + 1))[:size]
    stream = b"".join(Frame(Opcode.TEXT, payload).serialize(mask=True) for _ in range(count))
    return [stream[at : at + READ] for at in range(0, len(stream), READ)]


def _table(taken: dict[tuple[str, int], list[float]]) -> Table:
    table = Table(title="µs per frame: median (spread), and ratio to websockets' parser")
    table.add_column("decoder")
    for size in SIZES:
        table.add_column(f"{size:,} B", justify="right")
    for name in DECODERS:
        cells = [beside(taken[name, size], taken[LIBRARY, size], digits=2) for size in SIZES]
        table.add_row(name, *cells)
    return table


def _trace_table(rounds: int) -> Table:
    """Measure what is done with a trace; each round decodes the tape anew."""
    tape = _tape()
    taken: dict[str, list[float]] = {}
    said: dict[str, str] = {}
    for _ in with_progress(range(rounds)):
        trace = Trace(tape)
        for name, make in USES.items():
            began = time.perf_counter()
            made = make(trace)
            taken.setdefault(name, []).append(time.perf_counter() - began)
            if isinstance(made, Figure):
                said[name] = made.layout.title.subtitle.text or ""
    table = Table(title=f"A trace of {FRAMES_MAX:,} frames: median (spread), seconds")
    for column in ("", "seconds", "what the figure says about what it leaves out"):
        table.add_column(column)
    for name, seconds in taken.items():
        table.add_row(name, spread(seconds, 2), said.get(name, ""))
    return table


def _tape() -> Tape:
    """Return a tape of a handshake, and then a frame each way every millisecond."""
    tape = Tape()
    shake = (
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    )
    frame = Frame(Opcode.TEXT, b'{"type":"CHAT_MESSAGE","data":{"content":"hello"}}')
    said = [(Direction.UP, shake[0]), (Direction.DOWN, shake[1])]
    both = [
        (Direction.UP, frame.serialize(mask=True)),
        (Direction.DOWN, frame.serialize(mask=False)),
    ]
    said += both * (FRAMES_MAX // len(both))
    for at, (direction, data) in enumerate(said):
        now = 500_000 * at
        tape.add(Piece(now, now, 1, direction, PieceKind.DATA, data, len(data)))
    return tape


if __name__ == "__main__":
    main()
