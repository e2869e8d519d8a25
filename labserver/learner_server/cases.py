"""What a conformance run sends, and what must come back: data, case after case.

Each case is one connection. The client ends it with a close frame, code 1000, unless the case
has its own; so anything that a server sends too much or too little comes before its reply to that.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, replace

from labserver.learner_server.parts import MESSAGE_MAX
from labserver.wire.websocket_accept import accept_key
from labserver.wire.websocket_frame import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    masked_with,
)

FIN = 0x80
MASK = bytes.fromhex("37fa213d")  # from RFC 6455 §5.7; a real client draws a new one each time
GOODBYE = 1000
NO_CODE = -1  # a close frame that is empty (RFC 6455 §7.1.5)

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 §1.3
FIELDS = {
    "Host": "127.0.0.1",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}


def request(first: str = "GET / HTTP/1.1", **changed: str | None) -> bytes:
    """Return a handshake with fields changed, by the last word of their names; None omits one."""
    fields = {name: changed.get(name.split("-")[-1], value) for name, value in FIELDS.items()}
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([first, *lines, "", ""]).encode()


@dataclass(frozen=True, slots=True)
class Item:
    """A data frame or a pong that must come, unmasked and whole."""

    opcode: int
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ConformanceCase:
    """One connection.

    Attributes:
        group: what it is about.
        name: what the client does, in a few words.
        rule: the rule that decides, with its source.
        exercise: the exercise whose part decides.
        request: the handshake.
        status: the statuses that may answer it; anything but 101 ends the case.
        version: the Sec-WebSocket-Version that must come; "" if it does not matter.
        accept: the Sec-WebSocket-Accept that must come; "" if it does not matter.
        send: the writes after the handshake, with a moment between them.
        answers: the frames that must come back, in this order.
        codes: the close codes that may come last.
        refused: close codes that are accepted instead of the answers and the close.
        says_goodbye: whether the client closes.
    """

    group: str
    name: str
    rule: str
    exercise: str
    request: bytes = request()
    status: tuple[int, ...] = (101,)
    version: str = ""
    accept: str = ""
    send: tuple[bytes, ...] = ()
    answers: tuple[Item, ...] = ()
    codes: tuple[int, ...] = (GOODBYE,)
    refused: tuple[int, ...] = ()
    says_goodbye: bool = True


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    length: bytes | None = None,
    masked: bool = True,
) -> bytes:
    """Return a client's frame, valid or not.

    Args:
        opcode: 0 to 15.
        payload: the payload before masking.
        fin: whether it is the last frame of its message.
        rsv: the reserved bits; RSV1 is 4.
        length: the bytes of the length field, including the escape; None for the right ones.
        masked: whether to mask the payload.
    """
    size = len(payload)
    if length is None:
        if size <= 125:
            length = bytes([size])
        elif size <= 0xFFFF:
            length = b"\x7e" + size.to_bytes(2)
        else:
            length = b"\x7f" + size.to_bytes(8)
    first = bytes([FIN * fin | rsv << 4 | opcode])
    if not masked:
        return first + length + payload
    return first + bytes([length[0] | 0x80]) + length[1:] + MASK + masked_with(payload, MASK)


def close(code: int, reason: bytes = b"") -> bytes:
    """Return a client's close frame."""
    return frame(CLOSE, code.to_bytes(2) + reason)


def octets(data: bytes) -> tuple[bytes, ...]:
    """Cut bytes into single ones."""
    return tuple(data[index : index + 1] for index in range(len(data)))


def handshakes() -> Iterator[ConformanceCase]:
    """Handshakes that a server must accept or refuse."""

    def yes(name: str, rule: str, exercise: str, asked: bytes, key: str = KEY) -> ConformanceCase:
        return ConformanceCase(
            group="handshake",
            name=name,
            rule=rule,
            exercise=exercise,
            request=asked,
            accept=accept_key(key),
        )

    def no(name: str, rule: str, asked: bytes, *status: int) -> ConformanceCase:
        return ConformanceCase(
            group="handshake", name=name, rule=rule, exercise="E09", request=asked, status=status
        )

    accept = "RFC 6455 §4.2.2, step 5.4: Base64 of the SHA-1 of key and GUID"
    other = base64.b64encode(bytes(range(16))).decode()
    yield yes("the RFC's own key", accept, "E08", request())
    yield yes("another key", accept, "E08", request(Key=other), other)
    names = "RFC 9110 §5.1: field names are case-insensitive"
    lower = b"\r\n".join(
        name.lower() + colon + value
        for name, colon, value in (line.partition(b": ") for line in request().split(b"\r\n")[1:])
    )
    yield yes("field names in lower case", names, "E09", b"GET / HTTP/1.1\r\n" + lower)
    upper = request().replace(b"Upgrade: websocket", b"UPGRADE: WebSocket")
    yield yes("Upgrade: WebSocket", "RFC 6455 §4.2.1, step 3: case-insensitive", "E09", upper)
    tokens = "RFC 6455 §4.2.1, step 4: Connection has the token Upgrade among others"
    yield yes(
        "Connection: keep-alive, Upgrade",
        tokens,
        "E09",
        request(Connection="keep-alive, Upgrade"),
    )
    version = "RFC 6455 §4.4: for another version, 426 with the version that is supported"
    yield replace(no("version 8", version, request(Version="8"), 426), version="13")
    key = "RFC 6455 §4.2.1, step 5: a key that decodes to 16 bytes; otherwise 400"
    yield no("no key", key, request(Key=None), 400)
    short = base64.b64encode(bytes(15)).decode()
    yield no("a key of 15 bytes", key, request(Key=short), 400)
    upgrade = "RFC 6455 §4.2.1, step 3; RFC 9110 §15.5.22: 426 asks for an upgrade; 400 is accepted"
    yield no("no Upgrade", upgrade, request(Upgrade=None), 426, 400)
    post = "RFC 6455 §4.1: a handshake is a GET; RFC 9110 §15.5.6: 405; 400 and 501 are accepted"
    yield no("POST", post, request("POST / HTTP/1.1"), 405, 400, 501)


