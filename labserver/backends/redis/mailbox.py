"""The mailbox in Redis: one for all servers, as durable as Redis is configured to be.

With `appendonly yes` and `appendfsync always`, a letter that was kept is on the disk. With
`everysec`, the default, a crash of Redis's machine may lose the last second; without
`appendonly`, whatever came after the last snapshot. The servers themselves may die at any time.

The letters of a user are a hash, number → letter. Another key says what (sender, id) has become.
It remains for a day after the letter was acknowledged, so that a late retry by the sender is
recognized as a duplicate.
"""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Sequence
from typing import Any

import msgspec

from labserver.backends.redis.connection import PREFIX, Client, connect, insist, unavailable
from labserver.chat.interfaces import Kept, Letter

TOMBSTONE_S = 24 * 3600

# KEYS: what (sender, id) has become, counts, letters. ARGV: recipient, nonce, letter.
# A letter that is found with the same nonce was kept by the first attempt of a repeated call.
_KEEP = """
local found = redis.call('GET', KEYS[1])
if found then
  local number, nonce = found:match('^(%d+) (%x+)$')
  return {tonumber(number), nonce == ARGV[2] and 1 or 0}
end
local number = redis.call('HINCRBY', KEYS[2], ARGV[1], 1)
redis.call('HSET', KEYS[3], number, ARGV[3])
redis.call('SET', KEYS[1], number .. ' ' .. ARGV[2])
return {number, 1}
"""

_encoder = msgspec.json.Encoder()
_letter = msgspec.json.Decoder(Letter)


class RedisMailbox:
    """Direct messages in Redis, shared by all servers.

    Args:
        redis: the address, or a client whose answers are bytes; such a client stays open.
        prefix: what the names of its keys begin with.

    Raises:
        LabError: if the address is not that of a Redis.
    """

    def __init__(self, redis: str | Client, prefix: str = PREFIX) -> None:
        self._client = connect(redis) if isinstance(redis, str) else redis
        self._owned = isinstance(redis, str)
        self._closed = False
        self._prefix = f"{prefix}:mail"
        self._keep = self._client.register_script(_KEEP)

    async def keep(self, letter: Letter) -> Kept:
        """Store `letter`; if (sender, id) is known already, the result is not fresh.

        Raises:
            Refused: `store_unavailable` (503); the letter may have been kept all the same.
        """
        self._check_open()
        nonce = secrets.token_hex(8)

        async def keep() -> Kept:
            number, fresh = await self._keep(
                [
                    self._known(letter),
                    f"{self._prefix}:numbers",
                    self._letters(letter.recipient),
                ],
                [letter.recipient, nonce, _encoder.encode(letter)],
            )
            return Kept(number, fresh=bool(fresh))

        return await insist(keep)

    async def pending(self, recipient: str) -> Sequence[Letter]:
        """Return what `recipient` has not acknowledged, in the order in which it was kept.

        Raises:
            Refused: `store_unavailable` (503).
        """
        self._check_open()

        async def pending() -> list[Letter]:
            found: Any = await self._client.hgetall(self._letters(recipient))
            return [
                dataclasses.replace(_letter.decode(found[number]), number=int(number))
                for number in sorted(found, key=int)
            ]

        return await insist(pending)

    async def drop(self, recipient: str, numbers: Sequence[int]) -> None:
        """Remove the letters with these numbers, which were acknowledged.

        Raises:
            Refused: `store_unavailable` (503).
        """
        self._check_open()
        if not numbers:
            return
        letters = self._letters(recipient)

        async def drop() -> None:
            found: Any = await self._client.hmget(letters, [str(number) for number in numbers])
            async with self._client.pipeline(transaction=True) as pipe:
                pipe.hdel(letters, *(str(number) for number in numbers))
                for raw in found:
                    if raw is not None:
                        pipe.expire(self._known(_letter.decode(raw)), TOMBSTONE_S)
                await pipe.execute()

        await insist(drop)

    async def aclose(self) -> None:
        """Close the connections, if they are its own."""
        self._closed = True
        if self._owned:
            await self._client.aclose()

    def _check_open(self) -> None:
        if self._closed:  # redis-py would connect again
            raise unavailable()

    def _letters(self, recipient: str) -> str:
        return f"{self._prefix}:of:{recipient}"

    def _known(self, letter: Letter) -> str:
        return f"{self._prefix}:id:{letter.sender}/{letter.id}"
