"""Frames of both directions, right and wrong."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Close, Frame, Opcode

from labserver.wire import websocket
from labserver.wire.message import Kind, Message
from labserver.wire.tape import Direction
from tests.wire.conversations import DOWN, HANDSHAKE, UP, decoded, look, randomly, ws

MASK = bytes.fromhex("37fa213d")  # of RFC 6455 §5.7


def frames(direction: Direction, data: bytes, **how: object) -> list[Message]:
    return decoded((*HANDSHAKE, (direction, data)), **how)[2:]  # type: ignore[arg-type]


def errors(direction: Direction, *data: str) -> list[str]:
    return [m.error for m in frames(direction, bytes.fromhex("".join(data)))]


@pytest.mark.parametrize(
    ("direction", "raw", "summary", "payload"),
    [
        (DOWN, "81 05 48 65 6c 6c 6f", 'text "Hello"', 5),
        (UP, "81 85 37 fa 21 3d 7f 9f 4d 51 58", 'text "Hello"', 5),
        (DOWN, "89 05 48 65 6c 6c 6f", 'ping "Hello"', 5),
        (UP, "8a 85 37 fa 21 3d 7f 9f 4d 51 58", 'pong "Hello"', 5),
        (DOWN, "82 7e 01 00" + "00" * 256, "binary, 256 bytes", 256),
        (DOWN, "82 7f 00 00 00 00 00 01 00 00" + "00" * 65536, "binary, 65,536 bytes", 65536),
    ],
)
def test_the_examples_of_rfc_6455_5_7(
    direction: Direction, raw: str, summary: str, payload: int
) -> None:
    (frame,) = frames(direction, bytes.fromhex(raw))
    assert (frame.summary, frame.payload, frame.error) == (summary, payload, "")
    assert frame.raw == bytes.fromhex(raw)


def test_the_fragmented_example_of_rfc_6455_5_7() -> None:
    first, last = frames(DOWN, bytes.fromhex("01 03 48 65 6c 80 02 6c 6f"))
    assert (first.summary, last.summary) == ('text, more follows "Hel"', 'continuation "lo"')
    assert first.detail["message"] == last.detail["message"] == 1
    assert (first.detail["fin"], last.detail["fin"]) == (False, True)


def test_the_handshake_of_rfc_6455_1_3() -> None:
    request, response = decoded(HANDSHAKE)
    assert request.detail["target"] == "/ws/chat?room=lobby"
    assert ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") in response.detail["headers"]
    assert response.error == ""


MESSAGES = st.lists(
    st.tuples(
        st.one_of(st.text(max_size=300), st.binary(max_size=300)),
        st.lists(st.integers(0, 300), max_size=3),  # where it is cut
        st.one_of(st.none(), st.binary(max_size=125)),  # a ping in the middle
    ),
    max_size=6,
)


@settings(max_examples=150)
@given(MESSAGES, st.sampled_from((UP, DOWN)), st.integers(0, 2**32))
def test_messages_come_back_whatever_their_fragments_and_cuts(
    messages: list, direction: Direction, seed: int
) -> None:
    wire, said = b"", []
    for content, cuts, ping in messages:
        data = content.encode() if isinstance(content, str) else content
        at = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
        for n, (start, end) in enumerate(pairwise(at)):
            opcode = (Opcode.TEXT if data is not content else Opcode.BINARY) if n == 0 else 0
            final = end == at[-1] and n == len(at) - 2
            wire += ws(direction, Frame(Opcode(opcode), data[start:end], fin=final))
            if ping is not None and not final:
                wire += ws(direction, Frame(Opcode.PING, ping))
        said.append(data)
    found = frames(direction, wire)
    assert [frame.error for frame in found if frame.error] == []
    heard: dict[int, bytes] = {}
    for frame in found:
        if number := frame.detail.get("message"):
            key = frame.detail.get("mask_key", bytes(4))
            masked = frame.raw[len(frame.raw) - frame.payload :]
            data = bytes(byte ^ key[n % 4] for n, byte in enumerate(masked))
            heard[number] = heard.get(number, b"") + data
    assert list(heard.values()) == said
    again = frames(direction, wire, cut=randomly(random.Random(seed)))
    assert [look(frame) for frame in again] == [look(frame) for frame in found]


@pytest.mark.parametrize(
    ("direction", "raw", "error"),
    [
        (UP, "81 02 68 69", "byte 1: a client must mask its frames (§5.1)"),
        (DOWN, "81 80 00000000", "byte 1: a server must not mask (§5.1)"),
        (DOWN, "c1 00", "byte 0: RSV is 100, but no extension was negotiated that uses it (§5.2)"),
        (DOWN, "83 00", "byte 0: opcode 0x3 is reserved (§5.2)"),
        (DOWN, "8f 00", "byte 0: opcode 0xf is reserved (§5.2)"),
        (DOWN, "09 00", "byte 0: a control frame must not be fragmented (§5.5)"),
        (
            DOWN,
            "89 7e 00 7e" + "00" * 126,
            "byte 1: a control frame has at most 125 bytes, not 126 (§5.5)",
        ),
        (DOWN, "80 00", "byte 0: continues a message that has not begun (§5.4)"),
        (DOWN, "81 7e 00 01 61", "byte 1: a length of 1 has a shorter form (§5.2)"),
        (DOWN, "82 7f 0000000000000001 61", "byte 1: a length of 1 has a shorter form (§5.2)"),
        (DOWN, "88 01 03", "byte 2: half a close code (§5.5.1)"),
        (DOWN, "88 02 03 ed", "byte 2: 1005 NO_STATUS_RCVD is never sent (§7.4.1)"),
        (DOWN, "88 02 03 e7", "byte 2: close code 999 is not defined (§7.4)"),
        (DOWN, "88 02 07 d0", "byte 2: close code 2000 is not defined (§7.4)"),
        (DOWN, "88 03 03 e8 ff", "byte 4: the reason is not UTF-8 (§5.5.1)"),
        (DOWN, "81 02 61 ff", "byte 3: not UTF-8: invalid start byte (§8.1)"),
        (DOWN, "81 02 61 c3", "byte 3: not UTF-8: unexpected end of data (§8.1)"),
    ],
)
def test_what_is_wrong_is_named_at_its_byte_and_reading_goes_on(
    direction: Direction, raw: str, error: str
) -> None:
    after = ws(direction, Frame(Opcode.PONG, b"after"))
    wrong, next_ = frames(direction, bytes.fromhex(raw) + after)
    assert wrong.kind is Kind.WEBSOCKET_FRAME
    assert wrong.error == error
    assert next_.summary == 'pong "after"'


def test_a_character_may_be_cut_by_fragments_and_by_pings() -> None:
    assert errors(DOWN, "01 01 c3", "89 00", "80 01 bc") == ["", "", ""]
    assert errors(DOWN, "01 01 c3", "80 01 61") == [
        "",
        "byte 2: not UTF-8: invalid continuation byte (§8.1)",
    ]


def test_a_message_inside_a_message_is_named() -> None:
    assert errors(DOWN, "01 01 61", "81 01 62") == [
        "",
        "byte 0: begins a message before the last one has ended (§5.4)",
    ]


def test_after_a_close_frame_nothing_may_follow() -> None:
    assert errors(DOWN, "88 00", "81 00")[1] == (
        "byte 0: after a close frame no other may follow (§5.5.1)"
    )


def test_a_length_that_nobody_would_send_ends_the_reading() -> None:
    frame, rest = frames(DOWN, bytes.fromhex("82 7f 00 00 00 00 01 00 00 01") + b"abc")
    assert frame.error == "byte 2: declares 16,777,217 bytes; more than 16,777,216 are not read"
    assert (frame.payload, frame.detail["length"]) == (0, 16_777_217)
    assert (rest.kind, rest.raw) == (Kind.UNKNOWN, b"abc")
    (frame,) = frames(DOWN, bytes.fromhex("82 7f ff 00 00 00 00 00 00 01"))
    assert frame.error.endswith("the first bit of a length must be 0 (§5.2)")


def test_a_frame_that_is_cut_off_says_so() -> None:
    (rest,) = frames(DOWN, b"\x81\x05He")
    assert (rest.kind, rest.error) == (
        Kind.UNKNOWN,
        "byte 4: cut off within a frame of 7 bytes",
    )


def test_a_close_has_its_code_its_name_and_its_reason() -> None:
    (frame,) = frames(DOWN, ws(DOWN, Frame(Opcode.CLOSE, Close(1013, "tröt").serialize())))
    assert frame.summary == 'close 1013 TRY_AGAIN_LATER "tröt"'
    assert frame.detail["close_code"] == 1013
    assert frame.detail["close_name"] == "TRY_AGAIN_LATER"
    assert frame.detail["reason"] == "tröt"


def test_large_frames_in_small_pieces_are_not_copied_again_and_again() -> None:
    reader = websocket.FrameReader(masked=False)
    wire = ws(DOWN, Frame(Opcode.BINARY, bytes(8_000_000)))
    found = [frame for at in range(0, len(wire), 10) for frame in reader.feed(wire[at : at + 10])]
    assert [frame.size for frame in found] == [len(wire)]
