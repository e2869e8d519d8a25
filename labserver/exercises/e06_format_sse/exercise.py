"""E06: an event as bytes, in which no part of the data can become a field."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from operator import gt, lt
from typing import Any, NamedTuple

from labserver.exercises.e05_sse_parser.exercise import SSEParser
from labserver.exercises.e06_format_sse.play import TYPES, play
from labserver.practice.checking.exercise import Case, Diagnosis, Exercise, Failure
from labserver.practice.checking.play import Raised
from labserver.practice.given.sse_events import Event

BLOCK = "WHATWG HTML §9.2.6: fields, line by line; a blank line dispatches the event"
DATA = "WHATWG HTML §9.2.5: a line ends in CRLF, LF or CR, so data of n lines takes n fields"
EMPTY = "WHATWG HTML §9.2.6: an empty data field is dispatched; an event without one is not"
SPACE = "WHATWG HTML §9.2.6: if the value starts with a space, that space is removed"
FIELDS = "WHATWG HTML §9.2.5: a field's value cannot contain a line end; here that is a ValueError"
NUL = "WHATWG HTML §9.2.6: an id that contains NUL is ignored; here it is a ValueError, as in event"
ID = "WHATWG HTML §9.2.6: an absent field changes nothing; an empty id sets the id to ''"
RETRY = (
    "WHATWG HTML §9.2.6: retry consists of digits; 0 is valid, a negative number is a ValueError"
)
UTF8 = "WHATWG HTML §9.2.5: an event stream is always UTF-8; a byte order mark may only start it"

STUB = '''\
import re


def format_sse(
    data: str, event: str | None = None, id: str | None = None, retry: int | None = None
) -> bytes:
    """Return an event as it is written to a text/event-stream."""
    raise NotImplementedError
'''

BEFORE = b"id: before\nretry: 1000\n\n"
NEXT = b"data: next\n\n"
SPOILT = Event("", "the next event was not heard", "")


class Dispatched(NamedTuple):
    """What a client receives that had the id "before" and a reconnection time of 1000 ms.

    Attributes:
        events: all that are dispatched.
        last_event_id: at the end.
        retry_ms: at the end.
    """

    events: list[Event]
    last_event_id: str
    retry_ms: int | None


Given = tuple[str, str | None, str | None, int | None]


def format_sse(
    data: str, event: str | None = None, id: str | None = None, retry: int | None = None
) -> bytes:
    """The reference.

    Raises:
        ValueError: if `event` or `id` holds CR, LF or NUL, or `retry` is negative.
    """
    if re.search("[\r\n\0]", (event or "") + (id or "")) or (retry or 0) < 0:
        raise ValueError("not in a field")
    fields = {"event": event, "id": id, "retry": retry}
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    lines += [f"data: {line}" for line in re.split("\r\n|\n|\r", data)]
    return "\n".join([*lines, "", ""]).encode()


def canonical(given: Given, answer: Any) -> Any:
    """Return what a client receives in the middle of its stream; keep anything but bytes."""
    if type(answer) is not bytes:
        return answer
    parser = SSEParser()
    parser.feed(BEFORE)
    received = Dispatched(parser.feed(answer), parser.last_event_id, parser.retry_ms)
    if received.events and not parser.feed(NEXT):
        received.events.append(SPOILT)
    return received


def cases() -> Iterator[Case]:
    """Data of one line and of many, each field, what no field can hold, then random ones."""
    yield _received(BLOCK, ("hello", None, None, None), "hello")
    yield _received(BLOCK, ("hello", "add", None, None), "hello")
    yield _received(BLOCK, ("hello", None, "7", None), "hello")
    yield _received(BLOCK, ("hello", "add", "7", 2500), "hello")
    yield _received(DATA, ("hello\nid: 999", None, None, None), "hello\nid: 999")
    yield _received(DATA, ("hello\nyou", None, None, None), "hello\nyou")
    yield _received(DATA, ("a\r\nid: 999", None, None, None), "a\nid: 999")
    yield _received(DATA, ("a\rid: 999", None, None, None), "a\nid: 999")
    forged = "a\n\nevent: ADMIN\ndata: forged"
    yield _received(DATA, (forged, None, "7", None), forged)
    yield _received(DATA, ("a\r\n\r\nb\r\rc\n\rd", None, None, None), "a\n\nb\n\nc\n\nd")
    yield _received(DATA, ("a\n", None, None, None), "a\n")
    yield _received(DATA, ("\n", None, None, None), "\n")
    yield _received(EMPTY, ("", None, None, None), "")
    yield _received(SPACE, (" a ", None, None, None), " a ")
    yield _received(SPACE, ("a\n  b", None, None, None), "a\n  b")
    yield _received(SPACE, ("a", " add", " 7", None), "a")
    yield _received(DATA, (": a\ndata: b\n{", None, None, None), ": a\ndata: b\n{")
    yield _received(UTF8, ("grüße 🎉", "größe", "zwölf", None), "grüße 🎉")
    yield _received(DATA, ('"\u2028\x0c\x85"', None, None, None), '"\u2028\x0c\x85"')
    yield _received(UTF8, ("NUL \0 may be", None, None, None), "NUL \0 may be")
    yield _received(ID, ("a", None, "", None), "a")
    yield _received(BLOCK, ("a", "", None, None), "a")
    yield _received(RETRY, ("a", None, None, 0), "a")
    refused = Raised("ValueError")
    for end in ("\n", "\r", "\r\n"):
        yield Case(("a", f"add{end}id: 999", None, None), FIELDS, refused)
        yield Case(("a", None, f"7{end}event: ADMIN", None), FIELDS, refused)
        yield Case(("a", f"add{end}", None, None), FIELDS, refused)
        yield Case(("a", None, f"7{end}", None), FIELDS, refused)
    yield Case(("a", None, "7\0", None), NUL, refused)
    yield Case(("a", "a\0dd", None, None), NUL, refused)
    yield Case(("a", None, None, -1), RETRY, refused)
    draws = random.Random(6)
    for _ in range(60):
        yield Case(_random(draws), DATA)


def _received(rule: str, given: Given, data: str) -> Case:
    _, event, last, retry = given
    last = "before" if last is None else last
    retry = 1000 if retry is None else retry
    return Case(given, rule, Dispatched([Event(event or "message", data, last)], last, retry))


def _random(draws: random.Random) -> Given:
    pieces = ("a", "é", " ", ":", "data: ", "id: 999", "\n", "\r", "\r\n", "\n\n", "retry: 5")
    data = "".join(draws.choices(pieces, k=draws.randint(0, 8)))
    event, last = (draws.choice((None, "", "add", " x", "a: b")) for _ in range(2))
    return data, event, last, draws.choice((None, 0, 1500))


def smaller(given: Given) -> Iterator[Given]:
    """Give the same without a field, or with one character less."""
    data, event, last, retry = given
    for less in ((data, None, last, retry), (data, event, None, retry), (data, event, last, None)):
        if less != given:
            yield less
    for i in range(len(data)):
        yield data[:i] + data[i + 1 :], event, last, retry


def shown(given: Given) -> list[str]:
    """Show the call with its fields, and the parser that reads the result."""
    data, *fields = given
    names = zip(("event", "id", "retry"), fields, strict=True)
    said = [f"{name}={value!r}" for name, value in names if value is not None]
    call = f"format_sse({', '.join([repr(data), *said])})"
    return ["parser = SSEParser()", f"parser.feed({BEFORE!r})", f"parser.feed({call})"]


def _refused(pattern: str) -> Callable[[Failure], bool]:
    """Whether it accepted a field that must be refused because it matches this pattern."""

    def fits(failure: Failure) -> bool:
        _, event, last, _ = failure.given
        found = re.search(pattern, (event or "") + (last or ""))
        return failure.expected == Raised("ValueError") and found is not None

    return fits


def _only(failure: Failure) -> tuple[Event, Event]:
    """Return the only event, expected and actual."""
    (expected,), (actual,) = failure.expected.events, failure.actual.events
    return expected, actual


def is_no_utf8(failure: Failure) -> bool:
    """Whether the bytes are in another encoding, or could not be encoded."""
    if isinstance(failure.actual, Raised):
        return failure.actual == "UnicodeEncodeError"
    return "\ufffd" in _only(failure)[1].data


def _lines(fits: Callable[[int, int], bool]) -> Callable[[Failure], bool]:
    """Whether the numbers of line ends, expected and actual, fit."""

    def looks(failure: Failure) -> bool:
        expected, actual = _only(failure)
        return fits(expected.data.count("\n"), actual.data.count("\n"))

    return looks


def loses_the_end(failure: Failure) -> bool:
    """Whether only the line ends at the end are missing."""
    expected, actual = _only(failure)
    return expected.data != actual.data == expected.data.rstrip("\n")


def changes_spaces(failure: Failure) -> bool:
    """Whether the data, the type or the id lost or gained spaces."""
    expected, actual = _only(failure)
    pairs = [pair for pair in zip(expected, actual, strict=True) if pair[0] != pair[1]]
    return bool(pairs) and all(a.replace(" ", "") == b.replace(" ", "") for a, b in pairs)


EXERCISE = Exercise(
    id="E06",
    name="format_sse",
    title="an event as bytes",
    lesson=3,
    points=2,
    questions=(3,),
    stub=STUB,
    cases=cases,
    reference=format_sse,
    play=play,
    types=TYPES,
    canonical=canonical,
    shown=shown,
    smaller=smaller,
    hints=(
        "What does the parser do with line 2 of your data?",
        "One 'data: ' line per line of data; refuse CR, LF and NUL in id and event.",
        "''.join(f'data: {line}\\n' for line in re.split(____, data)) + '\\n'",
    ),
    follow_up=(
        "“For binary data you need a WebSocket.” How would you send a picture over SSE? "
        "And if your data is JSON, in which a newline is written `\\n`, do you still need "
        "this function?",
        "Send the picture's URL: the browser fetches it, and can cache it. Within the "
        "stream everything must be text, and base64 turns 3 bytes into 4.\n"
        "For JSON on a single line, one `data` field is enough. But `id` and `event` are "
        "not JSON, so they still have to be checked.",
    ),
    diagnoses=(
        Diagnosis(
            "a stream is bytes, not str: UTF-8.", lambda failure: type(failure.actual) is str
        ),
        Diagnosis(
            "a line end in event or id forges a field: it must be refused.", _refused("[\r\n]")
        ),
        Diagnosis(
            "a client ignores an id that contains NUL: refuse NUL, in event too.", _refused("\0")
        ),
        Diagnosis(
            "a client ignores a retry that does not consist of digits: refuse negative numbers.",
            lambda failure: failure.given[3] == -1,
        ),
        Diagnosis("a stream is UTF-8 and can hold every character.", is_no_utf8),
        Diagnosis(
            "data may contain anything; only event and id may not.",
            lambda failure: failure.actual == Raised("ValueError"),
        ),
        Diagnosis(
            "your second line of data became a new field: 'id: 999' was injected by a chat"
            " message.",
            lambda failure: failure.actual.last_event_id == "999",
        ),
        Diagnosis(
            "something follows the blank line and spoils the first line of the next event.",
            lambda failure: SPOILT in failure.actual.events,
        ),
        Diagnosis(
            "a blank line ends the event: one event became several.",
            lambda failure: len(failure.actual.events) > 1,
        ),
        Diagnosis(
            "None leaves a field out; the word None does not go on the wire.",
            lambda failure: "None" in (failure.actual.last_event_id, failure.actual.events[0].type),
        ),
        Diagnosis(
            "empty data is data: without a data field nothing is dispatched.",
            lambda failure: failure.given[0] == "" and failure.actual.events == [],
        ),
        Diagnosis(
            "this made no event. Does a blank line end it?",
            lambda failure: failure.actual.events == [],
        ),
        Diagnosis("the data ends with a line end, which got lost.", loses_the_end),
        Diagnosis(
            "CRLF is one line end, not two.",
            lambda failure: "\r\n" in failure.given[0] and _lines(lt)(failure),
        ),
        Diagnosis(
            "lines end in LF, CRLF or CR only. Python's splitlines knows more line ends, "
            "such as U+2028, which may occur in JSON.",
            _lines(lt),
        ),
        Diagnosis("lines of the data got lost or were joined.", _lines(gt)),
        Diagnosis(
            "a client removes one space after the colon, and only one: the others arrive.",
            changes_spaces,
        ),
        Diagnosis(
            "'' is not None: an empty id goes on the wire and clears the id that the client "
            "remembers.",
            lambda failure: failure.given[2] == "" != failure.actual.last_event_id,
        ),
        Diagnosis(
            "0 is not None: it tells the client to reconnect at once.",
            lambda failure: failure.given[3] == 0 != failure.actual.retry_ms,
        ),
    ),
)
