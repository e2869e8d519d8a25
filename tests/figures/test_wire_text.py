from __future__ import annotations

import pytest

from labserver.figures.wire_text import dump, duration, hover, plain
from labserver.wire.message import Message
from labserver.wire.tape import Direction
from labserver.wire.websocket_frame import Frame

HOSTILE = [
    "<b>bold</b>",
    '<a href="javascript:alert(1)">link</a>',
    "<extra>name</extra>",
    "<br>",
    r"$\alpha$",
    "&lt;",
    "two\nlines\r\n",
    "nul \x00, escape \x1b, right to left \u202e",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_a_text_says_is_obeyed(text: str) -> None:
    shown = plain(text)
    assert not set("<>$\n\r\x00\x1b\u202e") & set(shown)


def test_what_is_no_markup_stays_as_it_is() -> None:
    assert plain('{"grüß": "%{x}"}') == '{"grüß": "%{x}"}'
    assert plain("a < b & c\n") == "a &lt; b &amp; c\\n"
    assert plain("5 $") == "5 &#36;"


def test_a_long_text_is_cut_before_it_is_escaped() -> None:
    assert plain("<" * 100, 10) == "&lt;" * 9 + "…"
    assert plain("x" * 10, 10) == "x" * 10


def test_bytes_are_hex_and_ascii() -> None:
    assert dump(b"") == []
    assert dump(b"\x81\x03<b>") == ["81 03 3c 62 3e" + " " * 34 + " ..&lt;b&gt;"]
    assert [len(line) for line in dump(bytes(17))] == [65, 50]
    assert dump(bytes(1033))[2:] == ["… 1,001 bytes more"]


def test_a_message_is_told_with_what_is_wrong_with_it() -> None:
    frame = Frame(b"\x81\x01", b"<", error="byte 0: <wrong>")
    message = Message(7, 2, Direction.DOWN, 1_000_000, 1_000_000, -1, frame)
    assert hover(message).split("<br>") == [
        "<b>7 · WebSocket frame</b>, connection 2",
        'text "&lt;"',
        "server → client: sent 1.00 ms, never arrived",
        "3 bytes = 1 payload + 2 overhead",
        "byte 0: &lt;wrong&gt;",
        *dump(b"\x81\x01<"),
    ]


def test_durations_have_the_unit_that_suits_them() -> None:
    assert [duration(each) for each in (12.34, 1.5, 0.6021, 0.0000401)] == [
        "12.3 s",
        "1.5 s",
        "602 ms",
        "0.0401 ms",
    ]
