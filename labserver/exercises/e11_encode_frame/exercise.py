"""E11: a frame as bytes."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from typing import Any

from labserver.exercises.e10_mask.exercise import mask
from labserver.exercises.e11_encode_frame.play import TYPES, play
from labserver.practice.checking.exercise import Case, Diagnosis, Exercise, Failure, shorter
from labserver.practice.checking.play import Raised

LAYOUT = "RFC 6455 §5.2: FIN and opcode; MASK and length; more length; key; payload"
LENGTH = "RFC 6455 §5.2: up to 125 in 7 bits; 126 and 16 bits; 127 and 64 bits; the shortest form"
CONTROL = "RFC 6455 §5.5: control frames have at most 125 bytes and are not fragmented"
KEY = bytes.fromhex("37fa213d")

STUB = '''\
import struct


def encode_frame(
    opcode: int, payload: bytes, fin: bool = True, mask_key: bytes | None = None
) -> bytes:
    """Return the bytes of a frame; with a key, its payload is masked."""
    raise NotImplementedError
'''


def encode_frame(
    opcode: int, payload: bytes, fin: bool = True, mask_key: bytes | None = None
) -> bytes:
    """The reference."""
    size = len(payload)
    if opcode >= 8 and (size > 125 or not fin):
        raise ValueError("a control frame is short and whole")
    masked = 0 if mask_key is None else 0x80
    head = bytes([fin << 7 | opcode])
    if size <= 125:
        head += bytes([masked | size])
    elif size <= 0xFFFF:
        head += struct.pack("!BH", masked | 126, size)
    else:
        head += struct.pack("!BQ", masked | 127, size)
    return head + (payload if mask_key is None else mask_key + mask(payload, mask_key))


def cases() -> Iterator[Case]:
    """RFC 6455 §5.7's examples, the lengths at each border, and control frames."""
    yield Case((1, b""), LAYOUT, bytes.fromhex("8100"))
    yield Case((1, b"Hello"), LAYOUT, bytes.fromhex("810548656c6c6f"))
    yield Case((1, b"Hel", False, None), LAYOUT, bytes.fromhex("010348656c"))
    yield Case((0, b"lo", True, None), LAYOUT, bytes.fromhex("80026c6f"))
    yield Case((9, b"Hello", True, None), LAYOUT, bytes.fromhex("890548656c6c6f"))
    yield Case((1, b"Hello", True, KEY), LAYOUT, bytes.fromhex("818537fa213d7f9f4d5158"))
    yield Case((10, b"Hello", True, KEY), LAYOUT, bytes.fromhex("8a8537fa213d7f9f4d5158"))
    yield Case((9, b"Hello", False, None), CONTROL, Raised("ValueError"))
    yield Case((8, b"", False, None), CONTROL, Raised("ValueError"))
    yield Case((9, b"p" * 125, True, None), CONTROL, b"\x89\x7d" + b"p" * 125)
    yield Case((9, b"p" * 126, True, None), CONTROL, Raised("ValueError"))
    yield Case((2, b"a" * 125, True, None), LENGTH, b"\x82\x7d" + b"a" * 125)
    yield Case((2, b"a" * 126, True, None), LENGTH, b"\x82\x7e\x00\x7e" + b"a" * 126)
    yield Case((2, b"a" * 127, True, None), LENGTH, b"\x82\x7e\x00\x7f" + b"a" * 127)
    yield Case((2, bytes(256), True, None), LENGTH, b"\x82\x7e\x01\x00" + bytes(256))
    head = b"\x82\xfe\x01\x00"
    yield Case((2, bytes(256), True, KEY), LENGTH, head + KEY + KEY * 64)
    yield Case((2, bytes(65535), True, None), LENGTH, b"\x82\x7e\xff\xff" + bytes(65535))
    long = b"\x82\x7f" + (65536).to_bytes(8)
    yield Case((2, bytes(65536), True, None), LENGTH, long + bytes(65536))
    draws = random.Random(11)
    for size in sorted(draws.choices(range(300), k=30)):
        payload, fin = draws.randbytes(size), draws.random() < 0.7
        yield Case((draws.choice((0, 1, 2)), payload, fin, draws.choice((None, KEY))), LAYOUT)


