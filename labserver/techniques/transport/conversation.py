"""A client's side of a connection that carries events both ways, and answers among them.

The server answers on the same connection on which it sends everything else, so a client sorts
what comes in: an ACK or ERROR with the id of something it sent is the answer to that, and
everything else is passed on, with the cursor to resume from. Each connection has its own
`Conversation`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from labserver.chat import events
from labserver.chat.events import Event, decode_event
from labserver.techniques.transport.interface import ConnectionLost, Counters, Received


class Conversation:
    """What is received and sent over one connection.

    Args:
        counters: the client's.
        cursor: the cursor it resumes from; None to begin with what comes from now on.
    """

    def __init__(self, counters: Counters, cursor: str | None) -> None:
        self._counters = counters
        self._resumes = cursor is not None
        self._epoch = ""
        self._answers: dict[str, asyncio.Future[Event]] = {}

    def receive(self, raw: bytes | str) -> Received | None:
        """Take one message that came in.

        Returns:
            What was received; None if it was an answer, which `send` returns.

        Raises:
            msgspec.DecodeError: if it is not an event.
        """
        utf8 = raw.encode() if isinstance(raw, str) else raw
        event = decode_event(utf8)
        self._counters.payload_received += len(utf8)
        if event.type == "HELLO":
            self._epoch = str(event.data["cursor"]).partition("-")[0]
            # When resuming, our own cursor is the true one until a RESET has been received.
            return Received(None if self._resumes else event.data["cursor"])
        if event.type == "RESET":
            return Received(f"{event.data['epoch']}-{event.data['newest']}", event)
        if self._is_answer(event):
            return None
        return Received(f"{self._epoch}-{event.offset}" if event.offset else None, event)

    async def send(
        self, raw: bytes, message_id: str | None, write: Callable[[bytes], Awaitable[None]]
    ) -> Event | None:
        """Send one event and, if it has an id, wait for its answer.

        Args:
            raw: the event as JSON.
            message_id: its id; None if no answer is to be waited for.
            write: sends one message over the connection.

        Raises:
            ConnectionLost: if it is not known whether the event has arrived.
        """
        answer = None
        if message_id is not None:
            answer = self._answers[message_id] = asyncio.get_running_loop().create_future()
        try:
            await write(raw)
            self._counters.sent += 1
            self._counters.payload_sent += len(raw)
            return None if answer is None else await answer
        finally:
            self._answers.pop(message_id or "", None)

    def end(self) -> None:
        """Tell everyone who waits for an answer that the connection is gone."""
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(ConnectionLost("the connection closed before the answer"))
        self._answers.clear()

    def _is_answer(self, event: Event) -> bool:
        if event.type not in ("ACK", "ERROR"):
            return False
        answer = self._answers.pop(event.data.get("id", ""), None)
        if answer is None or answer.done():
            return False
        answer.set_result(event)
        return True


def receipt(received: Received) -> bytes | None:
    """Return the ACK to send once `received` has been taken; None unless it is a direct message."""
    event = received.event
    if event is None or not event.offset or "recipientId" not in event.data:
        return None
    return events.envelope(Event("ACK", {"offset": event.offset})).json
