"""The client that reconnects: the same for every technique, on top of its connector.

After a connection is lost it connects again, with capped full-jitter backoff, and resumes from
its cursor. It drops what it receives twice. It sends a message until it is answered, always under
the same id, so that the server can tell a retry from a new message.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from enum import Enum
from typing import Any

from labserver.chat import events
from labserver.chat.events import Event
from labserver.clock import Clock, SystemClock
from labserver.errors import LabError, NotConnected, Refused
from labserver.techniques.transport.interface import ConnectionLost, Connector, Counters, Received

BACKOFF_BASE_S = 0.25
BACKOFF_CAP_S = 10.0  # more would make lessons slow; Socket.IO's cap is 5, Centrifugo's 20
STEADY_S = 5.0  # a connection that lasted this long was a good one: backoff starts again
INBOX_MAX = 10_000  # events that may wait for `receive`; beyond them the client stops reading
SEEN_MAX = 10_000  # messages that are remembered, to recognize duplicates
SEND_TIMEOUT_S = 10.0

log = logging.getLogger("labserver.client")


class State(Enum):
    """The states of a client's connection."""

    CONNECTING = "connecting"
    OPEN = "open"
    WAITING = "waiting"  # for the next attempt
    CUT = "cut"  # by hand; no attempt is made
    REFUSED = "refused"  # by the server; no further attempt is made
    CLOSED = "closed"


