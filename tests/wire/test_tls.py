"""TLS records: their heads are read, what they carry is not."""

from __future__ import annotations

import pytest

from labserver.wire.message import Kind
from tests.wire.conversations import CONVERSATIONS, UP, decoded


def test_records_are_shown_by_type_and_length() -> None:
    messages = decoded(CONVERSATIONS["tls"])
    assert [message.summary for message in messages] == [
        "handshake, 5 bytes",
        "handshake, 2 bytes",
        "change_cipher_spec, 1 byte",
        "application_data, 0 bytes",
        "application_data, 3 bytes",
        "alert, 2 bytes",
    ]
    assert messages[0].detail == {
        "content_type": "handshake",
        "legacy_version": "TLS 1.0",
        "length": 5,
    }
    assert [part.name for part in messages[0].parts] == [
        "content type",
        "legacy version",
        "length",
        "fragment",
    ]
    assert messages[0].payload == 0  # it cannot be seen


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"\x99\x03\x03\x00\x01a", "byte 0: no TLS record has content type 153 (RFC 8446 §5.1)"),
        (b"\x17\x05\x03\x00\x01a", "byte 1: no TLS record has version 5.3 (RFC 8446 §5.1)"),
        (b"\x17\x03\x03\xff\xff", "byte 3: a TLS record has at most 18,432 bytes, not 65,535"),
        (b"\x17\x03\x03\x00\x05a", "byte 6: cut off within a TLS record"),
    ],
)
def test_what_is_no_record_is_unknown_from_there_on(raw: bytes, error: str) -> None:
    good, rest = decoded([(UP, b"\x16\x03\x01\x00\x01a" + raw)])
    assert good.error == ""
    assert (rest.kind, rest.raw, rest.error) == (Kind.UNKNOWN, raw, error)
