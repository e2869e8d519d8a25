"""The cases as data: enough of them, told apart, and right on the wire."""

from __future__ import annotations

from collections import Counter

from websockets.frames import Frame as TheirFrame
from websockets.frames import Opcode

from labserver.exercises.e11_encode_frame.exercise import encode_frame
from labserver.learner_server.cases import CASES, MASK, SIZES, close, frame, octets, request

GROUPS = {
    "handshake": 10,
    "framing": 20,
    "pings": 7,
    "reserved bits": 4,
    "opcodes": 10,
    "fragmentation": 10,
    "UTF-8": 10,
    "close": 19,
    "limits": 3,
}


def test_there_are_cases_of_each_kind() -> None:
    assert Counter(case.group for case in CASES) == GROUPS


def test_no_two_cases_of_a_group_have_one_name() -> None:
    assert max(Counter((case.group, case.name) for case in CASES).values()) == 1


def test_each_rule_names_its_source() -> None:
    without = [case.name for case in CASES if "RFC " not in case.rule]
    assert without == ["262,144 bytes"], "which is the server's own"


def test_a_right_frame_is_the_one_that_others_make() -> None:
    for size in (*SIZES, 127):
        payload = b"x" * size
        assert frame(2, payload) == encode_frame(2, payload, True, MASK)
    assert frame(1, b"Hello") == bytes.fromhex("818537fa213d7f9f4d5158"), "RFC 6455 §5.7"
    assert frame(9, b"a", masked=False) == TheirFrame(Opcode.PING, b"a").serialize(mask=False)
    assert close(1000) == encode_frame(8, b"\x03\xe8", True, MASK)


def test_a_wrong_frame_is_wrong_in_one_thing() -> None:
    right = frame(1, b"Hello")
    assert frame(1, b"Hello", rsv=4) == bytes([right[0] | 0x40]) + right[1:]
    assert frame(1, b"Hello", length=b"\x7e\0\x05") == b"\x81\xfe\0\x05" + right[2:]
    assert b"".join(octets(right)) == right


def test_a_request_is_changed_by_the_last_word_of_a_field() -> None:
    assert b"Sec-WebSocket-Version: 8\r\n" in request(Version="8")
    assert b"Sec-WebSocket-Key" not in request(Key=None)
    assert request().endswith(b"\r\n\r\n")
