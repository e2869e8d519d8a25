"""E27: by how much HTTP exceeds a WebSocket, and up to which message size."""

from __future__ import annotations

import random
from collections.abc import Iterator

from labserver.exercises.e27_overhead.play import TYPES, play
from labserver.practice.checking.exercise import Case, Diagnosis, Exercise, Failure
from labserver.practice.given.answers import Overhead

EACH = "over HTTP each message has its own headers; over a WebSocket each has a frame header"
KEY = "RFC 6455 §5.1: frames from client to server carry a key of 4 bytes; the others do not"
LENGTH = "RFC 6455 §5.2: a header of 2 bytes; of 4 from 126 bytes on; of 10 from 65,536 on"
RATIO = "(payload + headers) / (payload + frame header) falls as the payload grows"

STUB = '''\
from labserver.practice.answers import Overhead


def overhead(payload: int, messages: int, hdr: int, ratio: float) -> Overhead:
    """Return the bytes for messages of one size, and up to which size `ratio` holds."""
    raise NotImplementedError
'''


def framed(payload: int) -> int:
    """Return the size of a frame from server to client."""
    return payload + (2 if payload < 126 else 4 if payload < 65536 else 10)


def overhead(payload: int, messages: int, hdr: int, ratio: float) -> Overhead:
    """The reference."""
    frame = framed(payload)
    holds_to = None
    for first, last, header in ((0, 125, 2), (126, 65535, 4), (65536, 2**63 - 1, 10)):
        largest = min((hdr - ratio * header) // (ratio - 1), last)
        if largest >= first:
            holds_to = int(largest)
    return Overhead(messages * (payload + hdr), messages * (frame + 4), messages * frame, holds_to)


def cases() -> Iterator[Case]:
    """Worked by hand, the boundaries, then random ones.

    Floats hold the ratios exactly, so dividing first gives the same result.
    """
    yield Case((20, 1, 700, 10.0), EACH, Overhead(720, 26, 22, 75))
    yield Case((1000, 1, 700, 10.0), EACH, Overhead(1700, 1008, 1004, 75))
    yield Case((75, 100, 700, 10.0), KEY, Overhead(77_500, 8_100, 7_700, 75))
    yield Case((200, 10, 250, 10.0), LENGTH, Overhead(4_500, 2_080, 2_040, 25))
    yield Case((20, 0, 250, 10.0), EACH, Overhead(0, 0, 0, 25))
    yield Case((0, 5, 250, 2.0), LENGTH, Overhead(1_250, 30, 10, 242))
    for payload, size in ((125, 127), (126, 130), (65_535, 65_539), (65_536, 65_546)):
        given = (payload, 1, 700, 10.0)
        yield Case(given, LENGTH, Overhead(payload + 700, size + 4, size, 75))
    yield Case((10_000, 3, 1_500, 10.0), RATIO, Overhead(34_500, 30_024, 30_012, 162))
    # A ratio of 10 holds at 125 bytes, but not at 126, where the header grows.
    yield Case((200, 1, 1_160, 10.0), LENGTH, Overhead(1_360, 208, 204, 125))
    yield Case((20, 1, 250, 1.5), RATIO, Overhead(270, 26, 22, 488))
    yield Case((20, 1, 700, 1.0078125), RATIO, Overhead(720, 26, 22, 88_310))
    # It holds up to the last size that fits 16 bits; then up to one more.
    yield Case((20, 1, 32_780, 1.5), RATIO, Overhead(32_800, 26, 22, 65_535))
    yield Case((20, 1, 32_783, 1.5), RATIO, Overhead(32_803, 26, 22, 65_536))
    yield Case((20, 1, 20, 10.0), RATIO, Overhead(40, 26, 22, 0))
    yield Case((20, 1, 19, 10.0), RATIO, Overhead(39, 26, 22, None))
    draws = random.Random(27)
    for _ in range(40):
        payload = draws.choice((draws.randrange(126), draws.randrange(3_000), 70_000))
        ratio = draws.choice((1.25, 1.5, 2.0, 3.0, 5.0, 9.0, 10.0))
        yield Case((payload, draws.randint(1, 50), draws.randint(30, 2_000), ratio), RATIO)


def smaller(given: tuple[int, int, int, float]) -> Iterator[tuple[int, int, int, float]]:
    """Give the same with one message, and with a short one."""
    payload, messages, header, ratio = given
    if messages > 1:
        yield payload, 1, header, ratio
    if payload > 20:
        yield 20, messages, header, ratio


def takes_ten_times(failure: Failure) -> bool:
    """Whether a WebSocket was taken for a tenth of HTTP, whatever the size."""
    http, up, down, _ = failure.actual
    return http > 0 and http in (10 * up, 10 * down)


def pays_once(failure: Failure) -> bool:
    """Whether the headers were counted only once."""
    payload, messages, header, _ = failure.given
    return bool(messages > 1 and failure.actual.http == messages * payload + header)


def _right_size(failure: Failure) -> bool:
    return (failure.actual.up, failure.actual.down) == (failure.expected.up, failure.expected.down)


def forgets_the_frame(failure: Failure) -> bool:
    """Whether the payload alone was compared, without a frame header."""
    _, _, header, ratio = failure.given
    return _right_size(failure) and failure.actual.holds_to == header // (ratio - 1)


def knows_one_header(failure: Failure) -> bool:
    """Whether the frame's header had 2 bytes, or 4, for every size."""
    _, _, header, ratio = failure.given
    one_size = [(header - ratio * size) // (ratio - 1) for size in (2, 4, 10)]
    actual = failure.actual.holds_to
    return _right_size(failure) and actual in one_size and actual != failure.expected.holds_to


EXERCISE = Exercise(
    id="E27",
    name="overhead",
    title="ten times of what",
    lesson=9,
    points=3,
    questions=(1,),
    stub=STUB,
    cases=cases,
    reference=overhead,
    play=play,
    types=TYPES,
    smaller=smaller,
    hints=(
        "10 times of what?",
        (
            "With payload P, headers H and a frame header w: (P + H) / (P + w) = ratio. But w "
            "depends on P."
        ),
        "P = (H - ratio * w) // (____); it counts if w is the frame header of such a P",
    ),
    follow_up=(
        "“WebSocket is 10 times more efficient.” What do you ask back? And does it hold "
        "over HTTP/2?",
        "Ten times what: bytes, CPU time or delay? And for bytes: for which message, with "
        "whose headers? With 700 bytes of headers the ratio is at least 10 up to a "
        "message of 75 bytes, and 1.7 at 1,000 bytes.\n"
        "Over HTTP/2 it is smaller still: HPACK sends a header that it has sent before as "
        "an index of one or two bytes.",
    ),
    diagnoses=(
        Diagnosis(
            "'10×' is not a constant: with a payload of 1,000 B and 700 B of headers the "
            "ratio is 1.7.",
            takes_ten_times,
        ),
        Diagnosis(
            "only frames from client to server carry the 4-byte key.",
            lambda failure: failure.actual.down == failure.expected.up > failure.expected.down,
        ),
        Diagnosis(
            "frames from client to server carry 4 bytes more: the key.",
            lambda failure: failure.actual.up == failure.expected.down < failure.expected.up,
        ),
        Diagnosis("over HTTP every message pays for its own headers.", pays_once),
        Diagnosis(
            "the length takes 2 more bytes from 126 on, and 8 more from 65,536 on.",
            lambda failure: failure.actual.down < failure.expected.down,
        ),
        Diagnosis("a frame has a header, too, which belongs in the comparison.", forgets_the_frame),
        Diagnosis(
            "a message of this size has another frame header than the one you assumed.",
            knows_one_header,
        ),
    ),
)
