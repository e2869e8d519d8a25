"""The notebook's client: the resilient client on the lab's loop, with a blocking face."""

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

Message = str | Mapping[str, Any] | Event


class Client:
    """One user in one room, whatever the technique.

    Args:
        loop: where it runs.
        core: the client itself; its methods are for the loop's own thread.
        timeout: seconds to wait until it is connected.
    """

    def __init__(self, loop: LabLoop, core: ChatClient, *, timeout: float = OPEN_TIMEOUT_S) -> None:
        self._loop = loop
        self.core = core
        self._held = loop.hold(chat_client(core))
        # A client that nobody holds any more (its cell was run again) goes offline.
        weakref.finalize(self, self._held.ask_to_leave)
        try:
            if not loop.call(core.opened, timeout):
                reason = core.reason or "nothing comes back; is there a proxy that holds it up?"
                raise NotConnected(f"No connection within {timeout:g} s: {reason}")
        except BaseException:
            self.close()
            raise

    def send(self, message: Message, *, timeout: float = SEND_TIMEOUT_S) -> Event | None:
        """Send a message or an event, and wait for the server's answer.

        Args:
            message: a text for the room, or an event such as
                `{"type": "CHAT_MESSAGE", "data": {"content": "hi", "recipientId": "bob"}}`.
            timeout: seconds to go on trying while there is no connection.

        Returns:
            The ACK; None for an event that has no answer.

        Raises:
            Refused: if the server answered with an ERROR.
            NotConnected: at the timeout.
        """
        return self._loop.call(partial(self.core.send, timeout=timeout), message)

    async def asend(self, message: Message, *, timeout: float = SEND_TIMEOUT_S) -> Event | None:
        """`send` for a cell that awaits."""
        return await self._loop.bridge(partial(self.core.send, timeout=timeout), message)

    def receive(self, timeout: float | None = 5.0, *, type: str | None = None) -> Event | None:
        """The next event.

        Args:
            timeout: seconds to wait; None: for ever.
            type: pass over events of other types.

        Returns:
            The event; None at the timeout, or once the client is closed and all was read.
        """
        return self._loop.call(self.core.receive, timeout, type)

    async def areceive(
        self, timeout: float | None = 5.0, *, type: str | None = None
    ) -> Event | None:
        """`receive` for a cell that awaits."""
        return await self._loop.bridge(self.core.receive, timeout, type)

    async def __aiter__(self) -> AsyncIterator[Event]:
        while (event := await self.areceive(None)) is not None:
            yield event

    def follow(self, take: Callable[[Event], None], changed: Callable[[], None]) -> None:
        """Hand every event from now on to `take` instead of `receive`.

        Args:
            take: called with each event, on the loop's thread.
            changed: called there whenever the connection's state changes.
        """

        core = self.core

        async def read() -> None:
            core.on_state = changed
            async for event in core:
                take(event)

        self._loop.spawn(read)

    def send_soon(
        self, message: Message, then: Callable[[Event | None, LabError | None], None]
    ) -> None:
        """Send without waiting, for as long as it takes; `then` gets the answer or the error.

        Messages are sent in the order of the calls. `then` is called on the loop's thread.
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
        """Run a coroutine function on the loop, without waiting for it."""
        self._loop.spawn(work)

    def soon(self, function: Callable[[], None]) -> None:
        """Run a plain function on the loop's thread."""
        self._loop.soon(function)

    def cut(self) -> None:
        """Drop the connection as a cut cable would, and stay away until `restore`."""
        self._loop.soon(self.core.cut)

    def restore(self) -> None:
        """Connect again, now."""
        self._loop.soon(self.core.restore)

    def close(self) -> None:
        """Say good-bye and end; closing twice does no harm."""
        self._held.leave(timeout=2)

    @property
    def user(self) -> str:
        """Whose client it is."""
        return self.core.user

    @property
    def room(self) -> str:
        """Where it is."""
        return self.core.room

    @property
    def cursor(self) -> str | None:
        """How far it has read: `EPOCH-OFFSET`."""
        return self.core.cursor

    @property
    def state(self) -> str:
        """connecting, open, waiting, cut, refused or closed."""
        return self.core.state.value

    @property
    def counters(self) -> Counters:
        """What was sent and received so far."""
        return self.core.counters

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<client {self.user!r} in {self.room!r}: {self.state}>"
