"""Tickets: one-use stand-ins for a token, for the URL of a WebSocket.

A browser cannot send a header with a WebSocket handshake, and a URL ends up in access logs. So a
page asks for a ticket with its token, and the ticket in the URL is worthless once it is used.
"""

from __future__ import annotations

import secrets

from labserver.chat.tokens import unauthorized
from labserver.clock import Clock

TICKET_TTL_S = 30.0  # enough to get from the page's request to its handshake
TICKETS_MAX = 10_000


class Tickets:
    """Issues tickets and redeems them, each once.

    Args:
        clock: the time.
        ttl_s: seconds for which a ticket is valid.
        limit: how many may be unused at a time; beyond it the oldest is dropped.
    """

    def __init__(self, clock: Clock, ttl_s: float = TICKET_TTL_S, limit: int = TICKETS_MAX) -> None:
        self._clock = clock
        self._ttl_s = ttl_s
        self._limit = limit
        self._open: dict[str, tuple[str, float]] = {}  # ticket → user, expiry; oldest first

    def issue(self, user: str) -> str:
        """Return a ticket for `user`."""
        now = self._clock.monotonic()
        while self._open:
            oldest = next(iter(self._open))
            if len(self._open) < self._limit and self._open[oldest][1] > now:
                break
            del self._open[oldest]
        ticket = secrets.token_urlsafe(24)
        self._open[ticket] = (user, now + self._ttl_s)
        return ticket

    def redeem(self, ticket: str) -> str:
        """Return the user whose ticket it is; this works once.

        Raises:
            Refused: 401 `bad_ticket`.
        """
        user, until = self._open.pop(ticket, ("", 0.0))
        if not user or self._clock.monotonic() >= until:
            raise unauthorized("bad_ticket", "The ticket was used, or has expired; get a new one.")
        return user
