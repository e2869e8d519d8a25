"""What the bytes of one HTTP/2 frame say."""

from __future__ import annotations

import pytest

from labserver.wire.http2_frame import PREFACE, TYPES, Http2Frame, settings


def test_settings_are_read_by_name() -> None:
    raw = b"\x00\x00\x0c\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64\x00\x99\x00\x00\x00\x01"
    assert settings(raw) == {"MAX_CONCURRENT_STREAMS": 100, "0x0099": 1}
    assert Http2Frame(raw).detail()["settings"] == settings(raw)
    assert Http2Frame(raw).summary == "SETTINGS stream 0"


def test_a_data_frame_is_payload_but_for_its_head_and_padding() -> None:
    frame = Http2Frame(b"\x00\x00\x08\x00\x09\x00\x00\x00\x05\x03hiho" + bytes(3))
    assert (frame.payload, frame.http_head, frame.stream) == (4, 0, 5)
    assert frame.summary == 'DATA stream 5 END_STREAM PADDED "hiho"'
    assert [(part.name, part.is_payload) for part in frame.parts()][-3:] == [
        ("pad length, priority, promised stream", False),
        ("data", True),
        ("padding", False),
    ]


def test_a_header_block_is_http_head() -> None:
    frame = Http2Frame(b"\x00\x00\x06\x01\x24\x00\x00\x00\x01" + bytes(5) + b"\x82")
    assert (frame.http_head, frame.payload) == (1, 0)
    assert frame.flags == ["END_HEADERS", "PRIORITY"]


def test_control_frames_are_read_by_name() -> None:
    window = Http2Frame(bytes.fromhex("000004 08 00 00000003 00010000"))
    reset = Http2Frame(bytes.fromhex("000004 03 00 00000003 00000008"))
    away = Http2Frame(bytes.fromhex("000008 07 00 00000000 00000005 000000ff"))
    ping = Http2Frame(bytes.fromhex("000008 06 01 00000000 0001020304050607"))
    assert window.summary == "WINDOW_UPDATE stream 3: 65536"
    assert reset.summary == "RST_STREAM stream 3: CANCEL"
    assert (away.detail()["last_stream"], away.detail()["error_code"]) == (5, "0xff")
    assert window.parts()[-1].meaning == "increment 65536"
    assert ping.summary == "PING stream 0 ACK"
    assert ping.detail()["hex"] == "00 01 02 03 04 05 06 07"


def test_the_preface_is_no_frame() -> None:
    assert Http2Frame(PREFACE).summary == "connection preface"
    assert Http2Frame(PREFACE).payload == Http2Frame(PREFACE).http_head == 0
    assert Http2Frame(PREFACE).detail() == {"type": "preface"}


@pytest.mark.parametrize("kind", [*TYPES, 0x77])
@pytest.mark.parametrize("flags", [0x00, 0x2D, 0xFF])
@pytest.mark.parametrize("payload", [b"", b"\xff", b"\x03abc", bytes(20)])
def test_whatever_it_says_its_parts_cover_it(kind: int, flags: int, payload: bytes) -> None:
    raw = len(payload).to_bytes(3, "big") + bytes([kind, flags]) + b"\xff\x00\x00\x01" + payload
    frame = Http2Frame(raw)
    parts = frame.parts()
    assert [part.start for part in parts] == [0, *(part.end for part in parts[:-1])]
    assert parts[-1].end == len(raw)
    assert frame.payload + frame.http_head <= len(payload)
    assert frame.detail()["stream"] == 0x7F000001
    assert frame.summary
