"""A user who sends messages at random moments, in the background, and remembers when."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from contextlib import ExitStack

from labserver.measure.progress_bar import Move, progress_bar
from labserver.runtime.client import Client


class Chatter:
    """Sends messages as a Poisson process, as independent people would.

    Args:
        client: the client that sends; it stays open afterwards.
        messages: how many messages it sends.
        per_s: how many per second, on average.
        seed: the same seed gives the same pauses.

    Attributes:
        sent: when each message was sent, by its id, on the clock of `time.perf_counter()`.
    """

    def __init__(
        self, client: Client, *, messages: int = 30, per_s: float = 2.0, seed: int = 2
    ) -> None:
        if messages < 1 or per_s <= 0:
            raise ValueError("messages must be at least 1, and per_s more than 0")
        self.sent: dict[str, float] = {}
        self._has_ended = False
        self._bar = ExitStack()
        self._move: Move | None = None
        self._rng = random.Random(seed)
        self._messages = messages
        self._per_s = per_s
        self._client = client
        client.background(self._talk)

    async def _talk(self) -> None:
        try:
            for number in range(1, self._messages + 1):
                await asyncio.sleep(self._rng.expovariate(self._per_s))
                message_id = secrets.token_hex(8)
                self.sent[message_id] = time.perf_counter()
                data = {"content": f"message {number}", "id": message_id}
                await self._client.asend({"type": "CHAT_MESSAGE", "data": data})
        finally:
            self._has_ended = True

    @property
    def talking(self) -> bool:
        """Whether there is more to come; in a notebook a bar shows how much was said by now."""
        if self._has_ended:
            self._bar.close()
            return False
        if self._move is None:
            self._move = self._bar.enter_context(progress_bar(terminal=False))
        self._move("messages sent", len(self.sent), self._messages)
        return True
