"""E10: masking, which is also unmasking."""

from __future__ import annotations

import random
from collections.abc import Iterator

from labserver.exercises.e10_mask.play import TYPES, play
from labserver.practice.checking.exercise import Case, Diagnosis, Exercise, Failure, shorter
from labserver.practice.checking.play import Raised

RULE = "RFC 6455 §5.3: transformed[i] = original[i] XOR key[i mod 4]"
ON = "RFC 6455 §5.3: i counts from the payload's first byte, however it is cut into pieces"
KEY = "RFC 6455 §5.3: a masking key has 4 bytes; otherwise raise ValueError"
MANY = 2**20

STUB = '''\
def mask(payload: bytes, key: bytes, offset: int = 0) -> bytes:
    """XOR a payload with its key; offset: where in the whole payload this piece starts."""
    raise NotImplementedError
'''


def mask(payload: bytes, key: bytes, offset: int = 0) -> bytes:
    """The reference: as one large number, which C multiplies out at once."""
    if len(key) != 4:
        raise ValueError("a masking key has 4 bytes")
    size, turn = len(payload), offset % 4
    pad = ((key[turn:] + key[:turn]) * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(pad)).to_bytes(size)


def cases() -> Iterator[Case]:
    """RFC 6455's example, small and random ones, and a large payload in three odd pieces."""
    key, hello = bytes.fromhex("37fa213d"), bytes.fromhex("7f9f4d5158")
    yield Case((b"", key), RULE, b"")
    yield Case((b"H", key), RULE, b"\x7f")
    yield Case((b"Hello", key), RULE, hello)
    yield Case((hello, key), RULE + "; masking twice gives back the original", b"Hello")
    yield Case((b"lo", key, 3), ON, hello[3:])
    yield Case((b"o", key, 4), ON, hello[4:])
    for wrong in (b"", b"abc", b"abcde"):
        yield Case((b"Hello", wrong), KEY, Raised("ValueError"))
    draws = random.Random(10)
    for size in (4, 5, 8, 9, 16, 33):
        yield Case((draws.randbytes(size), draws.randbytes(4)), RULE)
        yield Case((draws.randbytes(size), draws.randbytes(4), draws.randrange(1, 10**6)), ON)
    payload, key = draws.randbytes(MANY), draws.randbytes(4)
    for start, end in ((0, 333_333), (333_333, 700_001), (700_001, MANY)):
        yield Case((payload[start:end], key, start), ON)


def smaller(given: tuple[bytes, ...]) -> Iterator[tuple[object, ...]]:
    """Give shorter payloads and smaller offsets."""
    payload, key, *offset = given
    for cut in shorter(len(payload)):
        yield payload[:cut], key, *offset
    if offset and int(offset[0]) > 3:
        yield payload, key, int(offset[0]) % 4


def restarts(failure: Failure) -> bool:
    """Whether the key starts again with the piece."""
    payload, key, offset = failure.given
    return bool(offset % 4 and failure.actual == mask(payload, key))


def field(failure: Failure, index: int) -> str:
    """Name the byte of the key that a byte is combined with."""
    offset = failure.given[2] if len(failure.given) > 2 else 0
    return f"here key byte {(index + offset) % 4}"


EXERCISE = Exercise(
    id="E10",
    name="mask",
    title="masking",
    lesson=5,
    points=2,
    stub=STUB,
    cases=cases,
    reference=mask,
    play=play,
    types=TYPES,
    field=field,
    smaller=smaller,
    hints=(
        "What happens to byte 4?",
        "transformed[i] = original[i] XOR key[i mod 4] (RFC 6455 §5.3).",
        "bytes(b ^ key[(i + ____) % 4] for i, b in enumerate(payload))",
    ),
    follow_up=(
        "The key is sent beside the payload, so what is masking for? And why does a "
        "server not mask?",
        "Masking is not for secrecy. A page chooses the bytes that its browser sends; "
        "because it cannot predict the key, it cannot make the browser write bytes that a "
        "proxy would mistake for an HTTP request (RFC 6455 §10.3).\n"
        "A page does not choose the bytes that the server sends, so that masking them "
        "would only cost time.",
    ),
    diagnoses=(
        Diagnosis(
            "only the first 4 bytes came back.",
            lambda failure: len(failure.given[0]) > 4 and len(failure.actual) == 4,
        ),
        Diagnosis(
            "this piece starts in the middle of a payload, and you restarted the key at 0.",
            restarts,
        ),
        Diagnosis(
            "a key that is not 4 bytes long must not be used.",
            lambda failure: len(failure.given[1]) != 4,
        ),
    ),
)
