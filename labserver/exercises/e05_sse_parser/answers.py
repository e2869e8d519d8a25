"""Wrong ideas about an event stream: most change one thing in a parser that works."""

from __future__ import annotations

import re

from labserver.practice.given.sse_events import Event

BOM = b"\xef\xbb\xbf"


class Base:
    """A parser that works, with a method for everything that can go wrong."""

    lines_end = rb"\r\n|\n|\r"
    swallows = True

    def __init__(self) -> None:
        self.last_event_id = ""
        self.retry_ms: int | None = None
        self.buffer = b""
        self.begun = self.after_cr = False
        self.data: list[str] = []
        self.type = self.id = ""
        self.events: list[Event] = []

    def feed(self, chunk: bytes) -> list[Event]:
        self.events = []
        if not chunk:
            return []
        if self.after_cr and self.swallows:
            chunk = chunk.removeprefix(b"\n")
        self.after_cr = chunk.endswith(b"\r")
        *lines, self.buffer = re.split(self.lines_end, self.buffer + chunk)
        for line in lines:
            self.line(self.without_mark(line))
        return self.events

    def without_mark(self, line: bytes) -> bytes:
        line = line if self.begun else line.removeprefix(BOM)
        self.begun = True
        return line

    def line(self, line: bytes) -> None:
        if not line:
            self.dispatch()
        else:
            self.text(line.decode(errors="replace"))

    def text(self, text: str) -> None:
        name, _, value = text.partition(":")
        self.field(name, self.value(value))

    def value(self, value: str) -> str:
        return value.removeprefix(" ")

    def field(self, name: str, value: str) -> None:
        if name == "data":
            self.data.append(value)
        elif name == "event":
            self.type = value
        elif name == "id" and "\0" not in value:
            self.id = value
        elif name == "retry":
            self.retry(value)

    def retry(self, value: str) -> None:
        if re.fullmatch("[0-9]+", value):
            self.retry_ms = int(value)

    def dispatch(self) -> None:
        self.last_event_id = self.id
        if self.data:
            self.emit("\n".join(self.data))
        self.data, self.type = [], ""

    def emit(self, data: str) -> None:
        self.events.append(Event(self.type or "message", data, self.last_event_id))


class SplitsAtTwoLF(Base):
    def feed(self, chunk: bytes) -> list[Event]:
        self.events = []
        *blocks, self.buffer = (self.buffer + chunk).split(b"\n\n")
        for block in blocks:
            for line in [*block.splitlines(), b""]:
                self.line(line)
        return self.events


class OnlyLF(Base):
    lines_end = rb"\n"


class NoLoneCR(Base):
    lines_end = rb"\r?\n"


class DecodesEachChunk(Base):
    def feed(self, chunk: bytes) -> list[Event]:
        return super().feed(chunk.decode().encode())


class DecodesEachChunkPolitely(Base):
    def feed(self, chunk: bytes) -> list[Event]:
        return super().feed(chunk.decode(errors="replace").encode())


class IsStrict(Base):
    def line(self, line: bytes) -> None:
        line.decode()
        super().line(line)


class IdOnlyWithData(Base):
    def dispatch(self) -> None:
        if self.data:
            self.last_event_id = self.id
            self.emit("\n".join(self.data))
        self.data, self.type = [], ""


class IdBelongsToOneEvent(Base):
    def emit(self, data: str) -> None:
        super().emit(data)
        self.id = ""

    def dispatch(self) -> None:
        before = self.last_event_id
        super().dispatch()
        self.last_event_id = self.last_event_id or before


class EmptyIdIsNone(Base):
    def field(self, name: str, value: str) -> None:
        if name != "id" or value:
            super().field(name, value)


class IdAtOnce(Base):
    def field(self, name: str, value: str) -> None:
        super().field(name, value)
        self.last_event_id = self.id


class AnyId(Base):
    def field(self, name: str, value: str) -> None:
        super().field(name, value)
        if name == "id":
            self.id = value


class StripsAllSpaces(Base):
    def value(self, value: str) -> str:
        return value.strip()


class KeepsTheSpace(Base):
    def value(self, value: str) -> str:
        return value


class SplitsAtColonSpace(Base):
    def text(self, text: str) -> None:
        name, value = text.split(": ", 1)
        self.field(name, value)


class SplitsAtEveryColon(Base):
    def text(self, text: str) -> None:
        name, value, *_ = [*text.split(":"), ""]
        self.field(name, self.value(value))


class KeepsTheLastLF(Base):
    def emit(self, data: str) -> None:
        super().emit(data + "\n")


class LastDataCounts(Base):
    def field(self, name: str, value: str) -> None:
        if name == "data":
            self.data = []
        super().field(name, value)


class DispatchesWithoutData(Base):
    def dispatch(self) -> None:
        self.last_event_id = self.id
        self.emit("\n".join(self.data))
        self.data, self.type = [], ""


class DropsEmptyData(Base):
    def emit(self, data: str) -> None:
        if data:
            super().emit(data)


class NoColonIsNoField(Base):
    def text(self, text: str) -> None:
        if ":" in text:
            super().text(text)


class AnyCase(Base):
    def field(self, name: str, value: str) -> None:
        super().field(name.lower(), value)


class StripsTheLine(Base):
    def text(self, text: str) -> None:
        name, _, value = text.partition(":")
        self.field(name.strip(), self.value(value))


