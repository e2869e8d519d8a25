"""The notebook's client: the reconnecting client on the lab's loop, with methods that block."""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from labserver.chat.events import Event
from labserver.errors import LabError, NotConnected
from labserver.runtime.loop import LabLoop
from labserver.techniques.reconnecting_client import SEND_TIMEOUT_S, ChatClient, chat_client
from labserver.techniques.transport.interface import Counters

OPEN_TIMEOUT_S = 10.0

Outgoing = str | Mapping[str, Any] | Event


class Client:
    """One user in one room, whatever the technique.

    Args:
        loop: the loop that it runs on.
        core: the client itself, whose methods may be called only on the loop's own thread.
        timeout: seconds to wait for the connection.

    Raises:
        Refused: if the server does not let the client in.
        NotConnected: if the server cannot be reached in time.
    """

    def __init__(self, loop: LabLoop, core: ChatClient, *, timeout: float = OPEN_TIMEOUT_S) -> None:
        self._loop = loop
        self.core = core
        self._held = loop.hold(chat_client(core))
        # A client that nothing refers to any more (its cell was run again) goes offline.
        weakref.finalize(self, self._held.ask_to_leave)
        try:
            if not loop.call(core.opened, timeout):
                reason = core.reason or "nothing comes back; does a proxy hold it up?"
                raise NotConnected(f"No connection within {timeout:g} s: {reason}")
        except BaseException:
            self.close()
            raise

    def send(self, message: Outgoing, *, timeout: float = SEND_TIMEOUT_S) -> Event | None:
        """Send a message or an event, and wait for the server's answer.

        Args:
            message: a text for the room, or an event such as
                `{"type": "CHAT_MESSAGE", "data": {"content": "hi", "recipientId": "bob"}}`.
            timeout: seconds to keep trying while there is no connection.

        Returns:
            The ACK; None if the event is one that is not answered.

        Raises:
            Refused: if the server answers with an ERROR.
            NotConnected: if there is no connection before the timeout.
        """
        return self._loop.call(partial(self.core.send, timeout=timeout), message)

    async def asend(self, message: Outgoing, *, timeout: float = SEND_TIMEOUT_S) -> Event | None:
        """Do what `send` does, for a cell that awaits."""
        return await self._loop.bridge(partial(self.core.send, timeout=timeout), message)

    def receive(self, timeout: float | None = 5.0, *, type: str | None = None) -> Event | None:
        """Wait for the next event.

        Args:
            timeout: seconds to wait; None to wait for ever.
            type: the type of event to wait for; others are discarded. None for any.

        Returns:
            The event; None after the timeout, or if the client is closed and has been read to
            its end.
        """
        return self._loop.call(self.core.receive, timeout, type)

    async def areceive(
        self, timeout: float | None = 5.0, *, type: str | None = None
    ) -> Event | None:
        """Do what `receive` does, for a cell that awaits."""
        return await self._loop.bridge(self.core.receive, timeout, type)

    async def __aiter__(self) -> AsyncIterator[Event]:
        while (event := await self.areceive(None)) is not None:
            yield event

    def follow(self, take: Callable[[Event], None], changed: Callable[[], None]) -> None:
        """Pass every event to a function from now on, instead of keeping it for `receive`.

        Args:
            take: called with each event, on the loop's thread.
            changed: called on the loop's thread whenever the connection's state changes.
        """

        core = self.core

        async def read() -> None:
            core.on_state = changed
            async for event in core:
                take(event)

        self._loop.spawn(read)

    def send_soon(
        self, message: Outgoing, then: Callable[[Event | None, LabError | None], None]
    ) -> None:
        """Send a message without waiting for the answer, however long it takes.

        Messages are sent in the order of the calls.

        Args:
            message: a text or an event, as for `send`.
            then: called on the loop's thread with the answer or the error.
        """

        core = self.core

        async def send() -> None:
            try:
                answer = await core.send(message, timeout=None)
            except LabError as error:
                then(None, error)
            else:
                then(answer, None)

        self._loop.spawn(send)

    def background(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run a coroutine function on the loop without waiting for it."""
        self._loop.spawn(work)

    def soon(self, function: Callable[[], None]) -> None:
        """Run a plain function on the loop's thread."""
        self._loop.soon(function)

    def cut(self) -> None:
        """Drop the connection as a cut cable would, and stay away until `restore`."""
        self._loop.soon(self.core.cut)

    def restore(self) -> None:
        """Connect again at once."""
        self._loop.soon(self.core.restore)

    def close(self) -> None:
        """Close the connection and end the client; closing twice does no harm."""
        self._held.leave(timeout=2)

    @property
    def user(self) -> str:
        """The user's name."""
        return self.core.user

    @property
    def room(self) -> str:
        """The room's name."""
        return self.core.room

    @property
    def cursor(self) -> str | None:
        """How far the client has read: `EPOCH-OFFSET`."""
        return self.core.cursor

    @property
    def state(self) -> str:
        """One of "connecting", "open", "waiting", "cut", "refused" and "closed"."""
        return self.core.state.value

    @property
    def counters(self) -> Counters:
        """How much has been sent and received so far."""
        return self.core.counters

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<client {self.user!r} in {self.room!r}: {self.state}>"
