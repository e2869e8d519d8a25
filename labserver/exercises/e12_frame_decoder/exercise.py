"""E12: frames out of a stream of bytes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from labserver.exercises.e10_mask.exercise import mask
from labserver.exercises.e11_encode_frame.exercise import KEY, encode_frame
from labserver.exercises.e12_frame_decoder.play import TYPES, play
from labserver.practice.checking.difference import typed
from labserver.practice.checking.exercise import Case, Diagnosis, Exercise, Failure
from labserver.practice.checking.play import Raised
from labserver.practice.given.frames import Frame, ProtocolError

LAYOUT = "RFC 6455 §5.2: FIN and opcode; MASK and length; more length; key; payload"
STREAM = (
    "RFC 6455 §5.2: a frame states its length; where a TCP read ends means nothing (RFC "
    "9293 §3.9.1)"
)
LENGTH = "RFC 6455 §5.2: 126: the next 16 bits are the length; 127: the next 64"
RSV = "RFC 6455 §5.2: RSV1 to RSV3 must be 0 unless an extension was negotiated: 1002"
OPCODE = "RFC 6455 §5.2: opcodes 3 to 7 and B to F are reserved: 1002"
CONTROL = "RFC 6455 §5.5: control frames have at most 125 bytes: 1002"
UNMASKED = "RFC 6455 §5.1: a client masks all its frames; otherwise the server closes with 1002"
MASKED = "RFC 6455 §5.1: a server masks none of its frames; otherwise the client closes with 1002"
EARLY = "its header is enough"
TOP_BIT = "RFC 6455 §5.2: the most significant bit of a 64-bit length must be 0: 1002"
TOO_BIG = "RFC 6455 §10.4, §7.4.1: a payload over the limit: 1009, as soon as the length is known"

STUB = '''\
from labserver.practice.frames import Frame, ProtocolError


class FrameDecoder:
    """Decodes frames from a stream of bytes.

    role: the side that reads, "server" or "client"; max_payload: in bytes.
    """

    def __init__(self, role: str, max_payload: int) -> None:
        raise NotImplementedError

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that these bytes complete, or raise ProtocolError(code)."""
        raise NotImplementedError
