"""Wrong ideas about the close frame."""

from __future__ import annotations

from labserver.exercises.e15_on_close.exercise import SPOKEN
from labserver.practice.given.answers import CloseReply


def _failed(code: int) -> CloseReply:
    return CloseReply(code, code.to_bytes(2), code)


def sends_1006(payload: bytes) -> CloseReply:
    if not payload:
        return CloseReply(1005, b"", None)
    code = int.from_bytes(payload[:2])
    return CloseReply(code, payload, None) if code in SPOKEN else _failed(1006)


def sends_1005(payload: bytes) -> CloseReply:
    return CloseReply(1005, (1005).to_bytes(2), None)


def echoes_1006(payload: bytes) -> CloseReply:
    if not payload:
        return CloseReply(1005, b"", None)
    if len(payload) == 1:
        return _failed(1002)
    return CloseReply(int.from_bytes(payload[:2]), payload, None)


def empty_is_1000(payload: bytes) -> CloseReply:
    if not payload:
        return CloseReply(1000, (1000).to_bytes(2), None)
    return CloseReply(int.from_bytes(payload[:2]), payload[:2], None)


def little_endian(payload: bytes) -> CloseReply:
    if not payload:
        return CloseReply(1005, b"", None)
    code = int.from_bytes(payload[:2], "little")
    return CloseReply(code, payload, None) if len(payload) > 1 else _failed(1002)


def all_below_5000(payload: bytes) -> CloseReply:
    if not payload:
        return CloseReply(1005, b"", None)
    code = int.from_bytes(payload[:2])
    if len(payload) == 1 or code in (1005, 1006, 1015) or code >= 5000:
        return _failed(1002)
    return CloseReply(code, payload[:2], None)


def any_reason(payload: bytes) -> CloseReply:
    if not payload:
        return CloseReply(1005, b"", None)
    code = int.from_bytes(payload[:2])
    if len(payload) == 1 or code not in SPOKEN:
        return _failed(1002)
    return CloseReply(code, payload[:2], None)


# Wrong solution → a part of what the learner is told first.
MESSAGES = {
    "sends_1006": "they never go on the wire",
    "sends_1005": "they never go on the wire",
    "echoes_1006": "they never go on the wire",
    "empty_is_1000": "report 1005 and answer with an empty close",
    "little_endian": "the high byte comes first",
    "all_below_5000": "this code must not occur in a close frame, but you",
    "any_reason": "the reason is not UTF-8, but you accepted it.",
}
