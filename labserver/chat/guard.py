"""The guard: who may take part, checked before anything else is done.

First the name that the server is called by (hosts.py) and the page that asks (origins.py), then
the user, by a token (tokens.py) or by a ticket that stands for one (tickets.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from labserver.chat.hosts import Hosts
from labserver.chat.origins import Origins
from labserver.chat.tickets import Tickets
from labserver.chat.tokens import Tokens, unauthorized
from labserver.errors import Refused


@dataclass(frozen=True, slots=True)
class Guard:
    """Everything that is checked before a request is served."""

    tokens: Tokens
    tickets: Tickets
    origins: Origins
    hosts: Hosts

    def check_browser(self, host: str | None, origin: str | None, secure: bool = False) -> None:
        """Refuse a foreign name for this server, and a foreign page.

        Args:
            host: the Host header.
            origin: the Origin header; None for a client that is not a browser, or for a GET of a
                page of our own.
            secure: whether the request came over TLS.

        Raises:
            Refused: 400 `no_host` (RFC 9112 §3.2), 421 `misdirected` or 403 `forbidden_origin`.
        """
        if host is None:
            raise Refused(400, "no_host", "Send a Host header: HTTP/1.1 requires one.")
        if not self.hosts.allows(host, secure):
            raise Refused(421, "misdirected", "This server does not answer to that Host.")
        if origin is not None and not self.origins.allows(origin, host, secure):
            raise Refused(
                403, "forbidden_origin", "Pages of this origin may not connect: allow the origin."
            )

    def identify(
        self, authorization: str | None, token: str | None = None, ticket: str | None = None
    ) -> str:
        """Return the user whom the Authorization header, the token or the ticket identifies.

        The first of them that is given counts.

        Args:
            authorization: the Authorization header.
            token: the query parameter.
            ticket: the query parameter.

        Raises:
            Refused: 401; 400 `bad_name` for a name that no user may have.
        """
        if authorization is not None:
            scheme, _, token = authorization.partition(" ")
            if scheme.lower() != "bearer":
                raise unauthorized("missing_token", "Send Authorization: Bearer and a token.")
            return self.tokens.verify(token.strip())
        if token is not None:
            return self.tokens.verify(token)
        if ticket is not None:
            return self.tickets.redeem(ticket)
        raise unauthorized(
            "missing_token", "Send a token: Authorization: Bearer, or ?token=.", "invalid_request"
        )

    def admit(
        self,
        *,
        host: str | None,
        origin: str | None,
        authorization: str | None,
        token: str | None,
        ticket: str | None,
        secure: bool = False,
    ) -> str:
        """Check host and origin, then identify the user; a request that is refused uses no ticket.

        Raises:
            Refused: 400, 421, 403 or 401.
        """
        self.check_browser(host, origin, secure)
        return self.identify(authorization, token, ticket)

    def issue_ticket(self, authorization: str | None) -> str:
        """Return a ticket for the bearer of a token.

        Raises:
            Refused: 401.
        """
        return self.tickets.issue(self.identify(authorization))
