"""A trace for Wireshark: pcapng (draft-ietf-opsawg-pcapng) with made-up IPv4 and TCP headers.

The relay reads streams, so segments, acknowledgements and the handshake are made up. Times,
order, lengths, bytes, and how each connection ended, are as they were. After the tape was full, a
packet has its full length and no data, as with a capture's snap length.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from labserver.trace.file import write_whole
from labserver.wire.tape import Direction, Piece, PieceKind

LINKTYPE_RAW = 101  # packets begin with their IP header
SEGMENT_MAX = 1460  # bytes: what an Ethernet frame of 1,500 leaves
WINDOW = 65535
CLIENT, SERVER = (
    0x7F000001,
    0x7F000001,
)  # 127.0.0.1; once all ports are used, clients get the next address
PORT_FIRST, PORTS = 10_000, 55_000  # of clients; one per connection
SEQUENCE = {Direction.UP: 1000, Direction.DOWN: 5000}  # of the SYN

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10

_BACK = {Direction.UP: Direction.DOWN, Direction.DOWN: Direction.UP}


def write_pcapng(path: Path, pieces: Sequence[Piece], port: int) -> Path:
    """Write pieces as packets.

    Args:
        path: the file.
        pieces: in the order in which they were sent.
        port: the server's port.

    Raises:
        LabError: if it cannot be written.
    """
    return write_whole(path, b"".join(pcapng(pieces, port)))


def pcapng(pieces: Sequence[Piece], port: int) -> Iterator[bytes]:
    """Yield the blocks of the file."""
    # Section Header: the byte order, version 1.0, its length left open.
    yield _block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    # Interface Description: no snap length; option 9, if_tsresol, says nanoseconds.
    options = struct.pack("<HHB3xHH", 9, 1, 9, 0, 0)
    yield _block(1, struct.pack("<HHI", LINKTYPE_RAW, 0, 0) + options)
    connections: dict[int, _TcpConnection] = {}
    for piece in pieces:
        connection = connections.get(piece.connection)
        if connection is None:
            connection = connections[piece.connection] = _TcpConnection(piece.connection, port)
        for packet, length in connection.packets(piece):
            time = max(0, piece.sent_ns)
            head = struct.pack(
                "<IIIII", 0, time >> 32, time & 0xFFFFFFFF, len(packet), length
            )  # Enhanced Packet
            yield _block(6, head + packet + bytes(-len(packet) % 4))


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length


class _TcpConnection:
    """One TCP connection: its addresses, and the sequence number of each side."""

    def __init__(self, connection: int, port: int) -> None:
        host, own = divmod(connection, PORTS)
        client, server = (CLIENT + host, PORT_FIRST + own), (SERVER, port)
        self._ends = {
            Direction.UP: client + server,
            Direction.DOWN: server + client,
        }
        self._next = dict(SEQUENCE)
        self._identity = 0
        self._open = False

    def packets(self, piece: Piece) -> Iterator[tuple[bytes, int]]:
        """Yield the packets of a piece, each with its length on the wire."""
        direction, back = piece.direction, _BACK[piece.direction]
        if piece.kind is PieceKind.OPEN or not self._open:
            self._open = True
            yield self._packet(Direction.UP, SYN)
            yield self._packet(Direction.DOWN, SYN | ACK)
            yield self._packet(Direction.UP, ACK)
        if piece.kind is PieceKind.DATA:
            for start in range(0, piece.size, SEGMENT_MAX):
                size = min(SEGMENT_MAX, piece.size - start)
                last = PSH if start + size == piece.size else 0
                yield self._packet(direction, ACK | last, piece.data[start : start + size], size)
        elif piece.kind is PieceKind.END:
            yield self._packet(direction, FIN | ACK)
            yield self._packet(back, ACK)
        elif piece.kind is PieceKind.ABORT:
            yield self._packet(direction, RST | ACK)

    def _packet(
        self, direction: Direction, flags: int, data: bytes = b"", size: int = 0
    ) -> tuple[bytes, int]:
        source, source_port, target, target_port = self._ends[direction]
        self._identity = (self._identity + 1) & 0xFFFF
        number = self._next[direction]
        acknowledged = self._next[_BACK[direction]] if flags & ACK else 0
        self._next[direction] = (number + size + bool(flags & (SYN | FIN))) & 0xFFFFFFFF
        tcp = struct.pack(
            "!HHIIBBHHH",
            source_port,
            target_port,
            number,
            acknowledged,
            5 << 4,
            flags,
            WINDOW,
            0,
            0,
        )
        pseudo = struct.pack("!IIBBH", source, target, 0, 6, len(tcp) + size)
        sum_ = checksum(pseudo + tcp + data)
        tcp = tcp[:16] + sum_.to_bytes(2, "big") + tcp[18:]
        ip = struct.pack(
            "!BBHHHBBHII",
            0x45,
            0,
            20 + len(tcp) + size,
            self._identity,
            0x4000,  # don't fragment
            64,
            6,
            0,
            source,
            target,
        )
        ip = ip[:10] + checksum(ip).to_bytes(2, "big") + ip[12:]
        return ip + tcp + data, len(ip) + len(tcp) + size


def checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
