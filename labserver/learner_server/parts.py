"""The parts that a learner may bring, the lab's own that stand in for them, and how one fails.

A part is an answer to an exercise. What it raises or returns is examined here and nowhere else:
behind `Calls`, a part either did what its exercise asks for, or `PartFailed` says what it did.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, TypeVar

from labserver.errors import LabError
from labserver.exercises.e09_answer_upgrade.exercise import answer_upgrade
from labserver.exercises.e11_encode_frame.exercise import encode_frame
from labserver.exercises.e12_frame_decoder.exercise import FrameDecoder
from labserver.exercises.e13_assembler.exercise import Assembler
from labserver.exercises.e14_utf8_gate.exercise import Utf8Gate
from labserver.exercises.e15_on_close.exercise import on_close
from labserver.practice.checking.judge import learners_line
from labserver.practice.given.answers import CloseReply
from labserver.practice.given.frames import Close, Frame, Message, Pong, ProtocolError
from labserver.wire.websocket_accept import accept_key

T = TypeVar("T")

EXERCISES = {
    "accept_key": "E08 accept_key",
    "answer_upgrade": "E09 answer_upgrade",
    "encode": "E11 encode_frame",
    "decoder": "E12 FrameDecoder",
    "assembler": "E13 Assembler",
    "utf8": "E14 Utf8Gate",
    "on_close": "E15 on_close",
}
MESSAGE_MAX = 2**18  # bytes; a quarter of what `websockets` takes, so that a run stays short
TEXT_MAX = 300  # characters of an exception's text


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a server is made of; the lab's own stands in for a part that is left out."""

    accept_key: Callable[[str], Any] = accept_key
    answer_upgrade: Callable[[bytes, list[str]], Any] = answer_upgrade
    encode: Callable[[int, bytes], Any] = encode_frame
    decoder: Callable[[str, int], Any] = FrameDecoder
    assembler: Callable[[], Any] = Assembler
    utf8: Callable[[], Any] = Utf8Gate
    on_close: Callable[[bytes], Any] = on_close

    @classmethod
    def of(cls, given: dict[str, Any]) -> Parts:
        """Make parts from the learner's, by name; None for those that were left out.

        Raises:
            LabError: if a part is neither a function nor a class, or two of them do the same.
        """
        own = {name: part for name, part in given.items() if part is not None}
        for name, part in own.items():
            if not callable(part):
                what = EXERCISES[name].partition(" ")[2]
                raise LabError(f"{name}= takes {what} itself, not a {type(part).__name__}.")
        if "accept_key" in own and "answer_upgrade" in own:
            raise LabError("answer_upgrade= makes the accept value as well: leave out accept_key=.")
        return cls(**own)

    @property
    def own(self) -> list[str]:
        """The names of the learner's own parts."""
        return [one.name for one in fields(self) if getattr(self, one.name) is not one.default]


class PartFailed(LabError):
    """A part did what its exercise does not allow; __cause__ is what it raised.

    Args:
        part: its name, as in `lab.serve_yours(decoder=…)`.
        what: what it did, as the rest of a sentence that starts with its name.
        where: the learner's line.
        not_attempted: whether it is still the stub.
        stuck: whether it did not return.
    """

    def __init__(
        self,
        part: str,
        what: str,
        where: str = "",
        *,
        not_attempted: bool = False,
        stuck: bool = False,
    ) -> None:
        self.part = part
        self.exercise = EXERCISES[part]
        self.not_attempted = not_attempted
        self.stuck = stuck
        super().__init__(f"{self.exercise} {what}" + (f" ({where})" if where else ""))


class Interrupted(BaseException):
    """Raised in a part that did not return in time; see worker.py."""


