"""A user who sends messages at random moments, in the background, and remembers when."""

from __future__ import annotations

import asyncio
import random
import secrets
import time

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
        talking: whether there is more to come.
    """

    def __init__(
        self, client: Client, *, messages: int = 30, per_s: float = 2.0, seed: int = 2
    ) -> None:
        if messages < 1 or per_s <= 0:
            raise ValueError("messages must be at least 1, and per_s more than 0")
        self.sent: dict[str, float] = {}
        self.talking = True
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
            self.talking = False
