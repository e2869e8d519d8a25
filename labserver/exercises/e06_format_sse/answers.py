"""Wrong ideas about writing an event: most change one thing in a function that works."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

LINE_ENDS = "\r\n|\n|\r"

Write = Callable[..., Any]


def _lines(data: str) -> list[str]:
    return re.split(LINE_ENDS, data)


def _with(
    lines: Callable[[str], list[str]] = _lines,
    space: str = " ",
    end: str = "\n",
    refused: str = "[\r\n\0]",
    least: int = 0,
) -> Write:
    """A function that works unless something is changed."""

    def write(
        data: str, event: str | None = None, id: str | None = None, retry: int | None = None
    ) -> bytes:
        if re.search(refused, f"{event}{id}") or (retry or 0) < least:
            raise ValueError
        text = "".join(f"data:{space}{line}\n" for line in lines(data))
        for name, value in (("event", event), ("id", id), ("retry", retry)):
            text += "" if value is None else f"{name}: {value}\n"
        return (text + end).encode()

    return write


_right = _with()

data_as_it_is = _with(lambda data: [data])
splits_at_lf = _with(lambda data: data.split("\n"))
a_space_behind = _with(end="\n ")
crlf_is_two = _with(lambda data: re.split("[\r\n]", data))
splitlines = _with(str.splitlines)
splitlines_and_the_end = _with(
    lambda data: data.splitlines() + [""] * (data[-1:] in ("", "\r", "\n"))
)
no_field_for_nothing = _with(lambda data: _lines(data) if data else [])
one_line_of_all = _with(lambda data: [" ".join(_lines(data))])
strips = _with(lambda data: [line.strip() for line in _lines(data)])
as_json = _with(lambda data: [json.dumps(data)])
no_space = _with(space="")
no_blank_line = _with(end="")
accepts_newlines = _with(refused="\0")
accepts_cr = _with(refused="[\n\0]")
accepts_nul = _with(refused="[\r\n]")
accepts_a_negative_retry = _with(least=-1)


def an_event_a_line(data: str, **fields: Any) -> Any:
    return b"".join(_right(line, **fields) for line in _lines(data))


def none_as_a_word(data: str, event: Any = None, id: Any = None, retry: Any = None) -> Any:
    return _right(data, str(event), str(id), retry)


def empty_is_none(data: str, event: Any = None, id: Any = None, retry: Any = None) -> Any:
    return _right(data, event or None, id or None, retry)


def zero_is_none(data: str, event: Any = None, id: Any = None, retry: Any = None) -> Any:
    return _right(data, event, id, retry or None)


def removes_newlines(data: str, event: Any = None, id: Any = None, retry: Any = None) -> Any:
    event, id = (value and re.sub(LINE_ENDS, " ", value) for value in (event, id))
    return _right(data, event, id, retry)


def refuses_lines_of_data(data: str, **fields: Any) -> Any:
    if len(_lines(data)) > 1:
        raise ValueError
    return _right(data, **fields)


def ascii_only(data: str, **fields: Any) -> Any:
    return _right(data, **fields).decode().encode("ascii")


def latin_1(data: str, **fields: Any) -> Any:
    return _right(data, **fields).decode().encode("latin-1", "replace")


def a_text(data: str, **fields: Any) -> Any:
    return _right(data, **fields).decode()


# Wrong solution → a part of what the learner is told first.
MESSAGES = {
    "data_as_it_is": "'id: 999' was injected by a chat message",
    "splits_at_lf": "'id: 999' was injected by a chat message",
    "a_space_behind": "something follows the blank line and spoils the",
    "crlf_is_two": "CRLF is one line end",
    "splitlines": "the data ends with a line end, which got lost.",
    "splitlines_and_the_end": "Python's splitlines knows more line ends",
    "no_field_for_nothing": "empty data is data: without a data field nothing is",
    "one_line_of_all": "lines of the data got lost",
    "an_event_a_line": "one event became several",
    "no_blank_line": "Does a blank line end it?",
    "no_space": "a client removes one space after the colon, and",
    "strips": "a client removes one space after the colon, and",
    "none_as_a_word": "None leaves a field out",
    "empty_is_none": "'' is not None: an empty id goes on the wire and",
    "zero_is_none": "0 is not None: it tells the client to reconnect at",
    "accepts_newlines": "a line end in event or id forges a field",
    "accepts_cr": "a line end in event or id forges a field",
    "removes_newlines": "a line end in event or id forges a field",
    "accepts_nul": "a client ignores an id that contains NUL: refuse",
    "accepts_a_negative_retry": "a client ignores a retry that does not consist of",
    "refuses_lines_of_data": "data may contain anything; only event and id may",
    "ascii_only": "a stream is UTF-8 and can hold every character.",
    "latin_1": "a stream is UTF-8 and can hold every character.",
    "a_text": "bytes, not str",
    "as_json": "wrong.",
}
