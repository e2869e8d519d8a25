"""Bus and mailbox over a Redis server (6.2 or newer), shared by servers on many machines.

    connection.py  the way to Redis: its address, and what an outage is answered with
    logs.py        the room logs: streams in Redis, and their mirrors here
    roster.py      who is on which server: the bookkeeping, without Redis
    bus.py         RedisBus: the above, put together, and the tasks that keep it going
    mailbox.py     RedisMailbox: direct messages until they are acknowledged

Redis must not evict keys (`maxmemory-policy noeviction`, its default), and with
`appendonly yes` it keeps the conversation over its own restart.
"""

from labserver.backends.redis.bus import RedisBus, redis_bus
from labserver.backends.redis.mailbox import RedisMailbox

__all__ = ["RedisBus", "RedisMailbox", "redis_bus"]
