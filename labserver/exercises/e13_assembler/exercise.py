"""E13: messages out of frames, with control frames in between."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from labserver.exercises.e13_assembler.play import TYPES, play
from labserver.practice.checking.difference import typed
from labserver.practice.checking.exercise import Case, Diagnosis, Exercise, Failure
from labserver.practice.checking.play import Raised
from labserver.practice.given.frames import Close, Frame, Message, Pong, ProtocolError

FRAGMENTS = (
    "RFC 6455 §5.4: the first frame has the opcode, the others have 0, and the last one has FIN"
)
BETWEEN = "RFC 6455 §5.4: control frames may come in the middle of a fragmented message"
NOTHING_OPEN = "RFC 6455 §5.4: a frame with opcode 0 continues a message; none is open: 1002"
STILL_OPEN = "RFC 6455 §5.4: fragments of two messages must not be interleaved: 1002"
CONTROL = "RFC 6455 §5.5: control frames must not be fragmented: 1002"
PING = "RFC 6455 §5.5.2, §5.5.3: a ping is answered promptly by a pong with the same payload"
PONG = "RFC 6455 §5.5.3: a pong is not answered, whether or not it was requested"
CLOSED = "RFC 6455 §1.4: everything that comes after a close frame is discarded"

STUB = '''\
from labserver.practice.frames import Close, Frame, Message, Pong, ProtocolError


class Assembler:
    """Assembles messages from frames."""

    def __init__(self) -> None:
        raise NotImplementedError

    def on_frame(self, frame: Frame) -> list[Message | Pong | Close]:
        """Return what follows from this frame; raise ProtocolError(code) if it is invalid."""
        raise NotImplementedError
'''

Frames = tuple[Frame, ...]


class Assembler:
    """The reference."""

    def __init__(self) -> None:
        self._opcode = 0  # of the open message; 0 if none is open
        self._parts: list[bytes] = []
        self._closed = False

    def on_frame(self, frame: Frame) -> list[Message | Pong | Close]:
        """What this frame brings about.

        Raises:
            ProtocolError: if it must not come here.
        """
        if self._closed:
            return []
        if frame.opcode >= 8:
            return self._control(frame)
        if (frame.opcode == 0) == (self._opcode == 0):
            raise ProtocolError(1002)
        self._opcode = self._opcode or frame.opcode
        self._parts.append(frame.payload)
        if not frame.fin:
            return []
        message = Message(self._opcode, b"".join(self._parts))
        self._opcode, self._parts = 0, []
        return [message]

    def _control(self, frame: Frame) -> list[Message | Pong | Close]:
        if not frame.fin:
            raise ProtocolError(1002)
        if frame.opcode == 9:
            return [Pong(frame.payload)]
        self._closed = frame.opcode == 8
        return [Close(frame.payload)] if self._closed else []


def text(payload: str, fin: bool = True) -> Frame:
    """A text frame, or the first one of a text."""
    return Frame(fin, 1, payload.encode())


def more(payload: str, fin: bool = True) -> Frame:
    """A frame that continues a message."""
    return Frame(fin, 0, payload.encode())


PINGED, PONGED, CLOSING = Frame(True, 9, b"PING"), Frame(True, 10, b"PONG"), Frame(True, 8, b"")
BROKEN = Raised("ProtocolError(1002)")
BOTH = Message(1, b"frag1frag2")


def cases() -> Iterator[Case]:
    """Fragments, control frames between them, faults, empty ones, random rows."""
    one, two = text("frag1", fin=False), more("frag2")
    yield _case(FRAGMENTS, {text("Hello"): [Message(1, b"Hello")]})
    yield _case(FRAGMENTS, {one: [], two: [BOTH]})
    yield _case(FRAGMENTS, {one: [], more("-", fin=False): [], two: [Message(1, b"frag1-frag2")]})
    yield _case(FRAGMENTS, {Frame(False, 2, b"\x00"): [], more("b"): [Message(2, b"\x00b")]})
    yield _case(PING, {PINGED: [Pong(b"PING")]})
    yield _case(BETWEEN, {one: [], PINGED: [Pong(b"PING")], two: [BOTH]})
    yield _case(PONG, {PONGED: []})
    yield _case(PONG, {one: [], PONGED: [], two: [BOTH]})
    yield _case(NOTHING_OPEN, {more("frag2"): BROKEN})
    yield _case(NOTHING_OPEN, {more("frag2", fin=False): BROKEN})
    yield _case(NOTHING_OPEN, {one: [], two: [BOTH], more("frag3"): BROKEN})
    yield _case(STILL_OPEN, {one: [], text("frag2"): BROKEN})
    yield _case(STILL_OPEN, {one: [], Frame(False, 2, b"frag2"): BROKEN})
    for opcode in (9, 10, 8):
        yield _case(CONTROL, {Frame(False, opcode, b""): BROKEN})
        yield _case(CONTROL, {one: [], Frame(False, opcode, b"ab"): BROKEN})
    empty = Frame(False, 1, b"")
    yield _case(FRAGMENTS, {empty: [], more("", fin=False): [], more(""): [Message(1, b"")]})
    yield _case(STILL_OPEN, {empty: [], text(""): BROKEN})
    again = {text("a", fin=False): [], more("b"): [Message(1, b"ab")]}
    yield _case(FRAGMENTS, {one: [], two: [BOTH], **again, text("c"): [Message(1, b"c")]})
    yield _case(CLOSED, {CLOSING: [Close(b"")]})
    yield _case(CLOSED, {one: [], Frame(True, 8, b"\x03\xe8"): [Close(b"\x03\xe8")], two: []})
    yield _case(CLOSED, {CLOSING: [Close(b"")], PINGED: [], text("late"): [], more("later"): []})
    yield from _random(random.Random(13))


def _case(rule: str, row: dict[Frame, Any]) -> Case:
    """A case out of frames and what each of them gives."""
    return Case((tuple(row),), rule, list(row.values()))


def _random(draws: random.Random) -> Iterator[Case]:
    """Messages in 1 to 4 frames, control frames anywhere; in some rows a frame is lost."""
    for _ in range(60):
        row: list[Frame] = []
        for _ in range(draws.randint(1, 3)):
            count = draws.randint(1, 4)
            for index in range(count):
                opcode = 0 if index else draws.choice((1, 2))
                row.append(Frame(index == count - 1, opcode, draws.randbytes(draws.randint(0, 3))))
                if draws.random() < 0.3:
                    opcode = draws.choice((9, 9, 10))
                    row.append(Frame(True, opcode, draws.randbytes(draws.randint(0, 2))))
        if draws.random() < 0.4:
            del row[draws.randrange(len(row))]
        yield Case((tuple(row),), FRAGMENTS)


def smaller(given: tuple[Frames]) -> Iterator[tuple[Frames]]:
    """Give sequences without the last frames, or without one of them."""
    (frames,) = given
    for count in range(1, len(frames)):
        yield (frames[:count],)
    for index in range(len(frames) if len(frames) > 1 else 0):
        yield (frames[:index] + frames[index + 1 :],)


def shown(given: tuple[Frames]) -> list[str]:
    """Show the calls."""
    calls = [
        f"assembler.on_frame(Frame({fin}, {opcode}, {_typed(payload)}))"
        for fin, opcode, payload in given[0]
    ]
    return ["assembler = Assembler()", *calls]


def _typed(payload: bytes) -> str:
    return repr(payload) if payload.isascii() and payload.decode().isprintable() else typed(payload)


def _wrong_at(failure: Failure) -> tuple[Frame, Any, Any]:
    """Return the first frame that was handled wrongly, what it should give, and what it gave."""
    rows = zip(failure.given[0], failure.expected, failure.actual, strict=False)
    return next(row for row in rows if row[1] != row[2])


def _at(fits: Callable[[Frame, Any, Any], bool]) -> Callable[[Failure], bool]:
    return lambda failure: fits(*_wrong_at(failure))


def _came_after_close(failure: Failure) -> bool:
    before = failure.given[0][: failure.given[0].index(_wrong_at(failure)[0])]
    return any(frame.opcode == 8 for frame in before)


def mixes_in_control(failure: Failure) -> bool:
    """Whether a control frame's payload is in a message."""
    frame, expected, actual = _wrong_at(failure)
    control = [one.payload for one in failure.given[0] if one.opcode >= 8]
    return (
        frame.opcode < 8
        and isinstance(actual[0], Message)
        and any(len(actual[0].payload) == len(expected[0].payload) + len(one) for one in control)
        and any(one and one in actual[0].payload for one in control)
    )


