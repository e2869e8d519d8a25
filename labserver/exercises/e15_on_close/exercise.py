"""E15: what a close frame says, and what it is answered with."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from typing import Any

from labserver.exercises.e15_on_close.play import TYPES, play
from labserver.practice.checking.exercise import Case, Diagnosis, Exercise, Failure
from labserver.practice.given.answers import CloseReply

EMPTY = "RFC 6455 §7.1.5: a close frame without a code counts as 1005, and its echo is empty"
SHORT = "RFC 6455 §5.5.1: a body starts with a code of 2 bytes; 1 byte is not a code: 1002"
ECHO = "RFC 6455 §5.5.1: the reply typically echoes the code"
CODE = "RFC 6455 §7.4.1, §7.4.2: a code that must not be in a close frame: 1002"
REASON = "RFC 6455 §5.5.1, §8.1: the reason must be UTF-8; otherwise 1007"

STUB = '''\
from labserver.practice.answers import CloseReply


def on_close(payload: bytes) -> CloseReply:
    """Return what a close frame with this payload says, and how it is answered."""
    raise NotImplementedError
'''

SPOKEN = frozenset([*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)])
SILENT = (1005, 1006, 1015)


def on_close(payload: bytes) -> CloseReply:
    """The reference."""
    if not payload:
        return CloseReply(1005, b"", None)
    code = int.from_bytes(payload[:2])
    if len(payload) == 1 or code not in SPOKEN:
        return _failed(1002)
    if not _is_utf8(payload[2:]):
        return _failed(1007)
    return CloseReply(code, payload[:2], None)


def _is_utf8(reason: bytes) -> bool:
    try:
        reason.decode()
    except UnicodeDecodeError:
        return False
    return True


def _failed(code: int) -> CloseReply:
    return CloseReply(code, struct.pack("!H", code), code)


def canonical(given: tuple[bytes], answer: Any) -> Any:
    """Let an echo of code and reason count as an echo of the code alone.

    Where the reason is not UTF-8, 1002 and 1007 count as the same: it breaks the protocol as well
    as the encoding, and a wrong code beside it may be found before or after that.
    """
    (payload,) = given
    if type(answer) is not CloseReply:
        return answer
    if answer.send == payload:
        answer = answer._replace(send=payload[:2])
    if answer in (_failed(1002), _failed(1007)) and not _is_utf8(payload[2:]):
        return on_close(payload)
    return answer


def cases() -> Iterator[Case]:
    """No code, half a code, all kinds of codes, reasons."""
    yield Case((b"",), EMPTY, CloseReply(1005, b"", None))
    yield Case((b"\x03",), SHORT, _failed(1002))
    yield Case((b"\x03\xe8",), ECHO, CloseReply(1000, b"\x03\xe8", None))
    yield Case((b"\x03\xe8bye",), ECHO, CloseReply(1000, b"\x03\xe8", None))
    yield Case((b"\x03\xee",), CODE, CloseReply(1002, b"\x03\xea", 1002))
    for code in (1001, 1002, 1003, *range(1007, 1012), 3000, 3999, 4000, 4999):
        data = struct.pack("!H", code)
        yield Case((data,), ECHO, CloseReply(code, data, None))
    for code in (0, 999, 1004, 1005, 1015, 1016, 1100, 2000, 2999, 5000, 65535):
        yield Case((struct.pack("!H", code),), CODE, _failed(1002))
    yield Case((b"\x03\xe8\xff",), REASON, _failed(1007))
    yield Case((b"\x03\xe8caf\xc3",), REASON, _failed(1007))
    yield Case((b"\x03\xe8" + "é".encode(),), REASON, CloseReply(1000, b"\x03\xe8", None))
    yield Case((b"\x03\xe8" + b"x" * 123,), ECHO, CloseReply(1000, b"\x03\xe8", None))
    yield Case((b"\x03\xee\xff",), CODE, _failed(1002))
    draws = random.Random(15)
    for _ in range(40):
        code = draws.choice((draws.randrange(1000, 1012), draws.randrange(0, 65536)))
        reason = draws.choice((b"", "Тест".encode(), draws.randbytes(3)))
        yield Case((struct.pack("!H", code) + reason,), CODE)


def smaller(given: tuple[bytes]) -> Iterator[tuple[bytes]]:
    """Give the same without the reason, or with less of it."""
    (payload,) = given
    for cut in (2, len(payload) - 1):
        if 2 <= cut < len(payload):
            yield (payload[:cut],)


def field(failure: Failure, index: int) -> str:
    """Name the part of a close frame's payload that a byte belongs to."""
    return "close code" if index < 2 else f"reason, byte {index - 2}"


def sends_what_is_never_sent(failure: Failure) -> bool:
    """Whether 1005, 1006 or 1015 went out."""
    sent = failure.actual.send
    return len(sent) >= 2 and int.from_bytes(sent[:2]) in SILENT


def reads_nothing_as_normal(failure: Failure) -> bool:
    """Whether an empty close was seen as, or answered with, a code."""
    normal = (1000).to_bytes(2)
    return failure.given == (b"",) and (
        failure.actual.code_seen == 1000 or failure.actual.send == normal
    )


EXERCISE = Exercise(
    id="E15",
    name="on_close",
    title="the close frame",
    lesson=5,
    points=3,
    stub=STUB,
    cases=cases,
    reference=on_close,
    play=play,
    types=TYPES,
    canonical=canonical,
    field=field,
    smaller=smaller,
    hints=(
        "What does the browser show when no close frame ever came?",
        "RFC 6455 §7.4.1 and §7.4.2; the code is 2 bytes, the high one first.",
        "if len(p) == 1 or (p and code not in ____): return CloseReply(1002, pack(1002), 1002)",
    ),
    follow_up=(
        "Your users' browsers report 1006. What did the server do wrong?",
        "Perhaps nothing. 1006 is never sent; it says that the connection ended without a "
        "close frame: a proxy's timeout, a train in a tunnel, a process that was killed. "
        "Look at what lies between the browser and the server.",
    ),
    diagnoses=(
        Diagnosis(
            "no code was sent: report 1005 and answer with an empty close.",
            reads_nothing_as_normal,
        ),
        Diagnosis(
            "1005, 1006 and 1015 are for your API only; they never go on the wire.",
            sends_what_is_never_sent,
        ),
        Diagnosis(
            "the code is in network byte order: the high byte comes first.",
            lambda failure: (
                failure.actual.code_seen
                == int.from_bytes(failure.given[0][:2], "little")
                != int.from_bytes(failure.given[0][:2])
            ),
        ),
        Diagnosis(
            "this code must not occur in a close frame, but you accepted it.",
            lambda failure: failure.expected == _failed(1002) and failure.actual.fail is None,
        ),
        Diagnosis(
            "the reason is not UTF-8, but you accepted it.",
            lambda failure: failure.expected == _failed(1007),
        ),
    ),
)
