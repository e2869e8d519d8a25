"""One direction of HTTP/1.1: where its messages end, and what is wrong with them."""

from __future__ import annotations

import pytest

from labserver.wire import http1_reader
from labserver.wire.http1_reader import TRANSITIONS, ReaderMove, ReaderState
from labserver.wire.message import Kind, Message
from tests.wire.conversations import DOWN, UP, Said, decoded

REQUEST = (UP, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def down(*said: bytes, ends: bool = True) -> list[Message]:
    given: Said = (REQUEST, *((DOWN, each) for each in said))
    return [m for m in decoded(given, ends=ends) if m.direction is DOWN]


@pytest.mark.parametrize(
    ("head", "line"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", b"no colon"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nSpace : a\r\n\r\n", b"Space"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: \x00\r\n\r\n", b"A: "),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", b"GET"),
        (b"GET / HTTP/1.1\r\n\r\n", b"GET"),  # no Host
    ],
)
def test_a_broken_head_is_one_message_that_names_the_byte(head: bytes, line: bytes) -> None:
    messages = decoded([(UP, head + b"more")])
    assert (messages[0].kind, messages[0].raw) == (Kind.HTTP_REQUEST, head)
    assert messages[0].error.startswith(f"byte {head.index(line)}: ")
    assert (messages[1].kind, messages[1].raw) == (Kind.UNKNOWN, b"more")
    assert messages[1].error == "what follows a broken request"


@pytest.mark.parametrize("rest", [b"x\r\nhello\r\n0\r\n\r\n", b"5\r\nhelloworld", b"5\r\nhello\rX"])
def test_broken_chunks_are_named_at_their_byte(rest: bytes) -> None:
    messages = down(CHUNKED + b"2\r\nhi\r\n" + rest)
    good = messages[0].raw
    assert messages[0].error == (f"byte {len(good)}: the chunk framing is broken (RFC 9112 §7.1)")
    assert good.endswith((b"hi", b"hello"))
    assert messages[1].kind is Kind.UNKNOWN


def test_a_body_that_ends_early_says_how_far_it_came() -> None:
    (message,) = down(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")
    assert message.error == "byte 41: cut off within the body"
    assert message.payload == 3


def test_a_body_as_long_as_the_connection_is_whole_after_a_fin_only() -> None:
    said = b"HTTP/1.1 200 OK\r\n\r\nhello"
    assert [m.error for m in down(said)] == [""]
    assert [m.error for m in down(said, ends=False)] == ["byte 24: cut off within the body"]


def test_a_head_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http1_reader, "HEAD_MAX", 100)
    (message,) = decoded([(UP, b"GET / HTTP/1.1\r\nA: " + b"a" * 200)])
    assert message.kind is Kind.UNKNOWN
    assert "more than 100 bytes without an end" in message.error


def test_a_body_that_is_declared_too_large_is_not_waited_for() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"
    messages = down(head, b"start", ends=False)
    assert messages[0].raw == head
    assert (
        messages[0].error == "byte 17: declares 99,999,999 bytes; more than 16,777,216 are not read"
    )
    assert messages[1].raw == b"start"


def test_a_length_that_no_body_follows_is_no_reason_to_give_up() -> None:
    given: Said = (
        (UP, b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"),
        (DOWN, b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"),
    )
    assert [message.error for message in decoded(given)] == ["", ""]


def test_a_chunked_body_that_becomes_too_large_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http1_reader, "BODY_MAX", 4)
    messages = down(CHUNKED + b"3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n")
    assert messages[0].payload == 4
    assert (
        messages[0].error
        == f"byte {len(messages[0].raw)}: more than 4 bytes of a body are not read"
    )
    assert messages[1].raw == b"ef\r\n0\r\n\r\n"


def test_bytes_that_are_no_head_at_all_are_unknown() -> None:
    (message,) = down(b"\x00\x01\x02")
    assert message.kind is Kind.UNKNOWN
    assert message.error == "byte 0: not the head of a response: it cannot begin with 0x00"


def test_every_state_has_its_moves_and_can_be_reached() -> None:
    assert set(TRANSITIONS) == set(ReaderState)
    reached = {state for moves in TRANSITIONS.values() for state in moves.values()}
    assert reached == set(ReaderState)


def test_any_state_may_be_left_and_all_but_two_may_end() -> None:
    assert all(
        TRANSITIONS[state][ReaderMove.LEAVE] is ReaderState.SWITCHED for state in ReaderState
    )
    endless = {state for state in ReaderState if ReaderMove.END not in TRANSITIONS[state]}
    assert endless == {ReaderState.SWITCHED, ReaderState.ENDED}
