"""E05: events out of a `text/event-stream`."""

from __future__ import annotations

import codecs
import itertools
import random
import re
from collections.abc import Callable, Iterator
from operator import gt, lt

from labserver.exercises.e05_sse_parser.event_streams import (
    BOM,
    CUT,
    CUTS,
    UTF8,
    VECTORS,
    cut,
    message,
    stream,
)
from labserver.exercises.e05_sse_parser.play import TYPES, Chunks, Parsed, play
from labserver.exercises.e12_frame_decoder.exercise import octets
from labserver.practice.checking.exercise import Case, Diagnosis, Exercise, Failure
from labserver.practice.checking.play import Raised
from labserver.practice.given.sse_events import Event

STUB = '''\
import re

from labserver.practice.sse_events import Event


class SSEParser:
    """Parses a text/event-stream; last_event_id is a str, retry_ms an int or None."""

    def __init__(self) -> None:
        raise NotImplementedError

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that this chunk completes."""
        raise NotImplementedError
'''


class SSEParser:
    """The reference, byte by byte.

    Attributes:
        last_event_id: of the last blank line.
        retry_ms: None: the stream has not said.
    """

    def __init__(self) -> None:
        self.last_event_id = ""
        self.retry_ms: int | None = None
        self._line = bytearray()
        self._first = True
        self._after_cr = False
        self._data: list[str] = []
        self._type = self._id = ""

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that this chunk completes."""
        events: list[Event] = []
        for byte in chunk:
            second_half = byte == 0x0A and self._after_cr
            self._after_cr = byte == 0x0D
            if byte not in (0x0A, 0x0D):
                self._line.append(byte)
            elif not second_half:
                events += self._end_line()
        return events

    def _end_line(self) -> list[Event]:
        line = bytes(self._line)
        self._line.clear()
        if self._first:
            line = line.removeprefix(BOM)
            self._first = False
        if not line:
            return self._dispatch()
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._type = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry_ms = int(value)
        return []

    def _dispatch(self) -> list[Event]:
        self.last_event_id = self._id
        data, kind = self._data, self._type or "message"
        self._data, self._type = [], ""
        return [Event(kind, "\n".join(data), self._id)] if data else []


def cases() -> Iterator[Case]:
    """The vectors whole, then cut, then byte by byte; streams and cuts drawn at random."""
    for vector in VECTORS:
        ends = Parsed([list(vector.events)], vector.last_event_id, vector.retry_ms)
        yield Case(((vector.stream,),), vector.rule, ends)
    for rule, chunks, feeds in CUTS:
        yield Case((chunks,), rule, Parsed([list(feed) for feed in feeds], "", None))
    yield Case(((b"data: \xff\n\n",),), UTF8, Parsed([[message("\ufffd")]], "", None))
    for vector in VECTORS:
        yield Case((octets(vector.stream),), vector.rule)
    draws = random.Random(5)
    for _ in range(60):
        yield Case((cut(draws, stream(draws)),), CUT)


def smaller(given: tuple[Chunks]) -> Iterator[tuple[Chunks]]:
    """Give fewer chunks, two of them joined, or a whole stream without one of its lines."""
    (chunks,) = given
    for count in range(1, len(chunks)):
        yield (chunks[:count],)
    for i in range(len(chunks) - 1):
        yield ((*chunks[:i], chunks[i] + chunks[i + 1], *chunks[i + 2 :]),)
    lines = re.findall(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$", chunks[0])
    for i in range(len(lines) if len(chunks) == 1 < len(lines) else 0):
        yield ((b"".join(lines[:i] + lines[i + 1 :]),),)


def shown(given: tuple[Chunks]) -> list[str]:
    """Show the calls."""
    (chunks,) = given
    if len(chunks) > 1 and all(len(chunk) == 1 for chunk in chunks):
        calls = [f"for byte in {b''.join(chunks)!r}:", "    parser.feed(bytes([byte]))"]
    else:
        calls = [f"parser.feed({chunk!r})" for chunk in chunks]
    return ["parser = SSEParser()", *calls, "parser.last_event_id, parser.retry_ms"]


def _stream(failure: Failure) -> bytes:
    return b"".join(failure.given[0])


def _events(parsed: Parsed) -> list[Event]:
    return [event for feed in parsed.feeds for event in feed]


def _counts(failure: Failure) -> tuple[int, int]:
    """Return how many events were expected, and how many came."""
    return len(_events(failure.expected)), len(_events(failure.actual))


def _first(failure: Failure) -> tuple[Event, Event]:
    """Return the first event that is wrong, expected and actual; their numbers must be equal."""
    pairs = zip(_events(failure.expected), _events(failure.actual), strict=True)
    wrong, *_ = [pair for pair in pairs if pair[0] != pair[1]]
    return wrong


def _valid(failure: Failure) -> bool:
    """Whether the stream is UTF-8, except for a character that its end may cut."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(_stream(failure))
    except UnicodeDecodeError:
        return False
    return True


