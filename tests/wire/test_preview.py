"""Bytes and texts, shortened."""

from __future__ import annotations

from labserver.wire.preview import PREVIEW, byte_count, preview, quoted, text_preview


def test_a_preview_is_text_where_it_is_some() -> None:
    assert preview(b"") == {}
    assert preview("grüß".encode()) == {"text": "grüß"}
    assert preview(b"\xff\x00") == {"hex": "ff 00"}
    long = text_preview("ü".encode() * 100_000)
    assert long == "ü" * PREVIEW + "…"
    assert text_preview(b"a" + "ü".encode() * 100_000) == "a" + "ü" * (PREVIEW - 1) + "…"
    assert text_preview(b"a" * 20_000 + b"\xff") is not None  # the beginning is text


def test_a_quoted_text_fits_into_a_line() -> None:
    assert quoted("a" * 100) == '"' + "a" * 59 + '…"'


def test_a_number_of_bytes_has_its_unit() -> None:
    assert [byte_count(size) for size in (0, 1, 1024)] == ["0 bytes", "1 byte", "1,024 bytes"]