@dataclass(frozen=True, slots=True)
class CaseMaker:
    """Makes the cases of a group."""

    name: str

    def stays(
        self, name: str, rule: str, exercise: str, send: tuple[bytes, ...], *answers: Item
    ) -> ConformanceCase:
        """Make a case of what is allowed, and its answers."""
        return ConformanceCase(
            group=self.name, name=name, rule=rule, exercise=exercise, send=send, answers=answers
        )

    def ends(
        self, name: str, rule: str, exercise: str, send: tuple[bytes, ...], *codes: int
    ) -> ConformanceCase:
        """Make a case of what is not allowed, and the close codes that may answer it."""
        return ConformanceCase(
            group=self.name, name=name, rule=rule, exercise=exercise, send=send, codes=codes
        )


HELLO = Item(TEXT, b"Hello")
SIZES = (0, 1, 125, 126, 65_535, 65_536)


def framing() -> Iterator[ConformanceCase]:
    """Lengths at each boundary, and the stream in all kinds of pieces."""
    group = CaseMaker("framing")
    lengths = "RFC 6455 §5.2: 7, 16 or 64 bits of length, whichever is the shortest"
    for opcode, word, one in ((TEXT, "text", b"*"), (BINARY, "binary", b"\xfe")):
        for size in SIZES:
            name = f"{word} of {size:,} {'byte' if size == 1 else 'bytes'}"
            payload = one * size
            answer = Item(opcode, payload)
            yield group.stays(name, lengths, "E11, E12", (frame(opcode, payload),), answer)
    stream = "RFC 6455 §5.2: a frame states its length; where a TCP read ends means nothing"
    hello = frame(TEXT, b"Hello")
    yield group.stays("text, byte by byte", stream, "E12", octets(hello), HELLO)
    long = bytes(range(126))
    pieces = octets(frame(BINARY, long))
    yield group.stays(
        "binary of 126 bytes, byte by byte", stream, "E12", pieces, Item(BINARY, long)
    )
    three = tuple(Item(TEXT, word) for word in (b"one", b"two", b"three"))
    together = b"".join(frame(TEXT, item.payload) for item in three)
    yield group.stays("three texts in one write", stream, "E12", (together,), *three)
    cut = (hello + hello[:1], hello[1:])
    yield group.stays("a text and the first byte of another", stream, "E12", cut, HELLO, HELLO)
    masking = "RFC 6455 §5.1: a client masks its frames; otherwise the server closes with 1002"
    yield group.ends(
        "a frame without a mask", masking, "E12", (frame(TEXT, b"Hello", masked=False),), 1002
    )
    longer = "RFC 6455 §5.2: the shortest form must be sent; another may be accepted or get 1002"
    for name, length in (("16", b"\x7e\0\x05"), ("64", b"\x7f" + (5).to_bytes(8))):
        sent = (frame(TEXT, b"Hello", length=length),)
        case = group.stays(f"length 5 in {name} bits", longer, "E12", sent, HELLO)
        yield replace(case, refused=(1002,))
    top = "RFC 6455 §5.2: the highest bit of a 64-bit length must be 0"
    sent = (frame(BINARY, length=b"\x7f\x80" + bytes(7)),)
    yield group.ends("a length of 2⁶³", top, "E12", sent, 1002)


