"""One WebSocket frame as RFC 6455 §5.2 draws it, and its mask taken off byte by byte."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from labserver.errors import LabError
from labserver.figures.panel import Panel, code, markup, visible
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

_STYLE = """
.P.P table.bits{table-layout:fixed;min-width:480px;font-size:11px}
.P .wide{overflow-x:auto}
.P.P table.bits th,.P.P table.bits td{padding:1px 0;text-align:center;vertical-align:bottom;
line-height:1.15}
.P.P table.bits .at{width:52px;text-align:left;vertical-align:middle;white-space:nowrap}
.P.P table.bits .no{font-size:9px}
.P.P table.bits .name{padding-top:6px}
.P .bits .up{writing-mode:vertical-lr;text-orientation:upright;letter-spacing:-2px;font-size:10px}
.P.P table.bits td{font:12.5px/1.6 var(--jp-code-font-family,ui-monospace,monospace)}
.P.P table.bits td.s,.P.P table.bits th.s{border-left:1px solid rgba(128,128,128,.9)}
.P .flag{background:rgba(128,128,128,.22)}
.P .opcode{background:rgba(230,159,0,.32)}
.P .mask{background:rgba(204,121,167,.38)}
.P .length{background:rgba(86,180,233,.34)}
.P .payload{background:rgba(0,158,115,.26)}
.P.P table.bits td.wrong{box-shadow:inset 0 -3px var(--lab-bad)}
.P.P table.says{margin-top:8px}
.P.P table.says td:nth-child(-n+2){white-space:nowrap;width:1%;padding-right:18px}
.P.P.P .says code{white-space:pre}
.P .says td:first-child span{padding:0 5px;border-radius:3px}
.P.P table.xor{width:auto}
.P.P table.xor td{text-align:center;padding:1px 4px}
.P.P table.xor td:first-child{text-align:left;padding-right:14px}
.P.P table.xor tr.sum td{border-top:1px solid rgba(128,128,128,.9)}
"""


class _Field(NamedTuple):
    """A field of the frame.

    Attributes:
        name: in the RFC.
        look: its colour.
        start, end: its place, in bits.
        value: its bits or bytes.
        meaning: what they say.
    """

    name: str
    look: str
    start: int
    end: int
    value: str
    meaning: str


class _Cell(NamedTuple):
    """A run of bits that has a name over it."""

    name: str
    look: str
    bits: str


def frame_bits(message: Message) -> Panel:
    """A frame's bits in the layout of RFC 6455 §5.2, what they say, and its mask taken off.

    At most 16 bytes of payload are shown, and how many are left out is said. Of a frame that
    is wrong or was cut off there is shown what came, and what is wrong with it.

    Args:
        message: a WebSocket frame: `trace.only(kind="WebSocket frame")[0]`.

    Returns:
        A picture made of text: HTML in a notebook, lines elsewhere.

    Raises:
        LabError: if the message is no frame.
    """
    is_cut_off = message.kind is Kind.UNKNOWN and "cut off within a frame" in message.error
    if message.kind is not Kind.WEBSOCKET_FRAME and not is_cut_off:
        raise LabError(
            f"Message {message.number} is no WebSocket frame:"
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
    errors = [visible(message.error, ERROR_CHARACTERS)] if message.error else []
    left_out = max(0, len(payload) - PAYLOAD_SHOWN)
    rest = f"… {byte_count(left_out)} more of payload, not shown" if left_out else ""
    said = _briefly(fields)
    rows = list(_rows(raw[: head + PAYLOAD_SHOWN], fields))
    unmasking = _Unmasking(payload[:PAYLOAD_SHOWN], key) if len(key) == 4 and payload else None
    wrong = {int(at) for at in _AT_BYTE.findall(message.error)}
    text = [title, "", *_rows_text(rows), *filter(None, [rest]), "", *_fields_text(said)]
    body = [
        f'<div class="title">{markup(title)}</div>',
        *(f'<div class="bad">✗ {markup(error)}</div>' for error in errors),
        _rows_html(rows, wrong),
        f'<div class="grey">{rest}</div>' if rest else "",
        _fields_html(said),
    ]
    text += [f"✗ {error}" for error in errors]
    if unmasking:
        text += ["", *unmasking.text(), *filter(None, [rest])]
        body += [unmasking.html(), f'<div class="grey">{rest}</div>' if rest else ""]
    return Panel("".join(body), "\n".join(text), _STYLE)


def _fields(raw: bytes, message: Message) -> list[_Field]:
    """The fields of which at least a bit has come."""
    bits = _bits(raw[:14])
    found: list[_Field] = []

    def add(name: str, look: str, size: int, meaning: str) -> None:
        start = found[-1].end if found else 0
        end = min(start + size, 8 * len(raw))
        if end > start:
            value = bits[start:end] if end <= 16 else _hex(raw[start // 8 : end // 8])
            cut = "" if end == start + size else ", cut off"
            found.append(_Field(name, look, start, end, value, meaning + cut))

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


def _rows(raw: bytes, fields: Sequence[_Field]) -> Iterator[list[_Cell]]:
    """Rows of 32 bits, cut where fields begin; payload is cut into bytes."""
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
                row.append(_Cell(name, field.look, part))
        yield row


def _rows_text(rows: Sequence[list[_Cell]]) -> Iterator[str]:
    tens = " ".join(" " if at % 10 else str(at // 10) for at in range(ROW))
    yield f"{'':8}  {tens}".rstrip()
    yield f"{'bit':8}  {' '.join(str(at % 10) for at in range(ROW))}"
    for at, row in enumerate(rows):
        yield f"byte {4 * at:<3} |{'|'.join(' '.join(cell.bits) for cell in row)}|"


def _rows_html(rows: Sequence[list[_Cell]], wrong: set[int]) -> str:
    lines = [
        '<tr><th class="at grey">bit</th>'
        + "".join(f'<th class="no grey">{at}</th>' for at in range(ROW))
        + "</tr>"
    ]
    for at, row in enumerate(rows):
        names = "".join(
            f'<th class="name s" colspan={len(cell.bits)}>'
            f"<span{' class=up' if len(cell.bits) == 1 else ''}>{cell.name}</span></th>"
            for cell in row
        )
        bits = []
        place = ROW * at
        for cell in row:
            for number, bit in enumerate(cell.bits):
                look = (
                    f"{cell.look}{'' if number else ' s'}{' wrong' if place // 8 in wrong else ''}"
                )
                bits.append(f'<td class="{look}">{bit}</td>')
                place += 1
        lines.append(f"<tr><th></th>{names}</tr>")
        lines.append(f'<tr><th class="at grey">byte {4 * at}</th>{"".join(bits)}</tr>')
    return (
        '<div class="wide"><table class="bits" aria-label="The frame, 32 bits a row">'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _briefly(fields: Sequence[_Field]) -> list[_Field]:
    """The fields, the reserved bits as one where none of them is set."""
    reserved = [field for field in fields if field.name.startswith("RSV")]
    if len(reserved) < 3 or any(field.value == "1" for field in reserved):
        return list(fields)
    one = reserved[0]._replace(name="RSV1, 2, 3", end=reserved[-1].end, value="000")
    return [fields[0], one, *fields[4:]]


def _fields_text(fields: Sequence[_Field]) -> Iterator[str]:
    width = max(len(field.name) for field in fields)
    values = max(len(field.value) for field in fields)
    for field in fields:
        yield f"{field.name:<{width}}  {field.value:<{values}}  {field.meaning}".rstrip()


def _fields_html(fields: Sequence[_Field]) -> str:
    rows = "".join(
        f'<tr><td><span class="{field.look}">{field.name}</span></td>'
        f"<td>{code(_EIGHT.sub(_LINE, field.value))}</td><td>{markup(field.meaning)}</td></tr>"
        for field in fields
    )
    return f'<table class="says" aria-label="What its fields say"><tbody>{rows}</tbody></table>'


class _Unmasking:
    """The mask taken off, byte by byte (RFC 6455 §5.3).

    Args:
        masked: the first bytes of the payload, as they were on the wire; at least one.
        key: the masking key.
    """

    heading = "The mask taken off, byte by byte: the key's four bytes, over and over"

    def __init__(self, masked: bytes, key: bytes) -> None:
        over = (key * (len(masked) // 4 + 1))[: len(masked)]
        self._data = masked_with(masked, key)
        self._rows = (("on the wire", masked), ("XOR key", over), ("= payload", self._data))
        wire, by, says = masked[0], over[0], self._data[0]
        self._first = (
            f"the first byte: {wire:08b} XOR {by:08b} = {says:08b}"
            f" (0x{wire:02x} XOR 0x{by:02x} = 0x{says:02x})"
        )

    def text(self) -> Iterator[str]:
        yield self.heading
        for name, data in self._rows:
            yield f"{name:<12} {data.hex(' ')}"
        shown = "".join(f"{char:<{3 * width}}" for char, width in _characters(self._data))
        yield f"{'as text':<12} {shown}".rstrip()
        yield self._first

    def html(self) -> str:
        rows = [
            f"<tr{' class=sum' if name.startswith('=') else ''}><td>{name}</td>"
            + "".join(f"<td>{code(f'{byte:02x}')}</td>" for byte in data)
            + "</tr>"
            for name, data in self._rows
        ]
        shown = "".join(
            f"<td colspan={width}>{code(char)}</td>" for char, width in _characters(self._data)
        )
        return (
            f'<div class="head">{self.heading}</div>'
            f'<table class="xor"><tbody>{"".join(rows)}<tr><td>as text</td>{shown}</tr></tbody>'
            f"</table><div>{code(self._first)}</div>"
        )


def _characters(data: bytes) -> Iterator[tuple[str, int]]:
    """The characters, each with the number of its bytes in UTF-8; a dot where there is none."""
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
