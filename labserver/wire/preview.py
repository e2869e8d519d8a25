"""Bytes and texts from the wire, shortened to what a person reads at a glance."""

from __future__ import annotations

from typing import Any

PREVIEW = 4096  # characters of a text; twice as many of hex fill a page
SUMMARY = 60  # characters of a text in one line


def byte_count(size: int) -> str:
    """Return a number of bytes in words: `1 byte`, `1,024 bytes`."""
    return f"{size:,} byte{'' if size == 1 else 's'}"


def quoted(text: str) -> str:
    """Return a text in quotes, shortened to fit into a line."""
    if len(text) > SUMMARY:
        text = text[: SUMMARY - 1] + "…"
    return f'"{text}"'


def preview(data: bytes) -> dict[str, Any]:
    """Return the beginning of `data`: as `text` if it is UTF-8, else as `hex`."""
    if not data:
        return {}
    if (text := text_preview(data)) is not None:
        return {"text": text}
    return hex_preview(data)


def hex_preview(data: bytes) -> dict[str, Any]:
    """Return the beginning of `data` as `hex`."""
    return {"hex": data[:PREVIEW].hex(" ")}


def text_preview(data: bytes) -> str | None:
    """Return the beginning of `data` as text, or None if it is not UTF-8.

    An ellipsis at the end stands for the rest.
    """
    try:
        text = data[: 4 * PREVIEW].decode()
    except UnicodeDecodeError as error:
        # A character that the cut at 4 * PREVIEW splits is not a mistake of the sender.
        if len(data) <= 4 * PREVIEW or error.start < 4 * PREVIEW - 3:
            return None
        text = data[: error.start].decode()
    return text if len(data) <= 4 * PREVIEW and len(text) <= PREVIEW else text[:PREVIEW] + "…"
