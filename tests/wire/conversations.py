"""Conversations as they are on the wire, and what decodes them in pieces of any size."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from itertools import count

import h2.config
import h2.connection
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Close, Frame, Opcode

from labserver.trace.trace import Trace
from labserver.wire.connection_decoder import ConnectionDecoder
from labserver.wire.message import Message
from labserver.wire.tape import Direction, Piece, PieceKind, Tape

UP, DOWN = Direction.UP, Direction.DOWN
Said = Sequence[tuple[Direction, bytes]]
Cut = Callable[[bytes], Iterable[bytes]]

UPGRADE = (
    b"GET /ws/chat?room=lobby HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n%s\r\n"
)
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n%s\r\n"
)
HANDSHAKE: Said = ((UP, UPGRADE % b""), (DOWN, SWITCHED % b""))


def whole(data: bytes) -> list[bytes]:
    """As it was said."""
    return [data]


def bytewise(data: bytes) -> list[bytes]:
    """One byte at a time."""
    return [data[at : at + 1] for at in range(len(data))]


def randomly(rng: random.Random) -> Cut:
    """In pieces of 1 to 40 bytes, and now and then of more."""

    def cut(data: bytes) -> Iterable[bytes]:
        at = 0
        while at < len(data):
            size = rng.choice((1, 2, 3, rng.randint(1, 40), rng.randint(1, 5000)))
            yield data[at : at + size]
            at += size

    return cut


def pieces(said: Said, cut: Cut = whole, *, connection: int = 1, ends: bool = True) -> list[Piece]:
    """What a relay writes down of a conversation; a microsecond between pieces."""
    found = [Piece(0, 0, connection, UP, PieceKind.OPEN)]
    at = 0
    runs: list[tuple[Direction, bytes]] = []
    for direction, data in said:
        before = runs.pop()[1] if runs and runs[-1][0] is direction else b""
        runs.append((direction, before + data))
    for direction, data in runs:
        for each in cut(data):
            at += 1000
            found.append(
                Piece(at, at + 500, connection, direction, PieceKind.DATA, bytes(each), len(each))
            )
    if ends:
        found += [Piece(at + 1000, at + 1500, connection, end, PieceKind.END) for end in (DOWN, UP)]
    return found


def seen(given: Iterable[Piece]) -> list[Message]:
    """The messages of one connection's pieces, with what is left at the end."""
    decoder = ConnectionDecoder(1, count(1))
    return [message for piece in given for message in decoder.feed(piece)] + decoder.close()


def decoded(said: Said, cut: Cut = whole, *, ends: bool = True) -> list[Message]:
    """The messages of a conversation, without its beginning and end; each has all its bytes."""
    messages = seen(pieces(said, cut, ends=ends))
    check(messages, said)
    return [message for message in messages if message.raw]


def check(messages: Sequence[Message], said: Said) -> None:
    """All bytes are in messages, in order; parts cover each; the sizes add up."""
    for direction in Direction:
        wire = b"".join(data for each, data in said if each is direction)
        assert b"".join(m.raw for m in messages if m.direction is direction) == wire
    for message in messages:
        at = 0
        for part in message.parts:
            assert part.start == at < part.end, (part, message)
            at = part.end
        assert at == len(message.raw), message
        payload = sum(part.end - part.start for part in message.parts if part.is_payload)
        assert payload == message.payload, message
        assert message.began <= message.sent <= message.arrived
        assert isinstance(message.summary, str)


def look(message: Message) -> tuple[object, ...]:
    """What is the same however the bytes were cut."""
    return (
        message.direction,
        message.kind,
        message.raw,
        message.error,
        message.summary,
        message.parts,
        message.detail,
    )


def trace_of(*said: Said, cut: Cut = whole, port: int = 80, ended: bool = True) -> Trace:
    """A trace of conversations, each on a connection of its own."""
    tape = Tape()
    for connection, each in enumerate(said, 1):
        for piece in pieces(each, cut, connection=connection):
            tape.add(piece)
    return Trace(tape, port=port, ended=ended)


def ws(direction: Direction, *frames: Frame, extensions: Sequence[PerMessageDeflate] = ()) -> bytes:
    """Frames as websockets writes them."""
    return b"".join(
        frame.serialize(mask=direction is UP, extensions=list(extensions)) for frame in frames
    )


def deflate(*, takeover: bool = True) -> PerMessageDeflate:
    """websockets' own permessage-deflate."""
    return PerMessageDeflate(not takeover, not takeover, 15, 15)


def _http2() -> Said:
    client = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    server = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    said: list[tuple[Direction, bytes]] = []

    def pass_on() -> None:
        if data := client.data_to_send():
            said.append((UP, data))
            server.receive_data(data)
        if data := server.data_to_send():
            said.append((DOWN, data))
            client.receive_data(data)

    client.initiate_connection()
    server.initiate_connection()
    pass_on()
    for stream in (1, 3):
        path = [(":method", "GET"), (":path", "/events"), (":scheme", "http"), (":authority", "x")]
        client.send_headers(stream, path, end_stream=True)
        pass_on()
        server.send_headers(stream, [(":status", "200"), ("content-type", "text/event-stream")])
        server.send_data(stream, b"data: hi\n\n")
        server.send_data(stream, b"data: ho\n\n", end_stream=True, pad_length=7)
        pass_on()
    client.ping(b"12345678")
    pass_on()
    return said


