"""The streams that a parser of server-sent events is fed with, and what they hold.

The vectors are taken from the standard, rule by rule, the simple ones first; a parser must tell
what the random ones hold. This file holds only data and its cuts.
"""

from __future__ import annotations

import random
from typing import NamedTuple

from labserver.practice.given.sse_events import Event

BLOCK = "WHATWG HTML §9.2.6: fields, line by line; a blank line dispatches the event"
LINES = "WHATWG HTML §9.2.5: a line ends in CRLF, LF or CR, and nothing else"
CUT = "WHATWG HTML §9.2.5: the unit is the line; where a chunk ends means nothing"
UTF8 = "WHATWG HTML §9.2.6: the stream is decoded as UTF-8; invalid bytes become U+FFFD"
BOM_RULE = (
    "WHATWG HTML §9.2.5: the stream may start with one byte order mark, which is not part of it"
)
SPACE = "WHATWG HTML §9.2.6: if the value starts with a space, that space is removed"
NO_COLON = "WHATWG HTML §9.2.6: a line without a colon is a field name; the value is empty"
COMMENT = "WHATWG HTML §9.2.6: a line that starts with a colon is ignored"
NAME = "WHATWG HTML §9.2.6: names are case-sensitive; unknown fields are ignored"
DATA = "WHATWG HTML §9.2.6: each data field appends its value and LF; the last LF is removed"
NO_DATA = "WHATWG HTML §9.2.6: an empty data buffer dispatches nothing and resets the type"
ID = "WHATWG HTML §9.2.6: a blank line sets the last event id, with or without data; it stays"
NUL = "WHATWG HTML §9.2.6: an id that contains NUL is ignored"
RETRY = (
    "WHATWG HTML §9.2.6: retry counts if its value has only ASCII digits; otherwise it is ignored"
)
END = "WHATWG HTML §9.2.6: an event that the end of the stream cuts off is discarded"

BOM = b"\xef\xbb\xbf"


class Vector(NamedTuple):
    """A stream, and what the standard says about it.

    Attributes:
        rule: the sentence that decides.
        stream: its bytes.
        events: all that are dispatched.
        last_event_id: in the end.
        retry_ms: the reconnection time in the end; None: it was not set.
    """

    rule: str
    stream: bytes
    events: tuple[Event, ...] = ()
    last_event_id: str = ""
    retry_ms: int | None = None


def message(data: str, last_event_id: str = "") -> Event:
    """An event of the usual type."""
    return Event("message", data, last_event_id)


A, B = message("a"), message("b")
A7, B7 = message("a", "7"), message("b", "7")
ADD = Event("add", "a", "")

