"""Wrong ideas about what a message costs."""

from __future__ import annotations

from labserver.practice.given.answers import Overhead


def _header(payload: int) -> int:
    return 2 if payload <= 125 else 4 if payload <= 65_535 else 10


def _holds_to(hdr: int, ratio: float) -> int | None:
    """Find the largest payload by trying."""
    size = None
    for payload in range(100_000):
        if payload + hdr < ratio * (payload + _header(payload)):
            break
        size = payload
    return size


def _right(payload: int, messages: int, hdr: int, ratio: float) -> Overhead:
    frame = payload + _header(payload)
    http = messages * (payload + hdr)
    return Overhead(http, messages * (frame + 4), messages * frame, _holds_to(hdr, ratio))


def ten_times(payload: int, messages: int, hdr: int, ratio: float) -> Overhead:
    http = messages * (payload + hdr)
    return Overhead(http, http // 10, http // 10, _holds_to(hdr, ratio))


def masks_both_ways(payload: int, messages: int, hdr: int, ratio: float) -> Overhead:
    right = _right(payload, messages, hdr, ratio)
    return right._replace(down=right.up)


def masks_nothing(payload: int, messages: int, hdr: int, ratio: float) -> Overhead:
    right = _right(payload, messages, hdr, ratio)
    return right._replace(up=right.down)


def headers_once(payload: int, messages: int, hdr: int, ratio: float) -> Overhead:
    return _right(payload, messages, hdr, ratio)._replace(http=messages * payload + hdr)


def two_byte_headers(payload: int, messages: int, hdr: int, ratio: float) -> Overhead:
    right = _right(payload, messages, hdr, ratio)
    return right._replace(up=messages * (payload + 6), down=messages * (payload + 2))


def border_at_127(payload: int, messages: int, hdr: int, ratio: float) -> Overhead:
    right = _right(payload, messages, hdr, ratio)
    if payload == 126:
        return right._replace(up=right.up - 2 * messages, down=right.down - 2 * messages)
    return right


def ratio_of_payload(payload: int, messages: int, hdr: int, ratio: float) -> Overhead:
    right = _right(payload, messages, hdr, ratio)
    return right._replace(holds_to=int(hdr // (ratio - 1)))


def header_of_two_in_the_formula(payload: int, messages: int, hdr: int, ratio: float) -> Overhead:
    right = _right(payload, messages, hdr, ratio)
    return right._replace(holds_to=int((hdr - ratio * 2) // (ratio - 1)))


def header_of_this_payload(payload: int, messages: int, hdr: int, ratio: float) -> Overhead:
    right = _right(payload, messages, hdr, ratio)
    return right._replace(holds_to=int((hdr - ratio * _header(payload)) // (ratio - 1)))


def never_none(payload: int, messages: int, hdr: int, ratio: float) -> Overhead:
    right = _right(payload, messages, hdr, ratio)
    return right._replace(holds_to=right.holds_to or 0)


def not_rounded(payload: int, messages: int, hdr: int, ratio: float) -> Overhead:
    right = _right(payload, messages, hdr, ratio)
    at = (hdr - ratio * 2) / (ratio - 1)
    return right._replace(holds_to=at)  # type: ignore[arg-type]


# Wrong solution → a part of what the learner is told first.
MESSAGES = {
    "ten_times": "the ratio is 1.7",
    "masks_both_ways": "only frames from client to server carry the 4-byte key",
    "masks_nothing": "carry 4 bytes more: the key",
    "headers_once": "over HTTP every message pays for its own headers.",
    "two_byte_headers": "the length takes 2 more bytes from 126 on, and 8",
    "border_at_127": "the length takes 2 more bytes from 126 on, and 8",
    "ratio_of_payload": "a frame has a header, too",
    "header_of_two_in_the_formula": "a message of this size has another frame header",
    "header_of_this_payload": "a message of this size has another frame header",
    "never_none": "wrong.",
    "not_rounded": "wrong.",
}
