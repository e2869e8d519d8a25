"""One WebSocket frame as RFC 6455 §5.2 draws it, and its payload unmasked byte by byte."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from labserver.errors import LabError
from labserver.figures.frame_colours import FRAME_COLOURS
from labserver.figures.panel import Panel, visible
from labserver.figures.wire_text import ARROW
from labserver.wire.message import Kind, Message
from labserver.wire.preview import byte_count
from labserver.wire.websocket_frame import OPCODES, masked_with

ROW = 32  # bits, as in the RFC
PAYLOAD_SHOWN = 16  # bytes: the rest looks alike
TEXT_CHARACTERS = 80
ERROR_CHARACTERS = 400

_EIGHT = re.compile(r"^(.{23}) ")  # bytes in hex
_LINE = "\\1\n"
_AT_BYTE = re.compile(r"byte (\d+):")


class _FrameField(NamedTuple):
    """A field of the frame.

    Attributes:
        name: its name in the RFC.
        look: its colour.
        start, end: where it begins and ends in the frame, in bits.
        value: its bits or bytes.
        meaning: what they say.
    """

    name: str
    look: str
    start: int
    end: int
    value: str
    meaning: str

    @property
    def lines(self) -> str:
        """The value, with eight bytes of hex per line."""
        return _EIGHT.sub(_LINE, self.value)


class _Cell(NamedTuple):
    """A run of bits that has a name over it.

    Attributes:
        name: what stands over it.
        look: its colour.
        start: its place in the frame, in bits.
        bits: the bits, as digits.
    """

    name: str
    look: str
    start: int
    bits: str


def frame_bits(message: Message) -> Panel:
    """Show a frame's bits in the layout of RFC 6455 §5.2, what they say, and how it is unmasked.

    At most 16 bytes of payload are shown; the panel says how many are left out. If a frame is
    wrong or was cut off, the panel shows what has come, and what is wrong with it.

    Args:
        message: a WebSocket frame: `trace.only(kind="WebSocket frame")[0]`.

    Returns:
        A picture made of text: HTML in a notebook, lines elsewhere.

    Raises:
        LabError: if the message is not a frame.
    """
    is_cut_off = message.kind is Kind.UNKNOWN and "cut off within a frame" in message.error
    if message.kind is not Kind.WEBSOCKET_FRAME and not is_cut_off:
        raise LabError(
            f"Message {message.number} is not a WebSocket frame:"
            ' take one of trace.only(kind="WebSocket frame").'
        )
    raw = message.raw
    fields = _fields(raw, message)
    head = next((f.start // 8 for f in fields if f.name == "payload"), len(raw))
    key = next((raw[f.start // 8 : f.end // 8] for f in fields if f.name == "masking key"), b"")
    payload = raw[head:]
    what = "a frame that was cut off" if is_cut_off else visible(message.summary, TEXT_CHARACTERS)
    title = (
        f"{what}, {ARROW[message.direction]}: {byte_count(len(raw))} ="
        f" {head:,} of header + {len(payload):,} of payload"
    )
    error = visible(message.error, ERROR_CHARACTERS)
    left_out = max(0, len(payload) - PAYLOAD_SHOWN)
    rest = f"… {byte_count(left_out)} more of payload, not shown" if left_out else ""
    said = _briefly(fields)
    rows = list(_rows(raw[: head + PAYLOAD_SHOWN], fields))
    unmasking = _Unmasking(payload[:PAYLOAD_SHOWN], key) if len(key) == 4 and payload else None
    text = [title, "", *_rows_text(rows), *filter(None, [rest]), "", *_fields_text(said)]
    text += [f"✗ {error}"] if error else []
    text += ["", *unmasking.text(), *filter(None, [rest])] if unmasking else []
    return Panel(
        "\n".join(text),
        "figures/frame_bits.html",
        title=title,
        colours=FRAME_COLOURS,
        error=error,
        rows=rows,
        wrong={int(at) for at in _AT_BYTE.findall(message.error)},
        rest=rest,
        fields=said,
        unmasking=unmasking,
    )


def _fields(raw: bytes, message: Message) -> list[_FrameField]:
    """Return the fields of which at least one bit has come."""
    bits = _bits(raw[:14])
    found: list[_FrameField] = []

    def add(name: str, look: str, size: int, meaning: str) -> None:
        start = found[-1].end if found else 0
        end = min(start + size, 8 * len(raw))
        if end > start:
            value = bits[start:end] if end <= 16 else _hex(raw[start // 8 : end // 8])
            cut = "" if end == start + size else ", cut off"
            found.append(_FrameField(name, look, start, end, value, meaning + cut))

    opcode, short = raw[0] & 0x0F, (raw[1] & 0x7F if len(raw) > 1 else 0)
    masked = len(raw) > 1 and raw[1] >= 0x80
    extended = {126: 2, 127: 8}.get(short, 0)
    fin = "the last frame of its message" if bits[0] == "1" else "more of its message follows"
    add("FIN", "flag", 1, fin)
    for at in (1, 2, 3):
        add(f"RSV{at}", "flag", 1, _rsv(at, bits[at], message))
    add("opcode", "opcode", 4, f"{opcode:#x}, {OPCODES.get(opcode, 'reserved')}")
    add("MASK", "mask", 1, "masked with the key below" if masked else "not masked, so no key")
    where = f"{short}: the length is in the next {extended} bytes"
    add("payload length", "length", 7, where if extended else byte_count(short))
    length = int.from_bytes(raw[2 : 2 + extended], "big") if extended else short
    if extended:
        add("extended payload length", "length", 8 * extended, byte_count(length))
    if masked:
        add("masking key", "mask", 32, "chosen anew for each frame")
    if len(raw) > (begin := 2 + extended + 4 * masked):
        add("payload", "payload", 8 * length, _said(message, raw[begin:]))
    return found


def _rsv(at: int, bit: str, message: Message) -> str:
    if bit == "0":
        return "not used"
    if at == 1 and "inflated" in message.detail:
        return "the message is compressed (RFC 7692 §6)"
    return "set, though nothing was agreed that uses it" if "RSV" in message.error else "set"


def _said(message: Message, payload: bytes) -> str:
    detail = message.detail
    size = byte_count(len(payload))
    if "close_code" in detail:
        reason = visible(str(detail["reason"]), TEXT_CHARACTERS)
        code_name = f"close code {detail['close_code']}, {detail['close_name']}"
        return f"{size}: {code_name}" + (f', reason "{reason}"' if reason else "")
    if "inflated" in detail:
        size += f", which inflate to {detail['inflated']:,}"
    if "text" in detail and "opcode" in detail:
        return f'{size}: "{visible(detail["text"], TEXT_CHARACTERS)}"'
    return size


def _bits(data: bytes) -> str:
    return "".join(f"{byte:08b}" for byte in data)


def _hex(data: bytes) -> str:
    return data[:PAYLOAD_SHOWN].hex(" ") + (" …" if len(data) > PAYLOAD_SHOWN else "")


def _rows(raw: bytes, fields: Sequence[_FrameField]) -> Iterator[list[_Cell]]:
    """Yield rows of 32 bits, cut where fields begin; the payload is cut into bytes."""
    bits = _bits(raw)
    for begin in range(0, len(bits), ROW):
        row: list[_Cell] = []
        for field in fields:
            step = 8 if field.look == "payload" else ROW
            end = min(field.end, begin + ROW, len(bits))
            for start in range(max(field.start, begin), end, step):
                part = bits[start : min(start + step, end)]
                name = field.name
                if field.name in ("masking key", "payload"):
                    name += f" {int(part, 2).to_bytes(len(part) // 8, 'big').hex(' ')}"
                elif start > field.start:
                    name += ", continued"
                row.append(_Cell(name, field.look, start, part))
        yield row


def _rows_text(rows: Sequence[list[_Cell]]) -> Iterator[str]:
    tens = " ".join(" " if at % 10 else str(at // 10) for at in range(ROW))
    yield f"{'':8}  {tens}".rstrip()
    yield f"{'bit':8}  {' '.join(str(at % 10) for at in range(ROW))}"
    for at, row in enumerate(rows):
        yield f"byte {4 * at:<3} |{'|'.join(' '.join(cell.bits) for cell in row)}|"


def _briefly(fields: Sequence[_FrameField]) -> list[_FrameField]:
    """Return the fields, with the reserved bits as one field if none of them is set."""
    reserved = [field for field in fields if field.name.startswith("RSV")]
    if len(reserved) < 3 or any(field.value == "1" for field in reserved):
        return list(fields)
    one = reserved[0]._replace(name="RSV1, 2, 3", end=reserved[-1].end, value="000")
    return [fields[0], one, *fields[4:]]


def _fields_text(fields: Sequence[_FrameField]) -> Iterator[str]:
    width = max(len(field.name) for field in fields)
    values = max(len(field.value) for field in fields)
    for field in fields:
        yield f"{field.name:<{width}}  {field.value:<{values}}  {field.meaning}".rstrip()


class _Unmasking:
    """How a payload is unmasked, byte by byte (RFC 6455 §5.3).

    Args:
        masked: the first bytes of the payload as they were on the wire; at least one.
        key: the masking key.
    """

    heading = "The mask taken off, byte by byte: the key's four bytes, over and over"

    def __init__(self, masked: bytes, key: bytes) -> None:
        over = (key * (len(masked) // 4 + 1))[: len(masked)]
        data = masked_with(masked, key)
        self.rows = (("on the wire", masked), ("XOR key", over), ("= payload", data))
        self.characters = list(_characters(data))
        wire, by, says = masked[0], over[0], data[0]
        self.first = (
            f"the first byte: {wire:08b} XOR {by:08b} = {says:08b}"
            f" (0x{wire:02x} XOR 0x{by:02x} = 0x{says:02x})"
        )

    def text(self) -> Iterator[str]:
        yield self.heading
        for name, data in self.rows:
            yield f"{name:<12} {data.hex(' ')}"
        shown = "".join(f"{char:<{3 * width}}" for char, width in self.characters)
        yield f"{'as text':<12} {shown}".rstrip()
        yield self.first


def _characters(data: bytes) -> Iterator[tuple[str, int]]:
    """Yield the characters, each with the number of its bytes in UTF-8; a dot stands for others."""
    at = 0
    while at < len(data):
        for width in range(1, 5):
            try:
                char = data[at : at + width].decode()
            except UnicodeDecodeError:
                continue
            break
        else:
            char, width = "·", 1
        yield (char if char.isprintable() else "·"), len(char.encode()) if char != "·" else width
        at += width
