"""The chat window of a client that runs in the kernel, the same for every technique.

The window's state is a handful of traits, which the browser draws as text and never as HTML.
Events are taken in on the lab's loop and shown at most 20 times per second.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from functools import partial
from pathlib import Path
from typing import Any

import traitlets
from ipywidgets import Layout

from labserver.chat.events import Event
from labserver.errors import LabError
from labserver.runtime.client import Client
from labserver.techniques.reconnecting_client import State
from labserver.widgets.assets import es_module, stylesheet
from labserver.widgets.commands import Answer, read_typed
from labserver.widgets.transcript import Transcript
from labserver.widgets.window import Window

_HERE = Path(__file__).parent

COUNT_S = 0.5  # between two looks at requests that bring nothing, of which no event tells
UPDATE_S = 0.05  # Jupyter drops output beyond 1,000 messages or 1 MB per second
BYTES_PER_S = 100_000  # one window's share of that 1 MB


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
        self._since: tuple[str, float] = ("", 0.0)  # the connection's state, and when it began
        self.client = client
        layout = Layout(flex="1 1 280px", max_width="640px")  # side by side if there is room
        super().__init__(user=client.user, room=client.room, technique=technique, layout=layout)
        self.add_class(f"chat-{client.user}")
        self.on_msg(self._on_browser)
        self._show()
        client.follow(self._hear, self._schedule)
        client.background(self._count)

    def say(self, text: str) -> None:
        """Send a message, as if `text` had been typed and sent with Enter.

        What begins with a slash is a command: `/help` lists those there are. This method does
        not wait: the window shows the line as "sending…" until the server has answered, or as
        one that waits for the connection.
        """
        text = text.strip()
        if not text:
            return
        typed = read_typed(text)
        if isinstance(typed, Answer):
            self.client.soon(partial(self._answer, typed))
            return
        message_id = secrets.token_hex(8)
        data = {"content": typed.content, "id": message_id}
        if typed.to:
            data["recipientId"] = typed.to
        began = _now_ms()

        def show() -> None:
            self._transcript.saying(typed.content, message_id, typed.to, began)
            self._schedule()

        def answered(answer: Event | None, error: LabError | None) -> None:
            if error is not None:
                self._transcript.failed(message_id, str(error))
            elif answer is not None:
                self._transcript.answered(message_id, answer.data.get("status", ""), _now_ms())
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

    def _answer(self, answer: Answer) -> None:
        show = self._transcript.notice if answer.problem else self._transcript.hint
        show(answer.text)
        self._schedule()

    def _hear(self, event: Event) -> None:
        self._transcript.hear(event, _now_ms())
        self._schedule()

    async def _count(self) -> None:
        while self.client.core.state not in (State.REFUSED, State.CLOSED):
            await asyncio.sleep(COUNT_S)
            if self.client.counters.requests != self.counters["requests"]:
                self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            pace = sum(len(line.text) + 80 for line in self._transcript.lines) / BYTES_PER_S
            asyncio.get_running_loop().call_later(max(UPDATE_S, pace), self._show)

    def _show(self) -> None:
        self._scheduled = False
        core, counters = self.client.core, self.client.counters
        if core.state.value != self._since[0]:
            self._since = (core.state.value, _now_ms())
        with self.hold_sync():
            self.lines = self._transcript.shown()
            self.people = self._transcript.people()
            self.typing = list(self._transcript.typing)
            self.connection = {
                "state": core.state.value,
                "reason": core.reason,
                "retryIn": core.retry_in,
                "since": self._since[1],
            }
            self.counters = {
                "requests": counters.requests,
                "sent": self._transcript.sent,
                "received": self._transcript.received,
                "eventsUp": counters.sent,
                "eventsDown": counters.received,
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


def _now_ms() -> float:
    return 1000 * time.time()