def _unfinished(failure: Failure) -> bool:
    return re.search(rb"(\n|\r|\r\n)(\n|\r|\r\n)$", _stream(failure)) is None


def _fewer(pattern: bytes) -> Callable[[Failure], bool]:
    """Whether too few events came of a stream with this in it."""
    return lambda failure: _holds(failure, pattern) and gt(*_counts(failure))


def _more(pattern: bytes) -> Callable[[Failure], bool]:
    """Whether too many events came of a stream with this in it."""
    return lambda failure: _holds(failure, pattern) and lt(*_counts(failure))


def _holds(failure: Failure, pattern: bytes) -> bool:
    return re.search(pattern, _stream(failure)) is not None


def cuts_a_character(failure: Failure) -> bool:
    """Whether half a character was decoded."""
    if isinstance(failure.actual, Raised):
        return _valid(failure) and failure.actual == "UnicodeDecodeError"
    return _valid(failure) and any("\ufffd" in one.data for one in _events(failure.actual))


def takes_retry_wrongly(failure: Failure) -> bool:
    """Whether an invalid value counted, or was treated as an error."""
    if isinstance(failure.actual, Raised):
        return b"retry" in _stream(failure) and failure.actual == "ValueError"
    return bool(failure.actual.retry_ms not in (None, failure.expected.retry_ms))


def waits_after_cr(failure: Failure) -> bool:
    """Whether a CR ended a blank line, but its event was not returned yet."""
    actual, so_far = failure.actual.feeds, b""
    for index, chunk in enumerate(failure.given[0]):
        so_far += chunk
        if failure.expected.feeds[index] != actual[index]:
            return bool(actual[index] == []) and so_far.endswith((b"\r\r", b"\n\r"))
    return False


def splits_crlf(failure: Failure) -> bool:
    """Whether a CRLF that was cut between two chunks counted as two line ends."""
    chunks = failure.given[0]
    pairs = itertools.pairwise(chunks)
    expected, actual = _counts(failure)
    return actual > expected and any(a.endswith(b"\r") and b.startswith(b"\n") for a, b in pairs)


def dispatches_without_data(failure: Failure) -> bool:
    """Whether events without data were made up."""
    expected, actual = _counts(failure)
    return actual > expected and any(not event.data for event in _events(failure.actual))


def forgets_between_chunks(failure: Failure) -> bool:
    """Whether a stream in several chunks gave fewer events."""
    expected, actual = _counts(failure)
    return len(failure.given[0]) > 1 and actual < expected


def takes_the_unfinished(failure: Failure) -> bool:
    """Whether an event, or an id, counted before its blank line."""
    expected, actual = _counts(failure)
    early = failure.actual.last_event_id != failure.expected.last_event_id
    return _unfinished(failure) and (actual > expected or early)


def _data(fits: Callable[[str, str], bool]) -> Callable[[Failure], bool]:
    """Match the data of the first wrong event, expected and actual."""

    def looks(failure: Failure) -> bool:
        expected, actual = _first(failure)
        return expected.data != actual.data and fits(expected.data, actual.data)

    return looks


def _kind(wanted: Callable[[str], bool]) -> Callable[[Failure], bool]:
    def fits(failure: Failure) -> bool:
        expected, actual = _first(failure)
        return expected.type == "message" and wanted(actual.type)

    return fits


def loses_the_last_id(failure: Failure) -> bool:
    """Whether an event without an id of its own has none."""
    expected, actual = _first(failure)
    return expected._replace(id="") == actual._replace(id="") and bool(
        expected.id and not actual.id
    )


def _last_id(failure: Failure) -> bool:
    return bool(failure.actual.last_event_id != failure.expected.last_event_id)


