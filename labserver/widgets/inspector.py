"""The wire inspector: the messages of a trace as they happen, down to a single bit.

The browser keeps the list, and asks for what it does not have yet, by number, so that a
packet of rows that Jupyter drops is asked for again and none is lost. What a message is made
of is sent when it is clicked. Text from the wire is data: the browser sets it as text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import anywidget
import traitlets

from labserver.runtime.loop import lab_loop
from labserver.widgets.cells import belongs_to_cell
from labserver.wire.message import Kind, Message

LOOK_S = 0.1  # ten looks a second: as live as an eye wants it
ROWS_MAX = 1000  # in one packet; at 500 messages a second a look finds 50
SUMMARY_MAX = 120  # characters in a row
RAW_MAX = 4096  # bytes shown of one message
BITS_MAX = 14  # bytes of a frame's head that are shown as bits: 2, extended length, key

_HERE = Path(__file__).parent


class Messages(Protocol):
    """As much of a Trace as the inspector needs."""

    def __len__(self) -> int:
        """How many messages there are by now."""

    def __getitem__(self, index: slice) -> Sequence[Message]:
        """Some of them."""


class Inspector(anywidget.AnyWidget):
    """A list of messages, live while their server runs.

    Args:
        messages: a trace; it may grow.
        title: what is watched.
    """

    _esm = _HERE / "inspector.js"
    _css = _HERE / "inspector.css"

    title = traitlets.Unicode().tag(sync=True)
    total = traitlets.Int().tag(sync=True)

    def __init__(self, messages: Messages, title: str = "") -> None:
        self._messages = messages
        self._open = True
        super().__init__(title=title, total=len(messages))
        self.on_msg(self._on_browser)
        lab_loop.spawn(self._look)
        belongs_to_cell(self)

    def close(self) -> None:
        """Cease to look."""
        self._open = False
        super().close()

    async def _look(self) -> None:
        while self._open:
            # The browser is told how many there are, and asks for those that it lacks.
            if (total := len(self._messages)) != self.total:
                self.total = total
            await asyncio.sleep(LOOK_S)

    def _on_browser(self, _: object, message: dict[str, Any], __: object) -> None:
        if "from" in message:
            start = max(0, int(message["from"]))
            rows = [row(m) for m in self._messages[start : start + ROWS_MAX]]
            self.send({"start": start, "rows": rows})
        elif "open" in message:
            index = int(message["open"])
            found = self._messages[index : index + 1]
            if found:
                self.send({"detail": detail(found[0])})


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
        "raw": message.raw[:RAW_MAX].hex(),
        "parts": [
            [part.name, part.start, part.end, part.meaning, part.is_payload]
            for part in message.parts
            if part.start < RAW_MAX
        ],
        "fields": [[name, _shown(value)] for name, value in message.detail.items()],
        "bits": bits(message),
    }


def bits(message: Message) -> list[str]:
    """The head of a WebSocket frame, a string of eight bits for each byte (RFC 6455 §5.2)."""
    if message.kind is not Kind.WEBSOCKET_FRAME:
        return []
    head = next((part.start for part in message.parts if part.is_payload), len(message.raw))
    return [f"{byte:08b}" for byte in message.raw[: min(head, BITS_MAX)]]


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return value[:RAW_MAX].hex(" ")
    return str(value)[:RAW_MAX]