VECTORS = (
    Vector(BLOCK, b"data: a\n\n", (A,)),
    Vector(BLOCK, b"data: a\n\ndata: b\n\n", (A, B)),
    Vector(END, b"data: a\n\ndata: b\n", (A,)),
    Vector(LINES, b"data: a\r\n\r\n", (A,)),
    Vector(LINES, b"data: a\r\rdata: b\r\r: end\r", (A, B)),
    Vector(LINES, b"data: a\r\n\ndata: b\n\r\n", (A, B)),
    Vector(DATA, b"data: a\ndata: b\n\n", (message("a\nb"),)),
    Vector(DATA, b"data: YHOO\ndata: +2\ndata: 10\n\n", (message("YHOO\n+2\n10"),)),
    Vector(SPACE, b"data:a\n\n", (A,)),
    Vector(SPACE, b"data:  a \n\n", (message(" a "),)),
    Vector(SPACE, b"data: a: b:c\n\n", (message("a: b:c"),)),
    Vector(DATA, b"data:\n\n", (message(""),)),
    Vector(NO_COLON, b"data\n\n", (message(""),)),
    Vector(NO_COLON, b"data\n\ndata\ndata\n\ndata:", (message(""), message("\n"))),
    Vector(BLOCK, b"event: add\ndata: a\n\n", (ADD,)),
    Vector(BLOCK, b"event: add\ndata: a\n\ndata: b\n\n", (ADD, B)),
    Vector(NO_DATA, b"event: add\n\n"),
    Vector(NO_DATA, b"event: add\n\ndata: a\n\n", (A,)),
    Vector(NO_COLON, b"event: add\nevent\ndata: a\n\n", (A,)),
    Vector(NO_DATA, b"\n\n\ndata: a\n\n\n\n", (A,)),
    Vector(COMMENT, b": a comment\n:\n\n"),
    Vector(COMMENT, b":data: a\n\ndata: b\n:data: c\n\n", (B,)),
    Vector(ID, b"id: 7\ndata: a\n\n", (A7,), "7"),
    Vector(ID, b"id: 7\n\n", (), "7"),
    Vector(ID, b"id: 7\ndata: a\n\ndata: b\n\n", (A7, B7), "7"),
    Vector(ID, b"id: 7\n\ndata: b\n\n", (B7,), "7"),
    Vector(NO_COLON, b"id: 7\ndata: a\n\nid\ndata: b\n\n", (A7, B)),
    Vector(NUL, b"id: 7\n\nid: 8\x00\ndata: a\n\n", (A7,), "7"),
    Vector(END, b"id: 7\n\nid: 8\ndata: a", (), "7"),
    Vector(NAME, b"Data: a\nDATA: b\n\n"),
    Vector(NAME, b" data: a\ndata : b\n\n"),
    Vector(NAME, b"datax: c\nfoo\nid-2: 3\n\n"),
    Vector(RETRY, b"retry: 2500\n\n", retry_ms=2500),
    Vector(RETRY, b"retry: 2500\n", retry_ms=2500),
    Vector(RETRY, b"retry: 1x\n\n"),
    Vector(RETRY, b"retry: -1\n\nretry: 1.5\n\nretry: 1_000\n\n"),
    Vector(RETRY, b"retry: 2500\n\nretry:  5\n\nretry: 5 \n\n", retry_ms=2500),
    Vector(RETRY, "retry: \u0663\n\n".encode()),
    Vector(BOM_RULE, BOM + b"data: a\n\n", (A,)),
    Vector(BOM_RULE, BOM + b"data: a\n\n" + BOM + b"data: b\n\n", (A,)),
    Vector(UTF8, "data: grüße 🎉\n\n".encode(), (message("grüße 🎉"),)),
    Vector(LINES, 'data: "a\u2028b\x0c"\n\n'.encode(), (message('"a\u2028b\x0c"'),)),
    Vector(LINES, b"data: a\r\r", (A,)),
    Vector(BOM_RULE, b"\n" + BOM + b"data: a\n\n"),
)

Feeds = tuple[tuple[Event, ...], ...]

# Rule, chunks, and what each of them completes.
CUTS: tuple[tuple[str, tuple[bytes, ...], Feeds], ...] = (
    (CUT, (b"data: a\n", b"\n"), ((), (A,))),
    (CUT, (b"da", b"ta: a\n\nda", b"ta: b\n\n"), ((), (A,), (B,))),
    (LINES, (b"data: a\r", b"\ndata: b\r\n\r\n"), ((), (message("a\nb"),))),
    (LINES, (b"data: a\r", b"\n\r\n"), ((), (A,))),
    (LINES, (b"data: a\r", b"", b"\ndata: b\n\n"), ((), (), (message("a\nb"),))),
    (LINES, (b"data: a\r\n\r", b"\ndata: b\n\n"), ((A,), (B,))),
    (LINES, (b"data: a\r", b"\r"), ((), (A,))),
    (UTF8, (b"data: \xc3", b"\xa9\n\n"), ((), (message("é"),))),
    (BOM_RULE, (BOM[:1], BOM[1:] + b"data: a\n\n"), ((), (A,))),
)

FIELDS = (
    *("data: a", "data: grüße", "data:🎉", "data", "data:  b", "data: c: d", "Data: e", "data: f "),
    *(": comment", ":", "id: 1", "id: zwölf", "id", "id: 2\0", "event: add", "event", "other: x"),
    *("retry: 100", "retry: 1x", "retry: 007", "\ufeffdata: g", "\u2028"),
)


def stream(draws: random.Random) -> bytes:
    """A stream of up to 8 blocks, perhaps with a beginning of one more."""
    text = draws.choice(("", "", "\ufeff"))
    for _ in range(draws.randint(1, 8)):
        lines = [*draws.choices(FIELDS, k=draws.randint(0, 3)), ""]
        text += "".join(line + draws.choice(("\n", "\r", "\r\n")) for line in lines)
    return text.encode() + draws.choice((b"", b"data: unfinished", b"id: 9\n"))


def cut(draws: random.Random, data: bytes) -> tuple[bytes, ...]:
    """Bytes in up to 7 chunks, none of them empty."""
    cuts = sorted(draws.sample(range(1, len(data)), min(draws.randint(0, 6), len(data) - 1)))
    return tuple(data[i:j] for i, j in zip([0, *cuts], [*cuts, len(data)], strict=True))