class ReadsComments(Base):
    def text(self, text: str) -> None:
        super().text(text.removeprefix(":"))


class TypeStays(Base):
    def dispatch(self) -> None:
        kind = self.type
        super().dispatch()
        self.type = kind


class TypeOutlivesAnEmptyBlock(Base):
    def dispatch(self) -> None:
        kind, data = self.type, self.data
        super().dispatch()
        self.type = "" if data else kind


class NoType(Base):
    def emit(self, data: str) -> None:
        self.events.append(Event(self.type, data, self.last_event_id))


class RetryIsWhatIntTakes(Base):
    def retry(self, value: str) -> None:
        try:
            self.retry_ms = int(value)
        except ValueError:
            return


class RetryRaises(Base):
    def retry(self, value: str) -> None:
        self.retry_ms = int(value)


class RetryIsAnyDigits(Base):
    def retry(self, value: str) -> None:
        if value.isdigit():
            self.retry_ms = int(value)


class RetryBeginsWithDigits(Base):
    def retry(self, value: str) -> None:
        if found := re.match("[0-9]+", value):
            self.retry_ms = int(found[0])


class RetryWithTheBlankLine(Base):
    waiting: int | None = None

    def retry(self, value: str) -> None:
        before = self.retry_ms
        super().retry(value)
        self.retry_ms, self.waiting = before, self.retry_ms

    def dispatch(self) -> None:
        super().dispatch()
        self.retry_ms = self.waiting


class IgnoresRetry(Base):
    def retry(self, value: str) -> None:
        """Ignore the field."""


class KnowsNoByteOrderMark(Base):
    def without_mark(self, line: bytes) -> bytes:
        return line


class ManyByteOrderMarks(Base):
    def without_mark(self, line: bytes) -> bytes:
        return line.removeprefix(BOM)


class SplitsCRLF(Base):
    swallows = False


class WaitsAfterCR(Base):
    lines_end = rb"\r\n|\n|\r(?!\Z)"
    swallows = False


class ForgetsBetweenChunks(Base):
    def feed(self, chunk: bytes) -> list[Event]:
        self.buffer = b""
        return super().feed(chunk)


class KnowsMoreLineEnds(Base):
    lines_end = "\\r\\n|\n|\\r|\u2028|\\f".encode()


class GivesTheUnfinished(Base):
    def feed(self, chunk: bytes) -> list[Event]:
        events = super().feed(chunk)
        if self.buffer:
            self.line(self.buffer)
        self.dispatch()
        self.buffer = b""
        return events


class ATuple(Base):
    def emit(self, data: str) -> None:
        self.events.append((self.type or "message", data, self.last_event_id))  # type: ignore[arg-type]


# Wrong solution → a part of what the learner is told first.
MESSAGES = {
    "SplitsAtTwoLF": "Lines may end in LF, CRLF or CR",
    "OnlyLF": "Lines may end in LF, CRLF or CR",
    "NoLoneCR": "Lines may end in LF, CRLF or CR",
    "KnowsMoreLineEnds": "Python's splitlines knows more line ends",
    "SplitsCRLF": "are one line end",
    "WaitsAfterCR": "That may take an hour",
    "ForgetsBetweenChunks": "keep its beginning for the next feed",
    "DecodesEachChunk": "Decode lines, not chunks",
    "DecodesEachChunkPolitely": "Decode lines, not chunks",
    "IsStrict": "bytes that are not UTF-8 do not end a stream:",
    "KnowsNoByteOrderMark": "the byte order mark at the start of the stream is",
    "ManyByteOrderMarks": "only the first bytes of a stream",
    "GivesTheUnfinished": "an event is not complete",
    "IdAtOnce": "neither it nor its id counts",
    "IdOnlyWithData": "must set last_event_id to 7 even with no data",
    "IdBelongsToOneEvent": "an event without an id of its own has the last",
    "EmptyIdIsNone": "an id without a value is an id: it sets the last",
    "AnyId": "an id that contains NUL is ignored.",
    "StripsAllSpaces": "one space after the colon is removed, and no more;",
    "KeepsTheSpace": "one space after the colon is removed, and no more;",
    "SplitsAtColonSpace": "no line of a stream is an error",
    "SplitsAtEveryColon": "the first colon ends the name",
    "KeepsTheLastLF": "the last LF is not part of the data.",
    "LastDataCounts": "the data fields of a block make one text, joined by",
    "DispatchesWithoutData": "no data field in this block",
    "DropsEmptyData": "an empty data field is data",
    "NoColonIsNoField": "a field with an empty value",
    "AnyCase": "Data is not data",
    "StripsTheLine": "a space before the colon is part of the name: only",
    "ReadsComments": "is a comment",
    "TypeStays": "an event's type holds for one block only, even if",
    "TypeOutlivesAnEmptyBlock": "an event's type holds for one block only, even if",
    "NoType": "it is 'message'",
    "RetryIsWhatIntTakes": "the digits 0 to 9 only",
    "RetryRaises": "the digits 0 to 9 only",
    "RetryIsAnyDigits": "the digits 0 to 9 only",
    "RetryBeginsWithDigits": "the digits 0 to 9 only",
    "RetryWithTheBlankLine": "as soon as its line has ended",
    "IgnoresRetry": "wrong.",
    "ATuple": "wrong.",
}
