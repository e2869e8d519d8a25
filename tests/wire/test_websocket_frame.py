"""What the bits of one frame say."""

from __future__ import annotations

from labserver.wire.websocket_frame import Frame, Inflated, close_meaning, close_name


def test_a_masked_frame_is_kept_unmasked_and_shown_as_it_was() -> None:
    frame = Frame(bytes.fromhex("81 85 37 fa 21 3d"), b"Hello", 1)
    assert frame.raw == bytes.fromhex("81 85 37 fa 21 3d 7f 9f 4d 51 58")
    assert [(p.name, p.start, p.end, p.meaning, p.is_payload) for p in frame.parts()] == [
        ("FIN, RSV, opcode", 0, 1, "last of its message, RSV 000, text", False),
        ("MASK, payload length", 1, 2, "masked, 5", False),
        ("masking key", 2, 6, "37 fa 21 3d", False),
        ("payload", 6, 11, '"Hello"', True),
    ]
    assert frame.detail() == {
        "opcode": "text",
        "fin": True,
        "rsv": 0,
        "masked": True,
        "mask_key": b"\x37\xfa\x21\x3d",
        "length": 5,
        "message": 1,
        "text": "Hello",
    }


def test_a_long_length_stands_in_the_next_bytes() -> None:
    frame = Frame(bytes.fromhex("82 7e 01 00"), bytes(256))
    names = [(part.name, part.meaning) for part in frame.parts()]
    assert names[1] == ("MASK, payload length", "not masked, 126: the length is in the next 2")
    assert names[2] == ("extended payload length", "256")
    assert frame.length == 256


def test_an_empty_frame_has_no_payload_part() -> None:
    frame = Frame(b"\x8a\x00", b"")
    assert [part.name for part in frame.parts()] == ["FIN, RSV, opcode", "MASK, payload length"]
    assert frame.summary == "pong"


def test_what_was_compressed_is_shown_inflated() -> None:
    frame = Frame(b"\xc1\x03", b"abc", 1, "", Inflated(5, b"Hello"))
    assert frame.detail()["inflated"] == 5
    assert frame.detail()["text"] == "Hello"
    assert frame.payload == 3
    assert frame.rsv == 4


def test_bytes_that_are_no_text_are_shown_in_hex() -> None:
    frame = Frame(b"\x82\x02", b"\xff\x00", 1)
    assert frame.detail()["hex"] == "ff 00"
    assert frame.text is None


def test_a_ping_of_random_bytes_is_no_text_even_where_they_are_utf8() -> None:
    random, said = Frame(b"\x89\x04", b"h$\x0f[", 0), Frame(b"\x89\x05", b"Hello", 0)
    assert (random.summary, random.detail()["hex"]) == ("ping, 4 bytes", "68 24 0f 5b")
    assert (said.summary, said.detail()["text"]) == ('ping "Hello"', "Hello")


def test_each_close_code_has_a_name_and_a_meaning() -> None:
    assert close_name(1001) == "GOING_AWAY"
    assert close_meaning(1001) == "going away"
    assert [close_name(code) for code in (3000, 4999, 5000, 7)] == [
        "registered",
        "private",
        "unknown",
        "unknown",
    ]
    assert close_meaning(4000) == "agreed between client and server"
    assert Frame(b"\x88\x00", b"").close_code is None
