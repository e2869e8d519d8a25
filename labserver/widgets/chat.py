"""The chat window of a client that runs in the kernel, the same for every technique.

The window's state is a handful of traits, which the browser draws as text and never as HTML.
Events are taken in on the lab's loop and shown at most 20 times per second.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from pathlib import Path
from typing import Any

import traitlets
from ipywidgets import Layout

from labserver.chat.events import Event
from labserver.errors import LabError
from labserver.runtime.client import Client
from labserver.widgets.assets import es_module, stylesheet
from labserver.widgets.transcript import Transcript
from labserver.widgets.window import Window

_HERE = Path(__file__).parent

UPDATE_S = 0.05  # Jupyter drops output beyond 1,000 messages or 1 MB per second
BYTES_PER_S = 100_000  # one window's share of that 1 MB
DIRECT = re.compile(r"/dm\s+([A-Za-z0-9_.-]{1,64})\s+(.+)", re.DOTALL)
INCOMPLETE = "Nothing was sent: write /dm, the name of one person, and the text."


class ChatWidget(Window):
    """A chat window for one client.

    Args:
        client: a connected client, whose events the window reads from now on.
        technique: the technique's name, shown in the title.
    """

    _esm = es_module(_HERE / "chat.mjs")
    _css = stylesheet(_HERE / "chat.css")

    user = traitlets.Unicode().tag(sync=True)
    room = traitlets.Unicode().tag(sync=True)
    technique = traitlets.Unicode().tag(sync=True)
    lines = traitlets.List(traitlets.Dict()).tag(sync=True)
    people = traitlets.List(traitlets.Unicode()).tag(sync=True)
    typing = traitlets.List(traitlets.Unicode()).tag(sync=True)
    connection = traitlets.Dict().tag(sync=True)
    counters = traitlets.Dict().tag(sync=True)

    def __init__(self, client: Client, technique: str = "") -> None:
        self._transcript = Transcript(client.user)
        self._scheduled = False
        self.client = client
        layout = Layout(flex="1 1 280px", max_width="640px")  # side by side if there is room
        super().__init__(user=client.user, room=client.room, technique=technique, layout=layout)
        self.add_class(f"chat-{client.user}")
        self.on_msg(self._on_browser)
        self._show()
        client.follow(self._hear, self._schedule)

    def say(self, text: str) -> None:
        """Send a message, as if `text` had been typed and sent with Enter.

        `/dm NAME text` sends the text to one person; without a valid name or a text nothing is
        sent, and the window says so. This method does not wait: the window shows
        the line as "sending…" until the server has answered.
        """
        text = text.strip()
        if not text:
            return
        direct = DIRECT.fullmatch(text)
        if direct is None and text.split()[0] == "/dm":
            self.client.soon(self._say_incomplete)
            return
        to, content = direct.groups() if direct else ("", text)
        message_id = secrets.token_hex(8)
        data = {"content": content, "id": message_id} | ({"recipientId": to} if to else {})

        def show() -> None:
            self._transcript.saying(content, message_id, to)
            self._schedule()

        def answered(answer: Event | None, error: LabError | None) -> None:
            if error is not None:
                self._transcript.failed(message_id, str(error))
            elif answer is not None:
                self._transcript.answered(message_id, answer.data.get("status", ""))
            self._schedule()

        self.client.soon(show)
        self.client.send_soon({"type": "CHAT_MESSAGE", "data": data}, answered)

    def cut(self) -> None:
        """Cut the connection, as the button does."""
        self.client.cut()

    def restore(self) -> None:
        """Restore the connection after `cut`."""
        self.client.restore()

    def close(self) -> None:
        """Close the window and its client."""
        self.client.close()
        super().close()

    # On the lab's loop

    def _say_incomplete(self) -> None:
        self._transcript.notice(INCOMPLETE)
        self._schedule()

    def _hear(self, event: Event) -> None:
        self._transcript.hear(event)
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            pace = sum(len(line.text) + 80 for line in self._transcript.lines) / BYTES_PER_S
            asyncio.get_running_loop().call_later(max(UPDATE_S, pace), self._show)

    def _show(self) -> None:
        self._scheduled = False
        core, counters = self.client.core, self.client.counters
        with self.hold_sync():
            self.lines = self._transcript.shown()
            self.people = self._transcript.people()
            self.typing = list(self._transcript.typing)
            self.connection = {
                "state": core.state.value,
                "reason": core.reason,
                "retryIn": core.retry_in,
            }
            self.counters = {
                "requests": counters.requests,
                "sent": counters.sent,
                "received": counters.received,
                "payload": counters.payload_sent + counters.payload_received,
            }

    # On the kernel's main thread

    def _on_browser(self, _: object, message: dict[str, Any], __: object) -> None:
        if "say" in message:
            self.say(str(message["say"]))
        elif "typing" in message:
            kind = "TYPING_START" if message["typing"] else "TYPING_STOP"
            self.client.send_soon({"type": kind}, lambda *_: None)
        elif message.get("connection") == "cut":
            self.cut()
        elif message.get("connection") == "restore":
            self.restore()