def keeps_the_last_message(failure: Failure) -> bool:
    """Whether a message starts with the payload of an earlier one."""
    _, expected, actual = _wrong_at(failure)
    earlier = [one.payload for part in failure.expected for one in part if type(one) is Message]
    return any(actual[0].payload == one + expected[0].payload for one in earlier if one)


EXERCISE = Exercise(
    id="E13",
    name="Assembler",
    title="messages out of frames",
    lesson=5,
    points=4,
    stub=STUB,
    cases=cases,
    reference=Assembler,
    play=play,
    types=TYPES,
    shown=shown,
    smaller=smaller,
    hints=(
        "Which opcodes may appear between two fragments?",
        (
            "Opcode 8 and above: handle it now. 0: a message must be open. 1 and 2: no message "
            "may be open."
        ),
        "if frame.opcode >= 8: return self._control(frame);"
        " if frame.opcode == 0 and self.opcode is ____: raise ProtocolError(1002)",
    ),
    follow_up=(
        "Your decoder refuses large frames. A client sends small fragments forever, and "
        "never one with FIN. What does it cost you? And why may control frames come "
        "between fragments at all?",
        "Your memory: a limit per frame does not limit a message. Add up the sizes of the "
        "fragments, and fail with 1009 before you keep more than you allow.\n"
        "Control frames may come in between so that a ping is answered in time while a "
        "gigabyte is still on its way.",
    ),
    diagnoses=(
        Diagnosis(
            "the peer has closed: discard everything after its close frame.",
            _came_after_close,
        ),
        Diagnosis(
            "a control frame's payload is in your message. Control frames are handled at once and"
            " leave the buffer alone.",
            mixes_in_control,
        ),
        Diagnosis(
            "a control frame is never fragmented: FIN must be set.",
            _at(lambda frame, expected, actual: frame.opcode >= 8 and expected == BROKEN),
        ),
        Diagnosis(
            "this ping waits for the end of the message, which may take long; meanwhile the "
            "peer thinks that you are dead. Answer at once.",
            _at(lambda frame, expected, actual: frame.opcode == 9 and actual == []),
        ),
        Diagnosis(
            "control frames may come between fragments: that is not an error.",
            _at(lambda frame, expected, actual: frame.opcode >= 8 and isinstance(actual, Raised)),
        ),
        Diagnosis(
            "a pong is not answered: otherwise two peers would answer each other forever.",
            _at(lambda frame, expected, actual: frame.opcode == 10),
        ),
        Diagnosis(
            "there is no message for this frame to continue: a protocol error, 1002.",
            _at(lambda frame, expected, actual: frame.opcode == 0 and expected == BROKEN),
        ),
        Diagnosis(
            "a new message inside an unfinished one is a protocol error: 1002.",
            _at(lambda frame, expected, actual: frame.opcode in (1, 2) and expected == BROKEN),
        ),
        Diagnosis(
            "a message has the opcode of its first frame; 0 is not a kind of message.",
            _at(lambda frame, expected, actual: actual[0].opcode != expected[0].opcode),
        ),
        Diagnosis(
            "this message contains parts of the previous one.",
            keeps_the_last_message,
        ),
        Diagnosis(
            "an empty fragment opens a message like any other: an empty buffer does not mean "
            "that no message is open.",
            _at(lambda frame, expected, actual: frame.opcode == 0 and actual == BROKEN),
        ),
    ),
)
