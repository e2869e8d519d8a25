"""What a part may do, and what is said of it where it does something else."""

from __future__ import annotations

from typing import Any

import pytest

from labserver.errors import LabError
from labserver.learner_server.parts import (
    EXERCISES,
    FIRST_USES,
    Calls,
    PartFailed,
    Parts,
    header_text,
)
from labserver.practice.given.answers import CloseReply
from labserver.practice.given.frames import Close, Frame, Message, Pong, ProtocolError

FRAME = Frame(True, 1, b"a")


def test_a_part_that_is_left_out_is_the_labs_own() -> None:
    parts = Parts.of(dict.fromkeys(EXERCISES))
    assert parts == Parts()
    assert parts.own == []
    for first in FIRST_USES:
        first.use(parts)


def test_every_part_has_an_exercise_and_a_first_use() -> None:
    assert list(EXERCISES) == [first.part for first in FIRST_USES] == list(Parts.__slots__)


def test_a_part_is_the_function_or_class_itself() -> None:
    with pytest.raises(LabError, match=r"decoder= takes FrameDecoder itself, not a int\."):
        Parts.of({"decoder": 3})


def test_two_parts_that_do_the_same_do_not_go_together() -> None:
    with pytest.raises(LabError, match="leave out accept_key="):
        Parts.of({"accept_key": str, "answer_upgrade": str})


def test_what_a_part_raises_is_told_with_the_line_that_raised_it() -> None:
    def encode(opcode: int, payload: bytes) -> bytes:
        raise KeyError(opcode)

    with pytest.raises(PartFailed) as caught:
        Calls(Parts(encode=encode)).octets(7, b"")
    failure = caught.value
    assert str(failure).startswith("E11 encode_frame raised KeyError: 7 (in encode, line ")
    assert str(failure).endswith(": raise KeyError(opcode))")
    assert isinstance(failure.__cause__, KeyError)
    assert (failure.part, failure.not_attempted, failure.stuck) == ("encode", False, False)


def test_an_exit_of_the_learners_ends_nothing_but_the_call() -> None:
    with pytest.raises(PartFailed, match="raised SystemExit: 3"):
        Calls(Parts()).call("encode", exit, 3)


def test_an_exception_that_cannot_be_told_is_named() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError

    def encode(opcode: int, payload: bytes) -> bytes:
        raise Mute

    with pytest.raises(PartFailed, match=r"raised Mute \(in encode"):
        Calls(Parts(encode=encode)).octets(1, b"")


def test_a_stub_is_not_attempted() -> None:
    def encode(opcode: int, payload: bytes) -> bytes:
        raise NotImplementedError

    with pytest.raises(PartFailed, match="E11 encode_frame is not attempted yet") as caught:
        Calls(Parts(encode=encode)).octets(1, b"")
    assert caught.value.not_attempted


def test_a_stub_that_a_part_builds_on_is_named_by_its_line() -> None:
    def mask(payload: bytes) -> bytes:
        raise NotImplementedError

    def encode(opcode: int, payload: bytes) -> bytes:
        return mask(payload)

    with pytest.raises(PartFailed, match=r"raised NotImplementedError \(in mask, line") as caught:
        Calls(Parts(encode=encode)).octets(1, b"")
    assert not caught.value.not_attempted


def test_a_protocol_error_is_what_a_part_is_meant_to_raise() -> None:
    def feed(data: bytes) -> list[Frame]:
        raise ProtocolError(1002)

    with pytest.raises(ProtocolError):
        Calls(Parts()).frames(feed, b"")


@pytest.mark.parametrize(
    ("came", "told"),
    [
        (None, "E12 FrameDecoder returned None, not a list"),
        ((FRAME,), "not a list"),
        ([b"ab"], r"returned b'ab', not Frame"),
        ([Frame(True, 1, "a")], "returned 'a', not bytes as the payload"),
        ([Frame(True, "1", b"a")], "returned '1', not an int as the opcode"),
    ],
)
def test_a_decoder_returns_a_list_of_frames(came: Any, told: str) -> None:
    with pytest.raises(PartFailed, match=told):
        Calls(Parts()).frames(lambda data: came, b"")


def test_an_assembler_returns_a_list_of_what_frames_bring_about() -> None:
    brought = [Message(1, b""), Pong(b""), Close(b"")]
    assert Calls(Parts()).brought(lambda frame: brought, FRAME) == brought
    with pytest.raises(PartFailed, match=r"E13 Assembler returned Frame\(.*not Message or Pong"):
        Calls(Parts()).brought(lambda frame: [frame], FRAME)


def test_the_other_parts_return_what_their_exercise_says() -> None:
    calls = Calls(Parts(encode=lambda op, payload: "a", accept_key=str.encode, on_close=bytes))
    with pytest.raises(PartFailed, match="E11 encode_frame returned 'a', not bytes"):
        calls.octets(1, b"")
    with pytest.raises(PartFailed, match="E08 accept_key returned b'a', not str"):
        calls.accept("a")
    with pytest.raises(PartFailed, match="E15 on_close returned b'', not a CloseReply"):
        calls.reply(b"")
    with pytest.raises(PartFailed, match="E14 Utf8Gate returned None, not str"):
        calls.characters(lambda fragment, fin: None, b"", True)
    assert Calls(Parts()).reply(b"") == CloseReply(1005, b"", None)


@pytest.mark.parametrize("text", ["a\r\nSet-Cookie: b", "é", "\0"])
def test_nothing_gets_into_a_header_that_would_end_it(text: str) -> None:
    with pytest.raises(PartFailed, match="cannot stand in a header"):
        header_text("accept_key", text)
    assert header_text("accept_key", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=").startswith("s3p")
