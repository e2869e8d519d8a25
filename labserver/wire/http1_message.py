"""One HTTP/1.1 request or response, and what its lines say (RFC 9112).

It is kept as bytes, with the length of the head and the places of the body's data; what lies
between the data is chunk framing (§7.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from labserver.wire.message import Kind, Part
from labserver.wire.preview import byte_count, preview, quoted

MEANING_MAX = 200  # characters of a header field in a part's meaning
BODY_SHOWN = 16 * 1024  # bytes of a body that are searched for text

Spans = tuple[tuple[int, int], ...]

_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


class HttpMessage(msgspec.Struct, frozen=True, gc=False):
    """A request or a response.

    Attributes:
        kind: request or response.
        raw: its bytes.
        head: the length of the head in bytes, including the blank line.
        spans: where in `raw` the data of the body are.
        error: what is wrong with it, and at which byte.
        note: what else is known, such as the request that a response answers.
    """

    kind: Kind
    raw: bytes
    head: int
    spans: Spans = ()
    error: str = ""
    note: str = ""

    @property
    def size(self) -> int:
        """The number of its bytes."""
        return len(self.raw)

    @property
    def payload(self) -> int:
        """How many of its bytes are data of the body."""
        return sum(end - start for start, end in self.spans)

    @property
    def http_head(self) -> int:
        """How many of its bytes are the head."""
        return self.head

    @property
    def opaque(self) -> int:
        """None, as all of its bytes can be read."""
        return 0

    @property
    def summary(self) -> str:
        """The request's method and target, or the response's status, and the body's size."""
        first = self.raw[: self.raw.find(b"\n") + 1 or self.head].rstrip(b"\r\n")
        words = first.decode("latin-1").split(" ", 2)
        if len(words) < 2:
            return quoted(" ".join(words))
        text = " ".join(words[:2] if self.kind is Kind.HTTP_REQUEST else words[1:])
        if size := self.payload:
            text += f", {byte_count(size)}"
        return text

    def parts(self) -> tuple[Part, ...]:
        """Return the lines of its head, and its body."""
        parts = list(self._head_parts())
        at = self.head
        for start, end in self.spans:
            parts += framing(self.raw, at, start)
            parts.append(Part("body", start, end, byte_count(end - start), is_payload=True))
            at = end
        return (*parts, *framing(self.raw, at, len(self.raw)))

    def detail(self) -> dict[str, Any]:
        """Return the fields of its head, and the beginning of its body."""
        first, *lines = self.raw[: self.head].decode("latin-1").split("\n")
        words = [*first.rstrip("\r").split(" ", 2), "", ""]
        names = ("method", "target", "version")
        if self.kind is Kind.HTTP_RESPONSE:
            names = ("version", "status", "reason")
        detail: dict[str, Any] = dict(zip(names, words, strict=False))
        if self.kind is Kind.HTTP_RESPONSE and detail["status"].isdecimal():
            detail["status"] = int(detail["status"][:4])
        detail["headers"] = [
            (name, value.strip(" \t\r")) for name, colon, value in map(_partition, lines) if colon
        ]
        if self.note:
            detail["note"] = self.note
        if self.spans:
            detail["length"] = self.payload
        return detail | preview(self.body(BODY_SHOWN))

    def body(self, most: int | None = None) -> bytes:
        """Return the data of its body, or at most the first `most` bytes of them."""
        data = bytearray()
        for start, end in self.spans:
            data += self.raw[start : end if most is None else min(end, start + most - len(data))]
            if len(data) == most:
                break
        return bytes(data)

    def _head_parts(self) -> Iterator[Part]:
        name = "request line" if self.kind is Kind.HTTP_REQUEST else "status line"
        for found in _LINE.finditer(self.raw, 0, self.head):
            text = found[0].rstrip(b"\r\n").decode("latin-1")
            yield Part(name if text else "blank line", *found.span(), text[:MEANING_MAX])
            name = "header field"


def framing(raw: bytes, start: int, end: int) -> Iterator[Part]:
    """Yield the parts of the chunk framing between two runs of data, or after the last (§7.1)."""
    name = "chunk size"
    for at, found in enumerate(_LINE.finditer(raw, start, end)):
        text = found[0].rstrip(b"\r\n")
        if not text:
            yield Part(
                "chunk end" if at == 0 and name == "chunk size" else "blank line", *found.span()
            )
        elif name == "trailer field":
            yield Part(name, *found.span(), text.decode("latin-1")[:MEANING_MAX])
        else:
            size, _, _ = text.partition(b";")
            meaning = f"0x{size.strip().decode('latin-1')[:20]}"
            if size.strip(b"0 \t"):
                yield Part(name, *found.span(), meaning)
            else:
                name = "trailer field"
                yield Part("last chunk", *found.span(), meaning)


def _partition(text: str) -> tuple[str, str, str]:
    return text.partition(":")
