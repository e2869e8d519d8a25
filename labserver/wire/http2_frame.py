"""One HTTP/2 frame, and what its bytes say (RFC 9113 §4.1, §6)."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from h2.errors import ErrorCodes

from labserver.wire.message import Kind, Part
from labserver.wire.preview import byte_count, hex_preview, preview, quoted, text_preview

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"  # §3.4: what a client says first
HEAD = 9

DATA, HEADERS, SETTINGS, PUSH_PROMISE, CONTINUATION = 0x0, 0x1, 0x4, 0x5, 0x9
RST_STREAM, GOAWAY, WINDOW_UPDATE = 0x3, 0x7, 0x8
PADDED, PRIORITY, END_HEADERS, ACK = 0x8, 0x20, 0x4, 0x1

TYPES = {
    DATA: "DATA",
    HEADERS: "HEADERS",
    0x2: "PRIORITY",
    RST_STREAM: "RST_STREAM",
    SETTINGS: "SETTINGS",
    PUSH_PROMISE: "PUSH_PROMISE",
    0x6: "PING",
    GOAWAY: "GOAWAY",
    WINDOW_UPDATE: "WINDOW_UPDATE",
    CONTINUATION: "CONTINUATION",
}
FLAGS = {
    DATA: {0x1: "END_STREAM", PADDED: "PADDED"},
    HEADERS: {
        0x1: "END_STREAM",
        END_HEADERS: "END_HEADERS",
        PADDED: "PADDED",
        PRIORITY: "PRIORITY",
    },
    SETTINGS: {ACK: "ACK"},
    PUSH_PROMISE: {END_HEADERS: "END_HEADERS", PADDED: "PADDED"},
    0x6: {ACK: "ACK"},
    CONTINUATION: {END_HEADERS: "END_HEADERS"},
}
SETTING_NAMES = {
    0x1: "HEADER_TABLE_SIZE",
    0x2: "ENABLE_PUSH",
    0x3: "MAX_CONCURRENT_STREAMS",
    0x4: "INITIAL_WINDOW_SIZE",
    0x5: "MAX_FRAME_SIZE",
    0x6: "MAX_HEADER_LIST_SIZE",
    0x8: "ENABLE_CONNECT_PROTOCOL",  # RFC 8441
}

Fields = tuple[tuple[str, str], ...]


class Http2Frame(msgspec.Struct, frozen=True, gc=False):
    """A frame, or the connection preface.

    Attributes:
        raw: its bytes.
        error: what is wrong with it, and at which byte.
        fields: the header list that it completes, as HPACK decodes it.
    """

    raw: bytes
    error: str = ""
    fields: Fields = ()

    kind: ClassVar[Kind] = Kind.HTTP2_FRAME
    opaque: ClassVar[int] = 0

    @property
    def is_preface(self) -> bool:
        """Whether it is the connection preface, which is not a frame."""
        return self.raw == PREFACE

    @property
    def type(self) -> int:
        """The frame type (§11.2)."""
        return self.raw[3]

    @property
    def type_name(self) -> str:
        """The name of the frame type."""
        return "preface" if self.is_preface else TYPES.get(self.type, f"0x{self.type:02x}")

    @property
    def stream(self) -> int:
        """The stream that it belongs to; 0 stands for the connection."""
        return 0 if self.is_preface else int.from_bytes(self.raw[5:HEAD], "big") & 0x7FFFFFFF

    @property
    def flags(self) -> list[str]:
        """The names of the flags that are set and defined."""
        names = FLAGS.get(self.type, {})
        return [name for bit, name in names.items() if self.raw[4] & bit]

    @property
    def size(self) -> int:
        """The number of its bytes."""
        return len(self.raw)

    @property
    def payload(self) -> int:
        """How many of its bytes are DATA, without padding."""
        if self.is_preface or self.type != DATA:
            return 0
        start, end = self.body
        return end - start

    @property
    def http_head(self) -> int:
        """How many of its bytes are compressed header fields."""
        if self.is_preface or self.type not in (HEADERS, PUSH_PROMISE, CONTINUATION):
            return 0
        start, end = self.body
        return end - start

    @property
    def body(self) -> tuple[int, int]:
        """Where its content begins and ends, without padding and what precedes a header block."""
        start, end = HEAD, len(self.raw)
        padded = self.type in (DATA, HEADERS, PUSH_PROMISE) and self.raw[4] & PADDED
        if padded and end > HEAD:
            start += 1
            end -= self.raw[HEAD]
        if self.type == HEADERS and self.raw[4] & PRIORITY:
            start += 5
        elif self.type == PUSH_PROMISE:
            start += 4
        start = min(start, len(self.raw))
        return start, max(start, end)

    @property
    def summary(self) -> str:
        """Its type, its stream, and the beginning of what it says."""
        if self.is_preface:
            return "connection preface"
        text = f"{self.type_name} stream {self.stream}"
        if self.flags:
            text += f" {' '.join(self.flags)}"
        if self.fields:
            return text + ": " + ", ".join(value for name, value in self.fields if name[:1] == ":")
        if self.type == DATA:
            start, end = self.body
            said = text_preview(self.raw[start:end]) if start < end else None
            return (
                f"{text}, {byte_count(end - start)}" if said is None else f"{text} {quoted(said)}"
            )
        told = control(self.raw)
        return text + ": " + ", ".join(str(value) for value in told.values()) if told else text

    def parts(self) -> tuple[Part, ...]:
        """Return its header (§4.1), its content, and its padding (§6.1)."""
        if self.is_preface:
            return (Part("connection preface", 0, len(PREFACE), "HTTP/2 follows"),)
        start, end = self.body
        meaning = ", ".join(f"{name} {value}" for name, value in control(self.raw).items())
        parts = [
            Part("length", 0, 3, f"{len(self.raw) - HEAD:,}"),
            Part("type", 3, 4, self.type_name),
            Part("flags", 4, 5, " ".join(self.flags) or "none"),
            Part("stream identifier", 5, HEAD, str(self.stream)),
            Part("pad length, priority, promised stream", HEAD, start),
            Part(_CONTENT.get(self.type, "content"), start, end, meaning, self.type == DATA),
            Part("padding", end, len(self.raw)),
        ]
        return tuple(part for part in parts if part.start < part.end)

    def detail(self) -> dict[str, Any]:
        """Return what it says."""
        if self.is_preface:
            return {"type": "preface"}
        start, end = self.body
        detail: dict[str, Any] = {
            "type": self.type_name,
            "stream": self.stream,
            "flags": self.flags,
            "length": len(self.raw) - HEAD,
        }
        if self.fields:
            detail["headers"] = list(self.fields)
        if self.type == SETTINGS:
            detail["settings"] = settings(self.raw)
        elif self.type == DATA:
            detail |= preview(self.raw[start:end])
        elif told := control(self.raw):
            detail |= told
        elif start < end and self.type not in _CONTENT:
            detail |= hex_preview(self.raw[start:end])
        return detail


_CONTENT = {
    DATA: "data",
    HEADERS: "header block",
    PUSH_PROMISE: "header block",
    CONTINUATION: "header block",
}


def settings(raw: bytes) -> dict[str, int]:
    """Return what a SETTINGS frame sets (§6.5.1)."""
    values = {}
    for at in range(HEAD, len(raw) - 5, 6):
        setting = int.from_bytes(raw[at : at + 2], "big")
        name = SETTING_NAMES.get(setting, f"0x{setting:04x}")
        values[name] = int.from_bytes(raw[at + 2 : at + 6], "big")
    return values


def control(raw: bytes) -> dict[str, int | str]:
    """Return what RST_STREAM (§6.4), GOAWAY (§6.8) and WINDOW_UPDATE (§6.9) say.

    Of other frames it returns nothing.
    """
    kind, content = raw[3], raw[HEAD:]
    if kind == WINDOW_UPDATE and len(content) == 4:
        return {"increment": int.from_bytes(content, "big") & 0x7FFFFFFF}
    if kind == RST_STREAM and len(content) == 4:
        return {"error_code": _error_code(content)}
    if kind == GOAWAY and len(content) >= 8:
        last_stream = int.from_bytes(content[:4], "big") & 0x7FFFFFFF
        return {"last_stream": last_stream, "error_code": _error_code(content[4:8])}
    return {}


def _error_code(raw: bytes) -> str:
    """Return the name of an error code (§7)."""
    code = int.from_bytes(raw, "big")
    try:
        return ErrorCodes(code).name
    except ValueError:
        return f"0x{code:x}"