class Calls:
    """Calls the parts of one connection, and judges what they return.

    Args:
        parts: the parts.

    Attributes:
        calling: the name of the part that was called last.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.calling = ""

    def call(self, part: str, function: Callable[..., Any], *given: Any) -> Any:
        """Call a function of a part and return its result.

        Raises:
            ProtocolError: if the part raises it, as it may.
            PartFailed: if it raises anything else.
        """
        self.calling = part
        try:
            return function(*given)
        except (ProtocolError, Interrupted):
            raise
        except BaseException as error:  # even exit() ends only this connection
            if isinstance(error, NotImplementedError) and _is_of(getattr(self.parts, part), error):
                raise PartFailed(part, "is not attempted yet", not_attempted=True) from error
            raise PartFailed(part, f"raised {_described(error)}", where_in(error)) from error

    def frames(self, feed: Callable[[bytes], Any], data: bytes) -> list[Frame]:
        """Return what a decoder makes of some bytes."""
        returned = self.call("decoder", feed, data)
        return self._all("decoder", returned, (Frame,))

    def brought(self, on_frame: Callable[[Frame], Any], frame: Frame) -> list[Any]:
        """Return what an assembler makes of a frame."""
        returned = self.call("assembler", on_frame, frame)
        return self._all("assembler", returned, (Message, Pong, Close))

    @staticmethod
    def _all(part: str, returned: Any, kinds: tuple[type, ...]) -> list[Any]:
        """Check a list's items; any other fault shows on the wire."""
        if type(returned) is not list:
            raise _returned(part, returned, "a list")
        for one in returned:
            if type(one) not in kinds:
                raise _returned(part, one, " or ".join(kind.__name__ for kind in kinds))
            if type(one.payload) is not bytes:
                raise _returned(part, one.payload, "bytes as the payload")
            if not isinstance(getattr(one, "opcode", 0), int):
                raise _returned(part, one.opcode, "an int as the opcode")
        return returned

    def octets(self, opcode: int, payload: bytes) -> bytes:
        """Return a frame's bytes."""
        returned = self.call("encode", self.parts.encode, opcode, payload)
        return self._typed("encode", returned, bytes)

    def accept(self, key: str) -> str:
        """Return the accept value for a key, as a header can hold it."""
        returned = self._typed(
            "accept_key", self.call("accept_key", self.parts.accept_key, key), str
        )
        return header_text("accept_key", returned)

    def reply(self, payload: bytes) -> CloseReply:
        """Return how a close frame is answered."""
        returned = self.call("on_close", self.parts.on_close, payload)
        if type(returned) is not CloseReply or type(returned.send) is not bytes:
            raise _returned("on_close", returned, "a CloseReply with bytes to send")
        return returned

    def characters(self, push: Callable[[bytes, bool], Any], payload: bytes, fin: bool) -> str:
        """Return the characters that a fragment completes."""
        return self._typed("utf8", self.call("utf8", push, payload, fin), str)

    @staticmethod
    def _typed(part: str, returned: Any, wanted: type[T]) -> T:
        if type(returned) is not wanted:
            raise _returned(part, returned, wanted.__name__)
        return returned


class FirstUse(NamedTuple):
    """The least that a part can be asked to do."""

    part: str
    use: Callable[[Parts], object]


FIRST_USES = (
    FirstUse("accept_key", lambda parts: parts.accept_key("dGhlIHNhbXBsZSBub25jZQ==")),
    FirstUse("answer_upgrade", lambda parts: parts.answer_upgrade(b"GET / HTTP/1.1\r\n\r\n", [])),
    FirstUse("encode", lambda parts: parts.encode(1, b"")),
    FirstUse("decoder", lambda parts: parts.decoder("server", MESSAGE_MAX).feed(b"")),
    FirstUse("assembler", lambda parts: parts.assembler().on_frame(Frame(True, 1, b""))),
    FirstUse("utf8", lambda parts: parts.utf8().push(b"", True)),
    FirstUse("on_close", lambda parts: parts.on_close(b"")),
)


def header_text(part: str, text: str) -> str:
    """Return a text that a part wants in a header.

    Raises:
        PartFailed: if it would end the header, or is not valid in one (RFC 9110 §5.5).
    """
    if not text.isprintable() or not text.isascii():
        raise PartFailed(part, f"returned {text[:TEXT_MAX]!r}, which cannot stand in a header")
    return text


def where_in(error: BaseException) -> str:
    """Return the learner's line that an exception passed through."""
    walked = traceback.walk_tb(error.__traceback__)
    frames = [(f.f_code.co_filename, line, f.f_code.co_name) for f, line in walked]
    return "".join(learners_line(tuple(frames)))


def _is_of(part: Any, error: BaseException) -> bool:
    """Whether the part itself raised it, rather than a stub that it builds on."""
    *_, (frame, _line) = traceback.walk_tb(error.__traceback__)
    return frame.f_code.co_qualname.startswith(getattr(part, "__qualname__", ""))


def _returned(part: str, returned: Any, wanted: str) -> PartFailed:
    return PartFailed(part, f"returned {_shown(returned)}, not {wanted}")


def _described(error: BaseException) -> str:
    try:
        text = str(error)[:TEXT_MAX]
    except Exception:  # noqa: BLE001  # their own exception's __str__
        text = ""
    return f"{type(error).__name__}: {text}".removesuffix(": ")


def _shown(returned: Any) -> str:
    try:
        text = repr(returned)
    except Exception:  # noqa: BLE001  # their own class's __repr__
        text = f"a {type(returned).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}…"
