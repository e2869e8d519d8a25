"""The wire inspector: the messages of a trace as they happen, down to a single bit.

Rows are pushed to the browser as messages pass, even while a cell keeps the kernel busy. The
browser knows which rows it has and asks for those that are missing, because Jupyter dropped them or
because the page was reloaded; so no row is lost. A message's bytes are sent when it is clicked.
Text from the wire is data: the browser shows it as text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import traitlets
from anyio import CancelScope, to_thread

from labserver.figures.frame_colours import FRAME_COLOURS
from labserver.runtime.loop import lab_loop
from labserver.widgets.assets import es_module, stylesheet
from labserver.widgets.window import Window
from labserver.wire.message import Kind, Message, Part
from labserver.wire.websocket_frame import masked_with

_HERE = Path(__file__).parent

LOOK_S = 0.1  # ten times per second looks live to the eye
ROWS_MAX = 400  # per packet, 60 KB; ten packets per second stay below Jupyter's limit of 1 MB
SUMMARY_MAX = 120  # characters of the summary in a row
RAW_MAX = 4096  # bytes of one message that are shown
BITS_MAX = 14  # bytes of a head shown as bits: the first 2, up to 8 of length, 4 of masking key
PAYLOAD_BITS_MAX = 8  # bytes of payload shown as bits: the others look alike


class InspectedTrace(Protocol):
    """What the inspector needs of a `Trace`, which may grow meanwhile."""

    def __len__(self) -> int:
        """Return how many messages there are by now."""

    def __getitem__(self, index: slice) -> Sequence[Message]:
        """Return the messages at these places."""

    @property
    def full(self) -> bool:
        """Whether later messages were not recorded because the tape is full."""


class Inspector(Window):
    """A list of messages, live while their server runs.

    Args:
        messages: a trace, which may grow.
        title: what is being watched.
    """

    _esm = es_module(_HERE / "inspector.mjs")
    _css = stylesheet(_HERE / "inspector.css") + "".join(
        f'.lab-wire [data-look="{look}"] {{ background: {colour}; }}\n'
        for look, colour in FRAME_COLOURS.items()
    )

    title = traitlets.Unicode().tag(sync=True)
    total = traitlets.Int().tag(sync=True)
    full = traitlets.Bool().tag(sync=True)

    def __init__(self, messages: InspectedTrace, title: str = "") -> None:
        self._messages = messages
        self._open = True
        self._pushed = 0
        len(messages)  # decodes a saved trace now, before another thread reads it too
        super().__init__(title=title)
        self.on_msg(self._on_browser)
        lab_loop.spawn(self._look)

    def close(self) -> None:
        """Stop watching, and remove the widget."""
        self._open = False
        super().close()

    async def _look(self) -> None:
        # In another thread, because this decodes what is new on the tape, and servers run on
        # the lab's own.
        try:
            while self._open:
                await to_thread.run_sync(self._push)
                await asyncio.sleep(LOOK_S)
        finally:
            if self._open:  # the loop is stopping: push what the servers sent last
                with CancelScope(shield=True):
                    await to_thread.run_sync(self._push)

    def _push(self) -> None:
        self._pushed += self._send_rows(self._pushed)
        self.total = len(self._messages)
        self.full = self._messages.full

    def _send_rows(self, start: int) -> int:
        rows = [row(message) for message in self._messages[start : start + ROWS_MAX]]
        if rows:
            self.send({"start": start, "rows": rows})
        return len(rows)

    def _on_browser(self, _: object, request: dict[str, Any], __: object) -> None:
        if "from" in request:
            self._send_rows(max(0, int(request["from"])))
        elif "open" in request:
            index = max(0, int(request["open"]))
            for message in self._messages[index : index + 1]:
                self.send({"index": index, "detail": detail(message)})


def row(message: Message) -> list[Any]:
    """Return a message as a row of the list, in the order of inspector.mjs's columns."""
    return [
        message.number,
        round(1000 * message.sent, 2),
        message.connection,
        message.direction.value,
        message.kind.value,
        len(message.raw),
        message.payload,
        message.summary[:SUMMARY_MAX],
        bool(message.error),
    ]