EXERCISE = Exercise(
    id="E05",
    name="SSEParser",
    title="events out of a stream",
    lesson=3,
    points=5,
    questions=(3,),
    stub=STUB,
    cases=cases,
    reference=SSEParser,
    play=play,
    types=TYPES,
    shown=shown,
    smaller=smaller,
    hints=(
        "Which unit does the standard parse: chunk, line or block?",
        (
            "Buffer bytes, cut off complete lines, and remember whether the last byte was CR. "
            "Try b'data: a\\r' and then b'\\n\\r\\n'."
        ),
        "on a blank line: last = id_buf; if data: emit(type or 'message', ____.join(data), last)",
    ),
    follow_up=(
        "“SSE reconnects for free.” The connection breaks in the middle of an event. What "
        "is lost? And how is that with a WebSocket?",
        "Nothing is lost if the server does its part. An incomplete event is not "
        "dispatched and its id does not count, so the browser reconnects with the "
        "previous id and gets the whole event again.\n"
        "With a WebSocket you write all of this yourself: ids, a log, reconnecting, and a "
        "pause before each attempt.",
    ),
    diagnoses=(
        Diagnosis(
            "a character was cut between two chunks. Decode lines, not chunks.", cuts_a_character
        ),
        Diagnosis(
            "bytes that are not UTF-8 do not end a stream: U+FFFD replaces them.",
            lambda failure: not _valid(failure) and isinstance(failure.actual, Raised),
        ),
        Diagnosis(
            "retry counts if it consists of the digits 0 to 9 only; anything else is ignored.",
            takes_retry_wrongly,
        ),
        Diagnosis(
            "no line of a stream is an error: the colon may be missing, and the space as well.",
            lambda failure: isinstance(failure.actual, Raised) and failure.actual == "ValueError",
        ),
        Diagnosis(
            "retry does not belong to an event: it counts as soon as its line has ended.",
            lambda failure: (
                failure.actual.retry_ms is None
                and failure.expected.retry_ms is not None
                and _unfinished(failure)
            ),
        ),
        Diagnosis(
            "the byte order mark at the start of the stream is not part of its first line.",
            _fewer(b"^" + BOM),
        ),
        Diagnosis(
            "only the first bytes of a stream can be a byte order mark; here it comes again, "
            "as part of the line.",
            _more(b"\n" + BOM),
        ),
        Diagnosis(
            "a CR at the end of a chunk and an LF at the start of the next are one line end.",
            splits_crlf,
        ),
        Diagnosis(
            "the blank line ended with its CR, and you wait for the byte after it. That may "
            "take an hour.",
            waits_after_cr,
        ),
        Diagnosis(
            "a line was cut between two chunks: keep its beginning for the next feed.",
            forgets_between_chunks,
        ),
        Diagnosis(
            "this stream gave too few events. Lines may end in LF, CRLF or CR.",
            _fewer(b"\r"),
        ),
        Diagnosis(
            "lines end in LF, CRLF or CR only. Python's splitlines knows more line ends, "
            "such as U+2028, which may occur in JSON.",
            _data(lambda data, actual: "\u2028" in data and "\u2028" not in actual),
        ),
        Diagnosis(
            "without its blank line an event is not complete: neither it nor its id counts. The"
            " client will ask for it again.",
            takes_the_unfinished,
        ),
        Diagnosis(
            "there is no data field in this block, so there is no event.", dispatches_without_data
        ),
        Diagnosis("field names are case-sensitive: Data is not data.", _more(b"D")),
        Diagnosis(
            "a space before the colon is part of the name: only 'data' is data.",
            _more(rb"(?m)^ data|data :"),
        ),
        Diagnosis("a line that starts with a colon is a comment.", _more(rb"(?m)^:data")),
        Diagnosis("an id that contains NUL is ignored.", lambda f: "\0" in f.actual.last_event_id),
        Diagnosis(
            "an id without a value is an id: it sets the last event id to ''.",
            lambda failure: bool(_first(failure)[1].id) and not _first(failure)[0].id,
        ),
        Diagnosis(
            "'id: 7' then a blank line must set last_event_id to 7 even with no data.",
            lambda failure: _last_id(failure) and b"data" not in _stream(failure),
        ),
        Diagnosis("an event without an id of its own has the last event id.", loses_the_last_id),
        Diagnosis(
            "a line without a colon is a field with an empty value.",
            _fewer(rb"(?m)^data$"),
        ),
        Diagnosis(
            "an empty data field is data: its event is dispatched, with data ''.",
            _fewer(rb"(?m)^data:$"),
        ),
        Diagnosis(
            "an event's type holds for one block only, even if that block has no data.",
            _kind(lambda actual: actual == "add"),
        ),
        Diagnosis(
            "if the type is missing or empty, it is 'message'.",
            _kind(lambda actual: not actual),
        ),
        Diagnosis(
            "the last LF is not part of the data.",
            _data(lambda data, actual: actual == data + "\n"),
        ),
        Diagnosis(
            "one space after the colon is removed, and no more; all others are data.",
            _data(lambda data, actual: actual.strip() == data.strip()),
        ),
        Diagnosis(
            "the first colon ends the name; all others are data.",
            _data(lambda data, actual: ":" in data),
        ),
        Diagnosis(
            "the data fields of a block make one text, joined by LF.",
            _data(lambda data, actual: "\n" in data),
        ),
    ),
)