def payload_and_key(failure: Failure) -> tuple[bytes, bytes | None]:
    """Return the arguments; the key may be left out."""
    given = failure.given
    return given[1], given[3] if len(given) > 3 else None


def smaller(given: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Give shorter payloads, and no key."""
    opcode, payload, fin, key = given
    for cut in shorter(len(payload)):
        yield opcode, payload[:cut], fin, key
    if key is not None:
        yield opcode, payload, fin, None


def field(failure: Failure, index: int) -> str:
    """Name the part of a frame that a byte belongs to."""
    payload, key = payload_and_key(failure)
    more = 0 if len(payload) <= 125 else 2 if len(payload) <= 0xFFFF else 8
    fields = (
        ("FIN, RSV and opcode", 1),
        ("MASK bit and 7 bits of length", 1),
        ("extended payload length", more),
        ("masking key", 0 if key is None else 4),
    )
    for name, size in fields:
        if index < size:
            return name
        index -= size
    return f"payload byte {index}"


def has_escape_as_length(failure: Failure) -> bool:
    """Whether 126 or 127 was written as a 7-bit length."""
    payload, key = payload_and_key(failure)
    head = 2 if key is None else 6
    actual = failure.actual
    return (
        len(payload) in (126, 127)
        and len(actual) == head + len(payload)
        and actual[1] & 127 == len(payload)
    )


def lacks_mask_bit(failure: Failure) -> bool:
    """Whether everything is right but for the MASK bit."""
    actual, expected = failure.actual, failure.expected
    unset = actual[:1] == expected[:1] and actual[1] == expected[1] & 127
    return unset and payload_and_key(failure)[1] is not None


def is_masked_only_in_name(failure: Failure) -> bool:
    """Whether the payload follows the key unmasked."""
    payload, key = payload_and_key(failure)
    return bool(key and payload and failure.actual.endswith(key + payload))


def is_little_endian(failure: Failure) -> bool:
    """Whether the bytes of the extended length are in the wrong order."""
    size = len(failure.given[1])
    wide = 2 if size <= 0xFFFF else 8
    actual = failure.actual[2 : 2 + wide]
    return bool(size > 125 and actual == size.to_bytes(wide, "little") != size.to_bytes(wide))


EXERCISE = Exercise(
    id="E11",
    name="encode_frame",
    title="a frame as bytes",
    lesson=5,
    points=3,
    stub=STUB,
    cases=cases,
    reference=encode_frame,
    play=play,
    types=TYPES,
    field=field,
    smaller=smaller,
    hints=(
        "Which lengths can 7 bits carry, given that two of them are reserved?",
        "up to 125: 1 byte; up to 65535: 126 and 2 more; else 127 and 8 more. struct '!H' and"
        " '!Q'.",
        "head += bytes([m | 126]) + struct.pack(____, n)",
    ),
    follow_up=(
        "A chat message has 20 bytes. How many bytes does a frame add in each direction, "
        "and what does it come to on the wire?",
        "From the client 6 bytes: a header of 2 and the masking key of 4. From the server "
        "2 bytes.\n"
        "On the wire TLS, TCP and IP add their own headers, which are larger than that.",
    ),
    diagnoses=(
        Diagnosis(
            "126 and 127 are escape values, not lengths: length 126 needs 16 more bits.",
            has_escape_as_length,
        ),
        Diagnosis("a masked frame must set 0x80 in byte 1, the MASK bit.", lacks_mask_bit),
        Diagnosis(
            "the key is there, but the payload after it is not masked.", is_masked_only_in_name
        ),
        Diagnosis(
            "the extended length is in network byte order: the high byte comes first.",
            is_little_endian,
        ),
        Diagnosis(
            "a control frame (opcode 8 and above) of this kind must not be sent.",
            lambda failure: failure.given[0] >= 8 and failure.expected == Raised("ValueError"),
        ),
    ),
)