def detail(message: Message) -> dict[str, Any]:
    """Return what the browser shows of a message that was clicked, as JSON-ready values."""
    return {
        "number": message.number,
        "kind": message.kind.value,
        "summary": message.summary,
        "error": message.error,
        "size": len(message.raw),
        "payload": message.payload,
        "opaque": message.kind in (Kind.TLS_RECORD, Kind.UNKNOWN),
        "raw": message.raw[:RAW_MAX].hex(),
        "unmasked": unmasked(message).hex(),
        "parts": [
            [part.name, part.start, part.end, part.meaning, _look(part, index)]
            for index, part in enumerate(message.parts)
            if part.start < RAW_MAX
        ],
        "text": _shown(message.detail.get("text", "")),
        "fields": [
            [name, _shown(value)]
            for name, value in message.detail.items()
            if name not in _IN_PARTS.get(message.kind, ("text",))
        ],
        "bits": bits(message),
    }


def unmasked(message: Message) -> bytes:
    """Return a masked frame's payload without its mask (RFC 6455 §5.3), as far as it is shown."""
    payload = next((part.start for part in message.parts if part.is_payload), RAW_MAX)
    if "mask_key" not in message.detail:
        return b""
    return masked_with(message.raw[payload:RAW_MAX], message.detail["mask_key"])


def bits(message: Message) -> list[list[Any]]:
    """Return the head of a WebSocket frame as bits (RFC 6455 §5.2).

    Returns:
        For each byte its eight bits as text, and its fields in the same order, each with its name,
        a number of bits, and its colour's name; an empty list if the message is not a WebSocket
        frame. The first bytes of the payload are among them, as they were on the wire.
    """
    if message.kind is not Kind.WEBSOCKET_FRAME:
        return []
    head = min((part.start for part in message.parts if part.is_payload), default=BITS_MAX)
    octets = [
        [f"{message.raw[index]:08b}", _FIELDS.get(index, [[part.name, 8, _look(part, index)]])]
        for part in message.parts
        for index in range(part.start, min(part.end, head, BITS_MAX))
    ]
    payload = message.raw[head : head + PAYLOAD_BITS_MAX]
    return octets + [[f"{byte:08b}", [[f"payload {byte:02x}", 8, "payload"]]] for byte in payload]


def _look(part: Part, index: int) -> str:
    """Return the name of a part's colour; parts that are no frame's have two colours in turn."""
    if part.is_payload:
        return "payload"
    return _LOOKS.get(part.name, ("length", "opcode")[index % 2])


_FIELDS: dict[int, list[list[Any]]] = {
    0: [
        ["FIN", 1, "flag"],
        *([f"RSV{at}", 1, "flag"] for at in (1, 2, 3)),
        ["opcode", 4, "opcode"],
    ],
    1: [["MASK", 1, "mask"], ["payload length", 7, "length"]],
}
_LOOKS = {
    "FIN, RSV, opcode": "opcode",
    "MASK, payload length": "length",
    "extended payload length": "length",
    "masking key": "mask",
}
# What a message's parts say already, in the order of its bytes.
_HTTP = ("text", "method", "target", "version", "status", "reason", "headers", "length")
_IN_PARTS: dict[Kind, tuple[str, ...]] = {
    Kind.WEBSOCKET_FRAME: ("text", "opcode", "fin", "rsv", "masked", "mask_key", "length"),
    Kind.HTTP_REQUEST: _HTTP,
    Kind.HTTP_RESPONSE: _HTTP,
    Kind.SSE_EVENT: ("text", "what", "id", "retry_ms"),
}


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return value[:RAW_MAX].hex(" ")
    return str(value)[:RAW_MAX]
