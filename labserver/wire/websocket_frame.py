"""One WebSocket frame, and what its bits say (RFC 6455 §5.2).

A frame is kept as its header and its unmasked payload; its bytes on the wire follow from them.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from websockets.frames import CLOSE_CODE_EXPLANATIONS, CloseCode

from labserver.wire.message import Kind, Part
from labserver.wire.preview import byte_count, hex_preview, preview, quoted, text_preview

try:
    from websockets.speedups import apply_mask
except ImportError:  # the C extension could not be built
    from websockets.utils import apply_mask

masked_with = apply_mask  # XOR both masks and unmasks (§5.3)

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
OPCODES = {
    CONTINUATION: "continuation",
    TEXT: "text",
    BINARY: "binary",
    CLOSE: "close",
    PING: "ping",
    PONG: "pong",
}


class Inflated(msgspec.Struct, frozen=True, gc=False):
    """A compressed payload, once it is inflated.

    Attributes:
        size: its size in bytes.
        start: its first bytes.
    """

    size: int
    start: bytes


class Frame(msgspec.Struct, frozen=True, gc=False):
    """A WebSocket frame.

    Attributes:
        head: its bytes before the payload, including the masking key.
        data: its payload, without the mask.
        number: the number of the message that it is part of, from 1 in each direction; 0 for a
            control frame, which is not part of a message.
        error: what is wrong with it, and at which byte.
        inflated: what a compressed payload says; None if it is not compressed.
    """

    head: bytes
    data: bytes
    number: int = 0
    error: str = ""
    inflated: Inflated | None = None

    kind: ClassVar[Kind] = Kind.WEBSOCKET_FRAME
    http_head: ClassVar[int] = 0
    opaque: ClassVar[int] = 0

    @property
    def opcode(self) -> int:
        """The opcode, which says what it carries (§11.8)."""
        return self.head[0] & 0x0F

    @property
    def opcode_name(self) -> str:
        """The name of the opcode."""
        return OPCODES.get(self.opcode, f"reserved 0x{self.opcode:x}")

    @property
    def fin(self) -> bool:
        """Whether it is the last frame of its message."""
        return self.head[0] >= 0x80

    @property
    def rsv(self) -> int:
        """RSV1, RSV2 and RSV3 as one number, in which RSV1 counts 4."""
        return self.head[0] >> 4 & 0x07

    @property
    def masked(self) -> bool:
        """Whether the payload is masked."""
        return self.head[1] >= 0x80

    @property
    def mask_key(self) -> bytes:
        """The masking key; empty if the payload is not masked."""
        return self.head[-4:] if self.masked else b""

    @property
    def length(self) -> int:
        """The length of the payload, as the header declares it."""
        length = self.head[1] & 0x7F
        if length < 126:
            return length
        return int.from_bytes(self.head[2 : 4 if length == 126 else 10], "big")

    @property
    def size(self) -> int:
        """The number of its bytes on the wire."""
        return len(self.head) + len(self.data)

    @property
    def payload(self) -> int:
        """How many of its bytes are payload, which the RFC calls application data."""
        return len(self.data)

    @property
    def raw(self) -> bytes:
        """Its bytes on the wire."""
        return self.head + (masked_with(self.data, self.mask_key) if self.masked else self.data)

    @property
    def close_code(self) -> int | None:
        """The code in a close frame (§7.4), if there is one."""
        if self.opcode != CLOSE or len(self.data) < 2:
            return None
        return int.from_bytes(self.data[:2], "big")

    @property
    def reason(self) -> str:
        """The reason in a close frame."""
        return self.data[2:].decode("utf-8", "replace") if self.opcode == CLOSE else ""

    @property
    def text(self) -> str | None:
        """The beginning of what it says; None if that is not text."""
        if self.opcode == CLOSE:
            return None
        text = text_preview(self.data if self.inflated is None else self.inflated.start)
        if self.opcode in (PING, PONG) and text is not None and not text.isprintable():
            return None  # random bytes, as most libraries send them
        return text

    @property
    def summary(self) -> str:
        """What it is, in one line."""
        name, data = self.opcode_name, self.data
        if self.opcode == CLOSE:
            code = self.close_code
            if code is None:
                return name
            reason = f" {quoted(self.reason)}" if len(data) > 2 else ""
            return f"{name} {code} {close_name(code)}{reason}"
        if not data:
            return name + ("" if self.fin else ", more follows")
        if not self.fin:
            name += ", more follows"
        text = self.text if self.opcode != BINARY else None
        return f"{name}, {byte_count(len(data))}" if text is None else f"{name} {quoted(text)}"

    def parts(self) -> tuple[Part, ...]:
        """Return its fields, as §5.2 draws them."""
        head, masked = self.head, self.masked
        extended = {126: 2, 127: 8}.get(head[1] & 0x7F, 0)
        flags = "last of its message" if self.fin else "more follows"
        short = f"{head[1] & 0x7F}" + (
            f": the length is in the next {extended}" if extended else ""
        )
        parts = [
            Part("FIN, RSV, opcode", 0, 1, f"{flags}, RSV {self.rsv:03b}, {self.opcode_name}"),
            Part("MASK, payload length", 1, 2, f"{'masked' if masked else 'not masked'}, {short}"),
        ]
        if extended:
            parts.append(Part("extended payload length", 2, 2 + extended, f"{self.length:,}"))
        if masked:
            parts.append(Part("masking key", len(head) - 4, len(head), self.mask_key.hex(" ")))
        if self.data:
            meaning = self.summary if self.opcode == CLOSE else _said(self.text, self.data)
            parts.append(Part("payload", len(head), self.size, meaning, is_payload=True))
        return tuple(parts)

    def detail(self) -> dict[str, Any]:
        """Return what it says."""
        detail: dict[str, Any] = {
            "opcode": self.opcode_name,
            "fin": self.fin,
            "rsv": self.rsv,
            "masked": self.masked,
        }
        if self.masked:
            detail["mask_key"] = self.mask_key
        detail["length"] = self.length
        if self.number:
            detail["message"] = self.number
        if self.opcode == CLOSE:
            if (code := self.close_code) is not None:
                detail["close_code"] = code
                detail["close_name"] = close_name(code)
                detail["meaning"] = close_meaning(code)
                detail["reason"] = self.reason
            return detail
        said = self.data
        if self.inflated is not None:
            detail["inflated"], said = self.inflated.size, self.inflated.start
        if self.text is None:
            return detail | hex_preview(said)
        return detail | preview(said)


def _said(text: str | None, data: bytes) -> str:
    return data[:16].hex(" ") if text is None else quoted(text)


def close_name(code: int) -> str:
    """Return the name of a close code, or of its range (§7.4.2)."""
    try:
        return CloseCode(code).name
    except ValueError:
        if 3000 <= code < 5000:
            return "registered" if code < 4000 else "private"
        return "unknown"


def close_meaning(code: int) -> str:
    """Return what a close code means."""
    if code in CLOSE_CODE_EXPLANATIONS:
        return CLOSE_CODE_EXPLANATIONS[CloseCode(code)]
    if 3000 <= code < 5000:
        return "registered with IANA" if code < 4000 else "agreed between client and server"
    return "not defined"