def backoff(attempt: int, rng: random.Random) -> float:
    """Return the seconds to wait before attempt number `attempt`, from 0: full jitter, capped.

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    return rng.uniform(0, min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2 ** min(attempt, 16)))


class ChatClient:
    """One user's client in one room; made by `chat_client`.

    Args:
        connector: connects it to a server.
        user: the user's name.
        room: the room's name.
        cursor: the cursor to resume after; None to begin with what comes from now on.
        rng: the random numbers for the jitter of the backoff.
        clock: the time.

    Attributes:
        state: the state of the connection.
        reason: why it is in that state, for a person; may be empty.
        retry_at: the monotonic time of the next attempt; None while none is waited for.
        on_state: called after each change of state.
    """

    def __init__(
        self,
        connector: Connector,
        *,
        user: str,
        room: str,
        cursor: str | None = None,
        rng: random.Random | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.user = user
        self.room = room
        self.cursor = cursor
        self.state = State.CONNECTING
        self.reason = ""
        self.retry_at: float | None = None
        self.on_state: Callable[[], None] = lambda: None
        self._connector = connector
        self._rng = rng or random.Random()
        self._clock = clock or SystemClock()
        self._inbox: asyncio.Queue[Event | None] = asyncio.Queue(INBOX_MAX)
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._is_open = asyncio.Event()
        self._may_connect = asyncio.Event()
        self._may_connect.set()
        self._closing = False
        self._sending = asyncio.Lock()
        self._refused: Refused | None = None
        self._connection: asyncio.Task[None] | None = None

    @property
    def retry_in(self) -> float | None:
        """Seconds until the next attempt; None while none is waited for."""
        return None if self.retry_at is None else max(0.0, self.retry_at - self._clock.monotonic())

    @property
    def counters(self) -> Counters:
        """What has been sent and received so far."""
        return self._connector.counters

    async def opened(self, timeout: float) -> bool:
        """Return whether the connection is open within `timeout` seconds.

        Raises:
            Refused: if the server does not accept this client.
        """
        try:
            async with asyncio.timeout(timeout):
                await self._is_open.wait()
        except TimeoutError:
            return False
        if (refused := self._refused) is not None:
            raise Refused(refused.status, refused.code, refused.message)
        return True

    # Reading

    async def receive(self, timeout: float | None = None, type: str | None = None) -> Event | None:
        """Return the next event.

        Args:
            timeout: seconds to wait; None to wait for ever.
            type: the type to wait for; events of other types are discarded.

        Returns:
            The event; None after the timeout, or once the client is closed and all was read.
        """
        try:
            async with asyncio.timeout(timeout):
                while (event := await self._next()) is not None:
                    if type is None or event.type == type:
                        return event
        except TimeoutError:
            pass
        return None

    async def __aiter__(self) -> AsyncIterator[Event]:
        while (event := await self._next()) is not None:
            yield event

    async def _next(self) -> Event | None:
        event = await self._inbox.get()
        if event is None:
            self._inbox.put_nowait(None)  # for the next reader
        return event

    # Sending

    async def send(
        self, message: str | Mapping[str, Any] | Event, *, timeout: float | None = SEND_TIMEOUT_S
    ) -> Event | None:
        """Send a message or an event, and wait for the server's answer.

        Args:
            message: a text for the room, or an event, such as
                `{"type": "CHAT_MESSAGE", "data": {"content": "hi", "recipientId": "bob"}}`.
            timeout: seconds to keep trying while there is no connection; None for ever.

        Returns:
            The ACK; None for an event that has no answer (typing over a WebSocket).

        Raises:
            Refused: if the server answered with an ERROR.
            NotConnected: after the timeout; it is then not known whether the message arrived.
        """
        raw, message_id = _encode(message)
        try:
            async with asyncio.timeout(timeout), self._sending:
                return await self._send(raw, message_id)
        except TimeoutError:
            raise NotConnected(
                f"No answer for {timeout:g} s ({self.state.value}: {self.reason or 'no reason'});"
                " send it again with the same id to be sure."
            ) from None

    async def _send(self, raw: bytes, message_id: str | None) -> Event | None:
        while True:
            await self._is_open.wait()
            if (refused := self._refused) is not None:
                # A new one: an exception that is raised again keeps every frame it has passed.
                raise Refused(refused.status, refused.code, refused.message)
            if self._closing:
                raise NotConnected("The client is closed: make a new one with server.client().")
            try:
                answer = await self._connector.post(raw, message_id)
            except ConnectionLost as lost:
                # The listener notices too, but perhaps only after we have tried again.
                log.debug("%s: sending again: %s", self.user, lost)
                await asyncio.sleep(backoff(0, self._rng))
                continue
            if answer is None or answer.type != "ERROR":
                return answer
            if answer.data["code"] != "rate_limited":
                raise Refused(400, answer.data["code"], answer.data["message"])
            await asyncio.sleep(answer.data.get("retryAfter", 1.0))

    # The life of the connection

    def cut(self) -> None:
        """Drop the connection as a cut cable would, and stay away until `restore`."""
        self._may_connect.clear()
        if self._connection is not None:
            self._connection.cancel()

    def restore(self) -> None:
        """Connect again, now."""
        self._may_connect.set()
        if self.state is State.WAITING and self._connection is not None:
            self._connection.cancel()

    async def close(self) -> None:
        """Close the connection and end; what was received can still be read."""
        if self._closing:
            return
        self._closing = True
        await self._connector.close()
        self._may_connect.set()
        if self._connection is not None:
            self._connection.cancel()

    async def run(self) -> None:
        """Stay connected until the client is closed or refused."""
        attempt = 0
        try:
            async with asyncio.TaskGroup() as tasks:
                while not (self._closing or self._refused):
                    if not self._may_connect.is_set():
                        self._enter(State.CUT, "cut by hand")
                        await self._may_connect.wait()
                        attempt = 0
                        continue
                    began = self._clock.monotonic()
                    self._connection = tasks.create_task(self._connect(attempt))
                    await asyncio.wait([self._connection])
                    if self._clock.monotonic() - began > STEADY_S:
                        attempt = 0
                    attempt += 1
        finally:
            self._enter(
                State.REFUSED if self._refused else State.CLOSED,
                str(self._refused) if self._refused else "",
            )
            self._closing = True
            self._is_open.set()  # wakes those who wait to send
            self._end_inbox()

    async def _connect(self, attempt: int) -> None:
        """Run one connection, and the pause after it; cancelled to end either early."""
        self._enter(State.CONNECTING)
        try:
            async with aclosing(self._connector.listen(self.cursor)) as items:
                async for item in items:
                    if self.state is not State.OPEN:
                        self._enter(State.OPEN)
                    await self._take(item)
        except Refused as refused:
            self._refused = refused
        except ConnectionLost as lost:
            if not self._closing:
                await self._pause(attempt, str(lost))
        finally:
            self._is_open.clear()

    async def _pause(self, attempt: int, reason: str) -> None:
        delay = backoff(attempt, self._rng)
        self._is_open.clear()
        self.retry_at = self._clock.monotonic() + delay
        self._enter(State.WAITING, reason)
        await asyncio.sleep(delay)

    async def _take(self, item: Received) -> None:
        event = item.event
        if event is not None:
            self.counters.received += 1
            if event.type == "RESET" or not self._is_duplicate(event):
                await self._inbox.put(event)
        # Only now: if the connection is cut while the inbox is full, the event is sent again.
        if item.cursor is not None:
            self.cursor = item.cursor

    def _is_duplicate(self, event: Event) -> bool:
        if event.offset is None or "id" not in event.data:
            return False
        key = (event.data.get("senderId", ""), event.data["id"])
        if key in self._seen:
            return True
        self._seen[key] = None
        if len(self._seen) > SEEN_MAX:
            self._seen.popitem(last=False)
        return False

    def _enter(self, state: State, reason: str = "") -> None:
        self.state = state
        self.reason = reason
        if state is State.OPEN:
            self._is_open.set()
        if state is not State.WAITING:
            self.retry_at = None
        self.on_state()

    def _end_inbox(self) -> None:
        if self._inbox.full():
            # Nobody is reading, and the end matters more than one event.
            self._inbox.get_nowait()
        self._inbox.put_nowait(None)


def _encode(message: str | Mapping[str, Any] | Event) -> tuple[bytes, str | None]:
    if isinstance(message, str):
        event = Event("CHAT_MESSAGE", {"content": message})
    elif isinstance(message, Event):
        event = message
    elif isinstance(message.get("type"), str):
        event = Event(message["type"], dict(message.get("data") or {}))
    else:
        raise LabError('Send a text, or an event such as {"type": "TYPING_START"}.')
    if event.type != "CHAT_MESSAGE":
        return events.envelope(Event(event.type, event.data)).json, None
    data = {"id": secrets.token_hex(8), **event.data}
    return events.envelope(Event(event.type, data)).json, str(data["id"])


@asynccontextmanager
async def chat_client(client: ChatClient) -> AsyncIterator[ChatClient]:
    """Keep `client` connected for the duration of a block."""
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(client.run())
        try:
            yield client
        finally:
            await client.close()
            await asyncio.wait([running])
