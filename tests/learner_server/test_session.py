"""A connection out of parts, without a socket."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest
from websockets.frames import CloseCode

from labserver.learner_server.cases import close, frame, request
from labserver.learner_server.parts import MESSAGE_MAX, Calls, PartFailed, Parts
from labserver.learner_server.session import Session, answered, close_frame, head_of
from labserver.practice.given.answers import Response
from labserver.practice.given.frames import Close, Frame, Message, Pong, ProtocolError


def session(**parts: Any) -> Session:
    return Session(Calls(Parts(**parts)))


def heard(*data: bytes, **parts: Any) -> bytes:
    one = session(**parts)
    for piece in data:
        one.receive(piece)
    return one.take()


def test_a_message_comes_back() -> None:
    one = session()
    one.receive(frame(1, b"Hello"))
    assert one.take() == b"\x81\x05Hello"
    assert one.take() == b""
    assert not one.closing


def test_a_close_frame_is_answered_and_ends_it() -> None:
    one = session()
    one.receive(close(1000, b"bye"))
    assert one.take() == b"\x88\x02\x03\xe8"
    assert one.closing


def test_what_breaks_the_protocol_is_answered_with_its_code() -> None:
    assert heard(frame(3)) == b"\x88\x02\x03\xea"
    assert heard(frame(0, b"lo")) == b"\x88\x02\x03\xea"
    assert heard(frame(1, b"\xff")) == b"\x88\x02\x03\xef"


def test_names_for_numbers_count_as_the_numbers() -> None:
    def upgrade(raw: bytes, subprotocols: list[str]) -> Response:
        return Response(HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": "GET"})

    class Decoder:
        def __init__(self, role: str, max_payload: int) -> None:
            pass

        def feed(self, data: bytes) -> list[Frame]:
            raise ProtocolError(CloseCode.MESSAGE_TOO_BIG)

    status, head = answered(Calls(Parts(answer_upgrade=upgrade)), request())
    assert (status, head[:34]) == (405, b"HTTP/1.1 405 Method Not Allowed\r\nA")
    assert heard(b"?", decoder=Decoder) == b"\x88\x02\x03\xf1"


def test_the_limit_of_a_message_is_the_labs_where_frames_are_small() -> None:
    half = frame(0, bytes(MESSAGE_MAX // 2), fin=False)
    first = frame(2, bytes(MESSAGE_MAX // 2), fin=False)
    assert heard(first, half) == b""
    assert heard(first, half, frame(0, b"!")) == b"\x88\x02\x03\xf1"


def test_each_part_is_asked_for_what_is_its_own() -> None:
    asked: list[tuple[Any, ...]] = []

    class Decoder:
        def __init__(self, role: str, max_payload: int) -> None:
            asked.append((role, max_payload))

        def feed(self, data: bytes) -> list[Frame]:
            return [Frame(True, 1, data), Frame(True, 9, b"?"), Frame(True, 8, b"")]

    class Assembler:
        def on_frame(self, frame: Frame) -> list[Any]:
            kinds = {1: Message(1, frame.payload), 9: Pong(frame.payload), 8: Close(frame.payload)}
            return [kinds[frame.opcode]]

    def encode(opcode: int, payload: bytes) -> bytes:
        asked.append((opcode, payload))
        return b"."

    assert heard(b"data", decoder=Decoder, assembler=Assembler, encode=encode) == b"..."
    assert asked == [("server", MESSAGE_MAX), (1, b"data"), (10, b"?"), (8, b"")]


def test_text_is_shown_to_the_gate_fragment_by_fragment_and_binary_is_not() -> None:
    pushed: list[tuple[bytes, bool]] = []

    class Gate:
        def push(self, fragment: bytes, fin: bool) -> str:
            pushed.append((fragment, fin))
            return ""

    heard(frame(1, b"a", fin=False), frame(9), frame(0, b"b"), frame(2, b"c"), utf8=Gate)
    assert pushed == [(b"a", False), (b"b", True)]


def test_an_assembler_that_goes_on_after_a_close_is_not_saved_by_the_lab() -> None:
    class Goes:
        def on_frame(self, frame: Frame) -> list[Any]:
            return [Close(b"")] if frame.opcode == 8 else [Message(1, frame.payload)]

    assert heard(frame(8) + frame(1, b"late"), assembler=Goes) == b"\x88\x00\x81\x04late"


def test_what_a_part_lacks_is_told() -> None:
    with pytest.raises(PartFailed, match=r"E12 FrameDecoder raised AttributeError.*'feed'"):
        session(decoder=lambda role, most: object()).receive(b"")


def test_a_close_code_that_is_none_is_the_parts_fault() -> None:
    class Decoder:
        def __init__(self, role: str, max_payload: int) -> None: ...

        def feed(self, data: bytes) -> list[Frame]:
            raise ProtocolError("1002")  # type: ignore[arg-type]

    expected = r"raised ProtocolError\(.1002.\), which is not a close code"
    with pytest.raises(PartFailed, match=expected):
        session(decoder=Decoder).receive(b"")


def test_the_accept_value_is_the_learners() -> None:
    status, head = answered(Calls(Parts(accept_key=lambda key: f"<{key}>")), request())
    assert status == 101
    assert b"Sec-WebSocket-Accept: <dGhlIHNhbXBsZSBub25jZQ==>\r\n" in head


def test_a_handshake_that_is_refused_does_not_ask_for_an_accept_value() -> None:
    status, head = answered(Calls(Parts(accept_key=lambda key: str(1 / 0))), request(Key=None))
    assert status == 400
    assert head.endswith(b"Content-Length: 0\r\nConnection: close\r\n\r\n")


@pytest.mark.parametrize(
    ("response", "told"),
    [
        (101, "returned int, not a Response"),
        (Response("101", {}), "returned '101' as the status, not an int"),
        (Response(101, []), "headers as a list"),
        (Response(101, {"a": 1}), "returned 1 in the headers"),
        (Response(101, {"a": "b\r\n\r\n"}), "cannot stand in a header"),
    ],
)
def test_an_answer_that_is_none_is_told(response: Any, told: str) -> None:
    calls = Calls(Parts(answer_upgrade=lambda raw, spoken: response))
    with pytest.raises(PartFailed, match=told):
        answered(calls, request())


def test_a_response_of_an_unknown_status_has_no_phrase() -> None:
    assert head_of(799, {}, b"hm").startswith(b"HTTP/1.1 799 \r\nContent-Length: 2\r\n")


def test_a_reason_is_cut_between_characters() -> None:
    sent = close_frame(1011, "é" * 100)
    assert sent[:4] == b"\x88\x7c\x03\xf3"
    assert sent[4:].decode() == "é" * 61