def pings() -> Iterator[ConformanceCase]:
    """Pings, and unsolicited pongs."""
    group = CaseMaker("pings")
    echo = "RFC 6455 §5.5.3: a pong has the payload of its ping"
    for name, payload in (
        ("an empty ping", b""),
        ("a ping of 125 bytes", b"p" * 125),
        ("a ping that is not UTF-8", b"\xff\x00\xfe"),
    ):
        yield group.stays(name, echo, "E13", (frame(PING, payload),), Item(PONG, payload))
    ten = [bytes([0x30 + number]) for number in range(10)]
    sent = (b"".join(frame(PING, one) for one in ten),)
    yield group.stays("ten pings", echo, "E12, E13", sent, *(Item(PONG, one) for one in ten))
    between = "RFC 6455 §5.4, §5.5.2: a ping between fragments is answered at once"
    three = (frame(TEXT, b"Hel", fin=False), frame(PING, b"now"), frame(CONTINUATION, b"lo"))
    yield group.stays("a ping between fragments", between, "E13", three, Item(PONG, b"now"), HELLO)
    unasked = "RFC 6455 §5.5.3: a pong is not answered, solicited or not"
    two = (frame(PONG, b"unasked"), frame(TEXT, b"Hello"))
    yield group.stays("an unsolicited pong", unasked, "E13", two, HELLO)
    size = "RFC 6455 §5.5: control frames have at most 125 bytes"
    yield group.ends("a ping of 126 bytes", size, "E12", (frame(PING, b"p" * 126),), 1002)


def reserved() -> Iterator[ConformanceCase]:
    """Bits and opcodes that have no meaning yet."""
    bits, opcodes = CaseMaker("reserved bits"), CaseMaker("opcodes")
    rule = "RFC 6455 §5.2: must be 0 unless an extension was negotiated"
    for number, bit in ((1, 4), (2, 2), (3, 1)):
        sent = (frame(TEXT, b"Hello", rsv=bit),)
        yield bits.ends(f"RSV{number} in a text", rule, "E12", sent, 1002)
    yield bits.ends("RSV1 in a ping", rule, "E12", (frame(PING, rsv=4),), 1002)
    rule = "RFC 6455 §5.2: 3 to 7 and B to F are reserved"
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        yield opcodes.ends(f"opcode {opcode:X}", rule, "E12", (frame(opcode, b"Hello"),), 1002)


def fragments() -> Iterator[ConformanceCase]:
    """Messages in several frames."""
    group = CaseMaker("fragmentation")
    rule = (
        "RFC 6455 §5.4: the first frame has the opcode, the others have 0, and the last one has FIN"
    )
    first, last = frame(TEXT, b"Hel", fin=False), frame(CONTINUATION, b"lo")
    yield group.stays("a text in two frames", rule, "E13", (first, last), HELLO)
    binary = (frame(BINARY, b"\xff", fin=False), frame(CONTINUATION, b"\x00"))
    yield group.stays("a binary in two frames", rule, "E13", binary, Item(BINARY, b"\xff\x00"))
    empty = (frame(TEXT, fin=False), frame(CONTINUATION, b"Hello", fin=False), frame(CONTINUATION))
    yield group.stays("empty first and last frames", rule, "E13", empty, HELLO)
    twice = (first + last, first + last)
    yield group.stays("two such texts, one after the other", rule, "E13", twice, HELLO, HELLO)
    open_none = "RFC 6455 §5.4: a frame with opcode 0 continues a message that is open"
    yield group.ends("a continuation of nothing", open_none, "E13", (last,), 1002)
    sent = (frame(TEXT, b"Hello"), last)
    case = group.stays("a continuation after the end", open_none, "E13", sent, HELLO)
    yield replace(case, codes=(1002,))
    inside = "RFC 6455 §5.4: fragments of two messages must not be interleaved"
    yield group.ends("a text within a text", inside, "E13", (first, frame(TEXT, b"Hello")), 1002)
    sent = (first, frame(BINARY, b"Hello"))
    yield group.ends("a binary within a text", inside, "E13", sent, 1002)
    control = "RFC 6455 §5.5: control frames must not be fragmented"
    yield group.ends("a ping without FIN", control, "E13", (frame(PING, fin=False),), 1002)
    yield group.ends("a close without FIN", control, "E13", (frame(CLOSE, fin=False),), 1002)


