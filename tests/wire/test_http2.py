"""HTTP/2 frames and header lists, beside those that h2 writes."""

from __future__ import annotations

import hpack
import pytest

from labserver.wire import http2
from labserver.wire.http2_frame import PREFACE
from labserver.wire.message import Kind, Message
from tests.wire.conversations import CONVERSATIONS, UP, decoded


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return (
        len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload
    )


def frames(*raw: bytes) -> list[Message]:
    return decoded([(UP, PREFACE + b"".join(raw))])[1:]


def test_requests_responses_and_data_are_read() -> None:
    messages = decoded(CONVERSATIONS["http2"])
    assert messages[0].summary == "connection preface"
    requests = [m for m in messages if m.direction is UP and m.detail["type"] == "HEADERS"]
    assert [dict(m.detail["headers"])[":path"] for m in requests] == ["/events", "/events"]
    assert [m.detail["stream"] for m in requests] == [1, 3]
    assert len(requests[1].raw) < len(requests[0].raw)  # HPACK remembers
    said = [m for m in messages if m.detail["type"] == "DATA"]
    assert [m.payload for m in said] == [10, 10, 10, 10]
    assert said[1].detail["flags"] == ["END_STREAM", "PADDED"]
    assert said[1].parts[-1].name == "padding"


def test_a_broken_header_block_is_named_and_so_are_those_after_it() -> None:
    good = hpack.Encoder().encode([(":path", "/")])
    first, second = frames(frame(1, 4, 1, b"\xff\xff\xff\xff\xff"), frame(1, 4, 3, good))
    assert first.error.startswith("byte 9: the header block is broken")
    assert second.error == "byte 9: the header block is not read, as an earlier one was broken"


def test_a_header_block_may_go_on_in_other_frames() -> None:
    block = hpack.Encoder().encode([(":path", "/"), ("a", "b" * 50)])
    first, last = frames(frame(1, 0, 1, block[:5]), frame(9, 4, 1, block[5:]))
    assert "headers" not in first.detail
    assert last.detail["headers"] == [(":path", "/"), ("a", "b" * 50)]
    wrong = frames(frame(1, 0, 1, block[:5]), frame(6, 0, 0, bytes(8)), frame(9, 4, 1, b""))
    assert wrong[1].error == "byte 3: CONTINUATION must follow an unfinished header block (§6.10)"
    assert wrong[2].error == "byte 3: CONTINUATION of nothing (§6.10)"


def test_a_header_block_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http2, "BLOCK_MAX", 10)
    first, second = frames(frame(1, 0, 1, bytes(8)), frame(9, 0, 1, bytes(8)))
    assert (first.error, second.error) == ("", "byte 9: a header block of more than 10 bytes")


def test_a_frame_longer_than_allowed_is_named() -> None:
    (long,) = frames(frame(0, 0, 1, bytes(16_385)))
    assert long.error == "byte 0: longer than the 16,384 bytes allowed (§4.2)"
    (rest,) = frames(b"\xff\xff\xff\x00\x00\x00\x00\x00\x01")
    assert rest.kind is Kind.UNKNOWN
    assert rest.error == "byte 0: a frame of 16,777,215 bytes is not read (§4.2)"


def test_settings_have_a_length() -> None:
    good, wrong = frames(frame(4, 0, 0, b"\x00\x05\x00\x00\x80\x00"), frame(4, 1, 0, b"x"))
    assert good.error == ""
    assert wrong.error == "byte 0: SETTINGS has a wrong length (§6.5)"
