"""A network as a function: when something arrives follows from when it was sent and from its size.

A `Link` is a description; a `OneWayPath` is one direction of one connection over it. TCP keeps
the order, so a piece never arrives before one that was sent earlier.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, fields

from labserver.errors import LabError


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A description of a network between client and server.

    Args:
        rtt_ms: the round-trip time in milliseconds; half of it each way.
        jitter_ms: the delay of each piece varies by up to this, above and below the mean.
        kbit_s: the bandwidth each way, in thousands of bits per second; None: unlimited.
        chop: pieces are cut to at most this many bytes; None: they are not cut.
        strip_upgrade: a proxy that removes `Upgrade` from requests, as it is hop-by-hop
            (RFC 9110 §7.6.1) and unknown to it.
        buffer_responses: a proxy that passes a response on only once it is complete.
        cut_after: each connection is cut (RST) after this many bytes from the server; None:
            never.
        idle_timeout_s: a proxy that closes a connection after this many seconds of silence.
        connections_max: more connections than this have to wait, as in a browser's pool or
            at a proxy's limit.
        seed: for the jitter; the same seed gives the same delays.
        source: where the figures come from.

    Raises:
        LabError: if a value is impossible.
    """

    rtt_ms: float = 0.0
    jitter_ms: float = 0.0
    kbit_s: float | None = None
    chop: int | None = None
    strip_upgrade: bool = False
    buffer_responses: bool = False
    cut_after: int | None = None
    idle_timeout_s: float | None = None
    connections_max: int | None = None
    seed: int = 1
    source: str = ""

    def __post_init__(self) -> None:
        for name in ("rtt_ms", "jitter_ms"):
            if not 0 <= getattr(self, name) < 600_000:
                raise LabError(f"Link({name}=…) must be in milliseconds, 0 or more.")
        for name in ("kbit_s", "chop", "cut_after", "idle_timeout_s", "connections_max"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise LabError(f"Link({name}=…) must be more than 0; leave it out for no limit.")
        if self.jitter_ms > self.rtt_ms / 2:
            raise LabError("Link(jitter_ms=…) is at most half of rtt_ms: no delay is negative.")

    @property
    def delays(self) -> bool:
        """Whether anything arrives later than it was sent."""
        return bool(self.rtt_ms or self.jitter_ms or self.kbit_s)

    def __str__(self) -> str:
        given = (
            f"{field.name}={getattr(self, field.name)}"
            for field in fields(self)
            if field.name not in ("seed", "source") and getattr(self, field.name) != field.default
        )
        return f"Link({', '.join(given)})"


class OneWayPath:
    """One direction of one connection.

    Args:
        link: the link that it leads over.
        rng: for the jitter.
    """

    def __init__(self, link: Link, rng: random.Random) -> None:
        self._link = link
        self._rng = rng
        self._free_at = 0.0  # when the last bit so far has left
        self._last = 0.0  # when the last piece so far arrives

    def arrival(self, now: float, size: int) -> float:
        """Return when a piece arrives, in seconds.

        Args:
            now: when it is sent, in seconds on the same clock.
            size: its size in bytes.
        """
        link = self._link
        left = max(now, self._free_at)
        if link.kbit_s is not None:
            left += size * 8 / (link.kbit_s * 1000)
        self._free_at = left
        delay = link.rtt_ms / 2
        if link.jitter_ms:
            delay += self._rng.uniform(-link.jitter_ms, link.jitter_ms)
        self._last = max(self._last, left + delay / 1000)
        return self._last

    def cut(self, data: bytes) -> Iterator[bytes]:
        """Yield `data` in the pieces into which the link cuts it."""
        step = self._link.chop or len(data)
        for start in range(0, len(data), step):
            yield data[start : start + step]