'''

Given = tuple[str, int, tuple[bytes, ...]]


class FrameDecoder:
    """The reference.

    Args:
        role: the side that reads: "server" or "client".
        max_payload: bytes that a frame may carry.
    """

    def __init__(self, role: str, max_payload: int) -> None:
        self._masked = role == "server"
        self._max = max_payload
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that these bytes complete.

        Raises:
            ProtocolError: at the header that breaks the protocol.
        """
        self._buffer += data
        frames = []
        while (frame := self._next()) is not None:
            frames.append(frame)
        return frames

    def _next(self) -> Frame | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        first, second = buffer[0], buffer[1]
        opcode, masked, size = first & 15, second > 127, second & 127
        if first & 0x70 or opcode not in (0, 1, 2, 8, 9, 10) or masked != self._masked:
            raise ProtocolError(1002)
        if opcode >= 8 and size > 125:
            raise ProtocolError(1002)
        start = 2 + {126: 2, 127: 8}.get(size, 0)
        if len(buffer) < start:
            return None
        if size > 125:
            size = int.from_bytes(buffer[2:start])
        if size >> 63:
            raise ProtocolError(1002)
        if size > self._max:
            raise ProtocolError(1009)
        key = bytes(buffer[start : start + 4]) if masked else b""
        end = start + len(key) + size
        if (masked and len(key) < 4) or len(buffer) < end:
            return None
        payload = bytes(buffer[start + len(key) : end])
        del buffer[:end]
        return Frame(first > 127, opcode, mask(payload, key) if masked else payload)


def cases() -> Iterator[Case]:
    """RFC 6455 §5.7 whole and byte by byte, several in one read, faults, random cuts."""
    for role, data, frame in EXAMPLES:
        yield Case((role, 1000, (data,)), LAYOUT, [[frame]])
    for role, data, frame in EXAMPLES:
        yield Case((role, 1000, octets(data)), STREAM, [[]] * (len(data) - 1) + [[frame]])
    yield from together()
    yield from faults()
    yield Case(("client", 125, (b"",)), STREAM, [[]])
    for size, head in ((125, "827d"), (126, "827e007e"), (256, "827e0100"), (65536, LARGE)):
        data = bytes.fromhex(head) + bytes(size)
        yield Case(("client", size, (data,)), LENGTH, [[Frame(True, 2, bytes(size))]])
    yield Case(("client", 2**64, (b"\x82\x7f" + (2**63 - 1).to_bytes(8),)), LENGTH, [[]])
    draws = random.Random(12)
    for _ in range(60):
        yield Case(_random(draws), STREAM)


def octets(data: bytes) -> tuple[bytes, ...]:
    """Cut bytes into single ones."""
    return tuple(data[index : index + 1] for index in range(len(data)))


LARGE = "827f0000000000010000"
EXAMPLES = (
    ("client", bytes.fromhex("8100"), Frame(True, 1, b"")),
    ("client", bytes.fromhex("810548656c6c6f"), Frame(True, 1, b"Hello")),
    ("server", bytes.fromhex("818537fa213d7f9f4d5158"), Frame(True, 1, b"Hello")),
    ("client", bytes.fromhex("010348656c"), Frame(False, 1, b"Hel")),
    ("client", bytes.fromhex("80026c6f"), Frame(True, 0, b"lo")),
    ("client", bytes.fromhex("890548656c6c6f"), Frame(True, 9, b"Hello")),
    ("server", bytes.fromhex("8a8537fa213d7f9f4d5158"), Frame(True, 10, b"Hello")),
    ("client", bytes.fromhex("827e0100") + b"a" * 256, Frame(True, 2, b"a" * 256)),
)

# Who reads, a header, its payload, and why it is refused.
BROKEN = (
    *(("client", bytes([first, 1]), b"a", RSV) for first in (0xC1, 0xA1, 0x91, 0xF1)),
    *(
        ("client", bytes([0x80 | opcode, 1]), b"a", OPCODE)
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
    ),
    ("client", bytes.fromhex("897e007e"), bytes(126), CONTROL),
    ("client", bytes.fromhex("887e007e"), bytes(126), CONTROL),
    ("server", bytes.fromhex("8101"), b"a", UNMASKED),
    ("client", bytes.fromhex("818137fa213d"), b"V", MASKED),
)


def together() -> Iterator[Case]:
    """Give reads that hold more than one frame, or one and a half."""
    one, two = bytes.fromhex("810161"), bytes.fromhex("820162")
    first, second = Frame(True, 1, b"a"), Frame(True, 2, b"b")
    yield Case(("client", 125, (one + two,)), STREAM, [[first, second]])
    yield Case(("client", 125, (one + two[:1], two[1:])), STREAM, [[first], [second]])
    yield Case(("client", 125, (one[:2], one[2:] + two)), STREAM, [[], [first, second]])
    masked = encode_frame(1, b"a", True, KEY) + encode_frame(9, b"", True, KEY)
    yield Case(("server", 125, (masked,)), STREAM, [[first, Frame(True, 9, b"")]])


def faults() -> Iterator[Case]:
    """Give what must be refused: as a whole frame, as its header alone, and that byte by byte."""

    def refused(data: bytes, rule: str, code: int, role: str, most: int, *, cut: bool) -> Case:
        reads = octets(data) if cut else (data,)
        return Case((role, most, reads), rule, [Raised(f"ProtocolError({code})")])

    for role, head, rest, rule in BROKEN:
        yield refused(head + rest, rule, 1002, role, 1000, cut=False)
    for role, head, _, rule in BROKEN:
        for cut in (False, True):
            yield refused(head, f"{rule}; {EARLY}", 1002, role, 1000, cut=cut)
    for role, most, text, rule, code in (
        ("client", 2**64, "827f8000000000000000", TOP_BIT, 1002),
        ("client", 100, "8265", TOO_BIG, 1009),
        ("server", 1000, "82fe03e9", TOO_BIG, 1009),
        ("client", 2**20, "827f0000000100000000", TOO_BIG, 1009),
    ):
        for cut in (False, True):
            yield refused(bytes.fromhex(text), rule, code, role, most, cut=cut)


def _random(draws: random.Random) -> Given:
    role = draws.choice(("client", "server"))
    data = b""
    for _ in range(draws.randint(1, 5)):
        opcode = draws.choice((0, 1, 2, 8, 9, 10))
        size = draws.choice((0, 1, 5, 125)) if opcode >= 8 else draws.choice((0, 1, 7, 126, 300))
        fin = opcode >= 8 or draws.random() < 0.5
        key = draws.randbytes(4) if role == "server" else None
        data += encode_frame(opcode, draws.randbytes(size), fin, key)
    cuts = sorted(draws.sample(range(len(data) + 1), min(draws.randint(0, 6), len(data))))
    ends = [*cuts, len(data)]
    return role, 1000, tuple(data[i:j] for i, j in zip([0, *cuts], ends, strict=True))


def smaller(given: Given) -> Iterator[Given]:
    """Give fewer reads: without the last ones, or with two joined."""
    role, most, reads = given
    for count in range(1, len(reads)):
        yield role, most, reads[:count]
    for i in range(len(reads) - 1):
        yield role, most, (*reads[:i], reads[i] + reads[i + 1], *reads[i + 2 :])


def shown(given: Given) -> list[str]:
    """Show the calls."""
    role, most, reads = given
    lines = [f"decoder = FrameDecoder({role!r}, {most})"]
    if len(reads) > 1 and all(len(read) == 1 for read in reads):
        data = typed(b"".join(reads))
        return [*lines, f"for byte in {data}:", "    decoder.feed(bytes([byte]))"]
    return lines + [f"decoder.feed({typed(read)})" for read in reads]


def field(failure: Failure, index: int) -> str:
    """Name a payload byte: only payloads are shown as bytes."""
    return f"payload byte {index}"


def _strange_end(failure: Failure) -> bool:
    return isinstance(failure.actual, Raised)


def _was_cut(failure: Failure) -> bool:
    return [] in failure.expected


def raises_when_cut(failure: Failure) -> bool:
    """Whether part of a frame was an error."""
    broken = _strange_end(failure) or isinstance(failure.actual[-1], Raised)
    return broken and _was_cut(failure)


def answers_when_cut(failure: Failure) -> bool:
    """Whether a frame was returned before it was complete."""
    pairs = zip(failure.expected, failure.actual, strict=False)
    return any(left == [] and right not in ([], None) for left, right in pairs)


def forgets_when_cut(failure: Failure) -> bool:
    """Whether a frame that came in pieces was never returned."""
    return _was_cut(failure) and failure.expected[-1] != [] and failure.actual[-1] in ([], None)


def loses_the_second(failure: Failure) -> bool:
    """Whether only the first of several frames in a read came out."""
    pairs = zip(failure.expected, failure.actual, strict=False)
    return any(len(left) > len(right) >= 1 and left[: len(right)] == right for left, right in pairs)


def waits_for_the_payload(failure: Failure) -> bool:
    """Whether it refuses this only when the frame is complete, as in earlier cases."""
    role, _, reads = failure.given
    heads = [(who, head) for who, head, _, _ in BROKEN]
    return (role, b"".join(reads)) in heads and not any(failure.actual)


def _refused(rule_bits: Callable[[str, bytes], bool]) -> Callable[[Failure], bool]:
    """Whether it accepted what must be refused for this reason."""

    def fits(failure: Failure) -> bool:
        role, _, reads = failure.given
        wanted = failure.expected[-1]
        return isinstance(wanted, Raised) and rule_bits(role, b"".join(reads))

    return fits


EXERCISE = Exercise(
    id="E12",
    name="FrameDecoder",
    title="frames out of a stream",
    lesson=5,
    points=5,
    stub=STUB,
    cases=cases,
    reference=FrameDecoder,
    play=play,
    types=TYPES,
    shown=shown,
    field=field,
    smaller=smaller,
    hints=(
        "What do you return when only 1 byte has come?",
        (
            "State = a buffer. You need 2 bytes, then 2 or 8 more, then 4, then n; as long as "
            "they are not all there, return without taking any."
        ),
        "while (f := self._try_one()) is not None: out.append(f)   # returns ____ when short",
    ),
    follow_up=(
        "A client declares a frame of 1 TB and sends one byte per minute. What does it "
        "cost you? And a million tiny frames in a single read?",
        "Almost nothing, if you check the limit as soon as the length is known and bound "
        "the time for the rest.\n"
        "A million tiny frames keep the event loop busy while every other client waits. "
        "Decode a bounded number per turn, let the others run in between, and limit the "
        "rate per client.",
    ),
    diagnoses=(
        Diagnosis(
            "you got part of a frame and raised. TCP has no messages: keep what you have for "
            "the next feed.",
            raises_when_cut,
        ),
        Diagnosis(
            "you returned a frame before all its bytes had come. Keep them for the next feed.",
            answers_when_cut,
        ),
        Diagnosis("two frames came in one read; you returned one and lost one.", loses_the_second),
        Diagnosis(
            "the frame's last byte came, but the frame was not returned: keep the bytes of "
            "earlier feeds.",
            forgets_when_cut,
        ),
        Diagnosis(
            "you wait for a payload that will be refused anyway: the header is enough to know.",
            waits_for_the_payload,
        ),
        Diagnosis(
            "an unmasked frame from a client: the server must close with 1002 (RFC 6455 §5.1).",
            _refused(lambda role, data: role == "server" and data[1] < 128),
        ),
        Diagnosis(
            "a masked frame from a server: the client must close with 1002 (RFC 6455 §5.1).",
            _refused(lambda role, data: role == "client" and data[1] > 127),
        ),
        Diagnosis(
            "a reserved bit is set, but no extension was negotiated.",
            _refused(lambda role, data: bool(data[0] & 0x70)),
        ),
        Diagnosis(
            "this opcode is reserved.",
            _refused(lambda role, data: data[0] & 15 not in (0, 1, 2, 8, 9, 10)),
        ),
        Diagnosis(
            "a control frame carries at most 125 bytes.",
            _refused(lambda role, data: data[0] & 8 != 0 and data[1] & 127 > 125),
        ),
        Diagnosis(
            "a length of 2^63 or more is invalid: its top bit must be 0.",
            _refused(lambda role, data: data[1] & 127 == 127 and data[2] > 127),
        ),
        Diagnosis(
            "the length exceeds the limit: refuse the payload now, before it fills your memory.",
            lambda failure: failure.expected[-1] == Raised("ProtocolError(1009)"),
        ),
    ),
)