_PMD = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
_STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n%s\r\n"
_EVENTS = (
    "id: 1-0\nretry: 1000\n\n: ping\n\nid: 1-1\nevent: CHAT_MESSAGE\ndata: grüß\ndata:dich\n\n"
    "data: crlf\r\n\r\ndata: cr\r\rdata\n\n"
).encode()


def chunked(data: bytes, *sizes: int) -> bytes:
    """`data` in chunks, without the last one."""
    found, at = b"", 0
    for size in (*sizes, len(data)):
        if piece := data[at : at + size]:
            found += b"%x\r\n%s\r\n" % (len(piece), piece)
        at += size
    return found


def _compressed() -> Said:
    up, down = [deflate()], [deflate()]
    text = Frame(Opcode.TEXT, b"hello hello hello hello")
    return (
        (UP, UPGRADE % _PMD),
        (DOWN, SWITCHED % _PMD),
        (UP, ws(UP, text, text, extensions=up)),
        (
            DOWN,
            ws(
                DOWN,
                text,
                Frame(Opcode.TEXT, b"in two ", fin=False),
                Frame(Opcode.CONT, "pärts".encode()),
                Frame(Opcode.PING, b"?"),
                extensions=down,
            ),
        ),
    )


CONVERSATIONS: dict[str, Said] = {
    "keep-alive": (
        (UP, b"GET /messages?after=1-0 HTTP/1.1\r\nHost: x\r\n\r\n"),
        (DOWN, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: a\r\n\r\nhello"),
        (UP, b"POST /messages HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"),
        (DOWN, b"HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked\r\n\r\n"),
        (DOWN, b"5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n"),
        (UP, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        (DOWN, b"HTTP/1.1 204 No Content\r\n\r\n"),
    ),
    "pipelined": (
        (UP, b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n"),
        (UP, b"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (UP, b"3\r\nabc\r\n0\r\n\r\n"),
        (DOWN, b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"),
        (DOWN, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n"),
        (DOWN, b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"),
        (DOWN, b"HTTP/1.0 200 OK\r\n\r\nuntil the end"),
    ),
    "refused upgrade": (
        (UP, UPGRADE % b"" + b"GET /after HTTP/1.1\r\nHost: x\r\n\r\n"),
        (DOWN, b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"),
        (DOWN, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes"),
    ),
    "events in chunks": (
        (UP, b"GET /events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"),
        (DOWN, _STREAM % b"Transfer-Encoding: chunked\r\n"),
        (DOWN, chunked(_EVENTS, 22, 3, 5, 11, 30, 2, 2) + b"0\r\n\r\n"),
    ),
    "events until the end": (
        (UP, b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n"),
        (DOWN, _STREAM % b"" + b"\xef\xbb\xbf" + _EVENTS + b"data: cut"),
    ),
    "websocket": (
        *HANDSHAKE,
        (UP, ws(UP, Frame(Opcode.TEXT, b"Hello"), Frame(Opcode.BINARY, bytes(200)))),
        (DOWN, ws(DOWN, Frame(Opcode.TEXT, "grü".encode()[:-1], fin=False))),
        (DOWN, ws(DOWN, Frame(Opcode.PING, b"?"), Frame(Opcode.CONT, "ü".encode()[1:]))),
        (UP, ws(UP, Frame(Opcode.PONG, b"?"), Frame(Opcode.TEXT, b"x" * 70_000))),
        (DOWN, ws(DOWN, Frame(Opcode.CLOSE, Close(1001, "bye").serialize()))),
        (UP, ws(UP, Frame(Opcode.CLOSE, Close(1001, "").serialize()))),
    ),
    "compressed websocket": _compressed(),
    "http2": _http2(),
    "tls": (
        (UP, b"\x16\x03\x01\x00\x05hello"),
        (DOWN, b"\x16\x03\x03\x00\x02ok\x14\x03\x03\x00\x01\x01\x17\x03\x03\x00\x00"),
        (UP, b"\x17\x03\x03\x00\x03abc\x15\x03\x03\x00\x02\x01\x00"),
    ),
    "something else": ((DOWN, b"SSH-2.0-x\r\n"), (UP, b"\x00\x01\x02"), (DOWN, bytes(40_000))),
    "only the server": ((DOWN, b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"),),
}


def mutated(said: Said, rng: random.Random) -> Said:
    """A conversation in which bytes are changed, lost, repeated or put in."""
    found = []
    for direction, data in said:
        changed = bytearray(data)
        for _ in range(rng.choice((0, 0, 1, 1, 2, 5))):
            at = rng.randrange(len(changed) + 1)
            what = rng.randrange(4)
            if what == 0 and at < len(changed):
                changed[at] = rng.randrange(256)
            elif what == 1:
                del changed[at : at + rng.randint(1, 8)]
            elif what == 2:
                changed[at:at] = changed[at : at + rng.randint(1, 64)]
            else:
                changed[at:at] = rng.randbytes(rng.randint(1, 8))
        if changed:
            found.append((direction, bytes(changed)))
    return found
