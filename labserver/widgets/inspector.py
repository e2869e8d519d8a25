"""The wire inspector: the messages of a trace as they happen, down to a single bit.

Rows are pushed to the browser as they come, also while a cell keeps the kernel busy. The
browser knows their places and asks for what it lacks: what Jupyter dropped, or all of it after
the page was reloaded. So none is lost. What a message is made of is sent when it is clicked.
Text from the wire is data: the browser sets it as text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

import anywidget
import traitlets
from anyio import CancelScope, to_thread

from labserver.runtime.loop import lab_loop
from labserver.widgets.cells import belongs_to_cell
from labserver.widgets.source import joined
from labserver.wire.message import Kind, Message
from labserver.wire.websocket_frame import masked_with

LOOK_S = 0.1  # ten looks a second: as live as an eye wants it
ROWS_MAX = 400  # in one packet, 60 KB: ten a second stay below Jupyter's limit of 1 MB a second
SUMMARY_MAX = 120  # characters in a row
RAW_MAX = 4096  # bytes shown of one message
BITS_MAX = 14  # bytes of a frame's head that are shown as bits: 2, extended length, key


class Messages(Protocol):
    """As much of a Trace as the inspector needs."""

    def __len__(self) -> int:
        """How many messages there are by now."""

    def __getitem__(self, index: slice) -> Sequence[Message]:
        """Some of them."""

    @property
    def full(self) -> bool:
        """Whether there were more than could be kept."""


class Inspector(anywidget.AnyWidget):
    """A list of messages, live while their server runs.

    Args:
        messages: a trace; it may grow.
        title: what is watched.
    """

    _esm = joined("element.js", "inspector_message.js", "inspector_rows.js", "inspector.js")
    _css = joined("inspector.css")

    title = traitlets.Unicode().tag(sync=True)
    total = traitlets.Int().tag(sync=True)
    full = traitlets.Bool().tag(sync=True)

    def __init__(self, messages: Messages, title: str = "") -> None:
        self._messages = messages
        self._open = True
        self._pushed = 0
        len(messages)  # what was saved is decoded now, as threads do not share such a trace yet
        super().__init__(title=title)
        self.on_msg(self._on_browser)
        lab_loop.spawn(self._look)
        belongs_to_cell(self)

    def close(self) -> None:
        """Cease to look."""
        self._open = False
        super().close()

    async def _look(self) -> None:
        # In another thread, as it decodes what is new on the tape, and servers run on this one.
        try:
            while self._open:
                await to_thread.run_sync(self._push)
                await asyncio.sleep(LOOK_S)
        finally:
            if self._open:  # the loop stops: what the servers said last
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

    def _on_browser(self, _: object, message: dict[str, Any], __: object) -> None:
        if "from" in message:
            self._send_rows(max(0, int(message["from"])))
        elif "open" in message:
            index = max(0, int(message["open"]))
            for found in self._messages[index : index + 1]:
                self.send({"index": index, "detail": detail(found)})


def row(message: Message) -> list[Any]:
    """A message as a row of the list: what the browser sorts, filters and shows."""
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
    """A message as it is shown when it is clicked."""
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
            [part.name, part.start, part.end, part.meaning, part.is_payload]
            for part in message.parts
            if part.start < RAW_MAX
        ],
        "text": _shown(message.detail.get("text", "")),
        "fields": [
            [name, _shown(value)] for name, value in message.detail.items() if name != "text"
        ],
        "bits": bits(message),
    }


def unmasked(message: Message) -> bytes:
    """A masked frame's payload without the mask (RFC 6455 §5.3), as far as it is shown."""
    payload = next((part.start for part in message.parts if part.is_payload), RAW_MAX)
    if "mask_key" not in message.detail:
        return b""
    return masked_with(message.raw[payload:RAW_MAX], message.detail["mask_key"])


def bits(message: Message) -> list[list[Any]]:
    """The head of a WebSocket frame as bits (RFC 6455 §5.2).

    Returns:
        A list a byte: its eight bits as text, and what they are in this order, as pairs of a
        name and a number of bits.
    """
    if message.kind is not Kind.WEBSOCKET_FRAME:
        return []
    head = min((part.start for part in message.parts if part.is_payload), default=BITS_MAX)
    return [
        [f"{message.raw[index]:08b}", _FIELDS.get(index, [[part.name, 8]])]
        for part in message.parts
        for index in range(part.start, min(part.end, head, BITS_MAX))
    ]


_FIELDS = {
    0: [["FIN", 1], ["RSV1", 1], ["RSV2", 1], ["RSV3", 1], ["opcode", 4]],
    1: [["MASK", 1], ["payload length", 7]],
}


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return value[:RAW_MAX].hex(" ")
    return str(value)[:RAW_MAX]