def utf8() -> Iterator[ConformanceCase]:
    """Text, valid and invalid."""
    group = CaseMaker("UTF-8")
    rule = "RFC 6455 §5.6: the whole message is UTF-8; a frame may end within a character"
    word = "Grüße 👋 κόσμε".encode()
    yield group.stays(
        "a text with characters of 1 to 4 bytes", rule, "E14", _text(word), Item(1, word)
    )
    cut = word.index(b"\xf0") + 2
    yield group.stays("cut within a character", rule, "E14", _text(word, cut), Item(TEXT, word))
    each = tuple(
        frame(CONTINUATION if index else TEXT, word[index : index + 1], fin=index + 1 == len(word))
        for index in range(len(word))
    )
    yield group.stays("one byte per frame", rule, "E14", each, Item(TEXT, word))
    invalid = "RFC 6455 §8.1: bytes that are not UTF-8 end the connection"
    for name, data in (
        ("a byte that is never in UTF-8", b"caf\xff"),
        ("half of a UTF-16 pair", b"\xed\xa0\x80"),
        ("a character in too many bytes", b"\xc0\xaf"),
        ("beyond the last character", b"\xf4\x90\x80\x80"),
        ("the end within a character", b"caf\xc3"),
    ):
        yield group.ends(name, invalid, "E14", _text(data), 1007)
    yield group.ends(
        "invalid UTF-8 in the second frame", invalid, "E14", _text(b"caf\xc3(", 4), 1007
    )
    data = b"\xff\xfe\xed\xa0\x80"
    binary = "RFC 6455 §5.6: a binary message may hold any bytes"
    yield group.stays("the same in a binary", binary, "E14", (frame(BINARY, data),), Item(2, data))


def _text(data: bytes, cut: int = 0) -> tuple[bytes, ...]:
    """Return a text, in two frames if there is a cut."""
    if not cut:
        return (frame(TEXT, data),)
    return frame(TEXT, data[:cut], fin=False), frame(CONTINUATION, data[cut:])


def closes() -> Iterator[ConformanceCase]:
    """Close frames, valid and invalid, and what follows them."""
    group = CaseMaker("close")

    def case(
        name: str, rule: str, exercise: str, sent: tuple[bytes, ...], *codes: int
    ) -> ConformanceCase:
        return replace(group.ends(name, rule, exercise, sent, *codes), says_goodbye=False)

    echo = "RFC 6455 §5.5.1: the answer typically echoes the code"
    for code in (1000, 1001, 3000, 4999):
        yield case(f"code {code}", echo, "E15", (close(code),), code)
    reason = "é".encode() * 61 + b"!"
    yield case("a reason of 123 bytes", echo, "E15", (close(1000, reason),), 1000)
    nothing = "RFC 6455 §7.1.5: no code counts as 1005, which is never sent; the echo is empty"
    yield case("no code", nothing, "E15", (frame(CLOSE),), NO_CODE, 1000)
    half = "RFC 6455 §5.5.1: a body starts with a code of 2 bytes"
    yield case("half a code", half, "E15", (frame(CLOSE, b"\x03"),), 1002)
    never = "RFC 6455 §7.4: 1004 to 1006, 1015 and what is undefined are never sent"
    for code in (0, 999, 1004, 1005, 1006, 1015, 2999, 5000):
        yield case(f"code {code}", never, "E15", (close(code),), 1002)
    text = "RFC 6455 §5.5.1, §8.1: a reason must be UTF-8: 1007, and 1002 is accepted"
    yield case("a reason that is not UTF-8", text, "E15", (close(1000, b"\xff"),), 1007, 1002)
    size = "RFC 6455 §5.5: control frames have at most 125 bytes"
    yield case("a close of 126 bytes", size, "E12", (close(1000, b"r" * 124),), 1002)
    after = "RFC 6455 §1.4, §5.5.1: everything after a close frame is discarded"
    late = close(1000) + frame(TEXT, b"late") + frame(PING, b"late")
    yield case("a text and a ping after it", after, "E13", (late,), 1000)
    within = "RFC 6455 §5.4: a control frame may stand between fragments"
    sent = (frame(TEXT, b"Hel", fin=False), close(1000))
    yield case("within a message", within, "E13", sent, 1000)


def limits() -> Iterator[ConformanceCase]:
    """A message over the limit of `serve_yours`."""
    group = CaseMaker("limits")
    rule = "RFC 6455 §7.4.1, §10.4: 1009, as soon as the length is known"
    over = MESSAGE_MAX + 1
    head = frame(BINARY, length=b"\x7f" + over.to_bytes(8))
    yield group.ends(f"a frame that declares {over:,} bytes", rule, "E12", (head,), 1009)
    half = bytes(MESSAGE_MAX // 2)
    sent = (
        frame(BINARY, half, fin=False),
        frame(CONTINUATION, half, fin=False),
        frame(CONTINUATION, b"!", fin=False),
    )
    yield group.ends(f"{over:,} bytes in three frames", rule, "lab", sent, 1009)
    whole = bytes(MESSAGE_MAX)
    exactly = f"limits of this server: {MESSAGE_MAX:,} bytes are accepted"
    yield group.stays(
        f"{MESSAGE_MAX:,} bytes", exactly, "E12", (frame(BINARY, whole),), Item(BINARY, whole)
    )


CASES = (
    *handshakes(),
    *framing(),
    *pings(),
    *reserved(),
    *fragments(),
    *utf8(),
    *closes(),
    *limits(),
)
