from __future__ import annotations

import pytest
from websockets.frames import Frame, Opcode

from labserver.errors import LabError
from labserver.figures.frame_bits import frame_bits
from labserver.wire.message import Message
from labserver.wire.tape import Direction
from tests.wire.conversations import DOWN, SWITCHED, UP, UPGRADE, decoded, deflate, ws

MASKED_HELLO = bytes.fromhex("818537fa213d7f9f4d5158")  # RFC 6455 §5.7


def frame(raw: bytes, direction: Direction = UP, offer: bytes = b"") -> Message:
    """What comes after the handshake."""
    return decoded(((UP, UPGRADE % offer), (DOWN, SWITCHED % offer), (direction, raw)))[2]


def masked(text: bytes, first: int = 0x81) -> bytes:
    key = b"\x01\x02\x03\x04"
    body = bytes(byte ^ key[at % 4] for at, byte in enumerate(text))
    return bytes([first, 0x80 | len(text)]) + key + body


def test_the_masked_hello_of_rfc_6455_5_7() -> None:
    assert (
        repr(frame_bits(frame(MASKED_HELLO)))
        == """\
text "Hello", client → server: 11 bytes = 6 of header + 5 of payload

          0                   1                   2                   3
bit       0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
byte 0   |1|0|0|0|0 0 0 1|1|0 0 0 0 1 0 1|0 0 1 1 0 1 1 1 1 1 1 1 1 0 1 0|
byte 4   |0 0 1 0 0 0 0 1 0 0 1 1 1 1 0 1|0 1 1 1 1 1 1 1|1 0 0 1 1 1 1 1|
byte 8   |0 1 0 0 1 1 0 1|0 1 0 1 0 0 0 1|0 1 0 1 1 0 0 0|

FIN             1               the last frame of its message
RSV1, 2, 3      000             not used
opcode          0001            0x1, text
MASK            1               masked with the key below
payload length  0000101         5 bytes
masking key     37 fa 21 3d     chosen anew for each frame
payload         7f 9f 4d 51 58  5 bytes: "Hello"

The mask taken off, byte by byte: the key's four bytes, over and over
on the wire  7f 9f 4d 51 58
XOR key      37 fa 21 3d 37
= payload    48 65 6c 6c 6f
as text      H  e  l  l  o
the first byte: 01111111 XOR 00110111 = 01001000 (0x7f XOR 0x37 = 0x48)"""
    )


def test_an_unmasked_hello_needs_no_unmasking() -> None:
    panel = frame_bits(frame(b"\x81\x05Hello", DOWN))
    assert repr(panel).startswith('text "Hello", server → client: 7 bytes = 2 of header + 5')
    assert "not masked, so no key" in repr(panel)
    assert "XOR" not in repr(panel) + panel._repr_html_()


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
@pytest.mark.parametrize("direction", [UP, DOWN])
def test_every_bit_of_a_frame_is_where_it_belongs(size: int, direction: Direction) -> None:
    message = frame(ws(direction, Frame(Opcode.BINARY, b"x" * size)), direction)
    head = len(message.raw) - size
    panel = frame_bits(message)
    rows = [line for line in repr(panel).splitlines() if line.startswith("byte ")]
    bits = "".join(bit for row in rows for bit in row[9:] if bit in "01")
    shown = message.raw[: head + 16]
    assert bits == "".join(f"{byte:08b}" for byte in shown)
    html = panel._repr_html_()
    assert html.count(">0</td>") + html.count(">1</td>") == len(bits)
    left_out = max(0, size - 16)
    assert (f"… {left_out:,} bytes more of payload, not shown" in repr(panel)) == (left_out > 1)


def test_characters_stand_under_the_bytes_that_they_take() -> None:
    lines = repr(frame_bits(frame(masked("aü€\n".encode())))).splitlines()
    assert "= payload    61 c3 bc e2 82 ac 0a" in lines
    assert "as text      a  ü     €        ·" in lines


def test_a_close_frame_says_its_code_and_reason() -> None:
    panel = frame_bits(frame(b"\x88\x05\x03\xe8bye", DOWN))
    assert 'close code 1000, NORMAL_CLOSURE, reason "bye"' in repr(panel)


def test_a_fragment_says_that_more_follows() -> None:
    assert "more of its message follows" in repr(frame_bits(frame(b"\x01\x02ab", DOWN)))


def test_a_compressed_frame_says_so() -> None:
    offer = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
    raw = ws(DOWN, Frame(Opcode.TEXT, b"hello " * 9), extensions=[deflate()])
    shown = repr(frame_bits(frame(raw, DOWN, offer)))
    assert "RSV1            1" in shown
    assert "the message is compressed (RFC 7692 §6)" in shown
    assert "which inflate to 54" in shown


def test_reserved_bits_and_opcodes_are_drawn_and_named() -> None:
    panel = frame_bits(frame(b"\xab\x00", DOWN))
    assert "0xb, reserved" in repr(panel)
    assert "RSV2            1        set, though nothing was agreed that uses it" in repr(panel)
    assert "✗ byte 0: RSV is 010" in repr(panel)
    assert panel._repr_html_().count(" wrong") == 8  # the bits of byte 0


@pytest.mark.parametrize("size", range(1, len(MASKED_HELLO)))
def test_of_a_frame_that_was_cut_off_there_is_drawn_what_came(size: int) -> None:
    panel = frame_bits(frame(MASKED_HELLO[:size]))
    assert repr(panel).startswith("a frame that was cut off, client → server")
    assert f"✗ byte {size}: cut off within a frame of" in repr(panel)
    rows = [line for line in repr(panel).splitlines() if line.startswith("byte ")]
    assert sum(bit in "01" for row in rows for bit in row[9:]) == 8 * size


def test_a_length_that_nobody_sends_is_drawn() -> None:
    panel = frame_bits(frame(b"\xc1\xff" + b"\xff" * 12))
    assert "18,446,744,073,709,551,615 bytes" in repr(panel)
    assert "the first bit of a length must be 0" in repr(panel)


def test_a_message_that_is_no_frame_is_an_error_that_says_what_to_take() -> None:
    request, *_ = decoded(((UP, UPGRADE % b""), (DOWN, SWITCHED % b"")))
    with pytest.raises(LabError, match=r"not a WebSocket frame: take one of trace\.only"):
        frame_bits(request)


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "<b>%{x}</b>$y$", "\x1b[31m\u202e\x00", "é" * 50]
)
def test_whatever_a_frame_says_it_is_text(text: str) -> None:
    for raw in (masked(text.encode()), b"\x88" + masked(b"\x03\xe8" + text.encode())[1:]):
        panel = frame_bits(frame(raw))
        shown = panel._repr_html_()
        assert "<script" not in shown
        assert "<b>" not in shown
        assert all(line.isprintable() for line in repr(panel).splitlines())
        assert max(map(len, repr(panel).splitlines())) < 300
