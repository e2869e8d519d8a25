"""Bus and mailbox over a Redis server (6.2 or newer), shared by servers on many machines.

    connection.py  connecting to Redis, and what happens while it cannot be reached
    logs.py        the room logs: streams in Redis, and their mirrors in this process
    roster.py      which users are on which server: the bookkeeping, without Redis
    bus.py         RedisBus: all of the above, and the tasks that keep it going
    mailbox.py     RedisMailbox: direct messages until they are acknowledged

Redis must not evict keys (`maxmemory-policy noeviction`, its default). With `appendonly yes` the
conversation outlives a restart of Redis.
"""

from labserver.backends.redis.bus import RedisBus, redis_bus
from labserver.backends.redis.mailbox import RedisMailbox

__all__ = ["RedisBus", "RedisMailbox", "redis_bus"]
