"""Who may take part: tokens, one-use tickets, origins and hosts.

A browser sends its cookies and connects to loopback for any page that asks it to, so two
things are checked before the user is: that the page is one of ours (Origin), and that the
name under which it found us is (Host; a foreign name that resolves to 127.0.0.1 is DNS
rebinding). Who it is says a JWT, or a ticket that stands for one in a URL and works once.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

import jwt

from labserver.chat.names import check_name
from labserver.clock import Clock
from labserver.errors import LabError, Refused

ISSUER = AUDIENCE = "labserver"
ALGORITHM = "HS256"
SECRET_BYTES_MIN = 32  # RFC 7518 §3.2: as long as the hash
TOKEN_TTL_S = 3600.0
TICKET_TTL_S = 30.0  # from the page's fetch to its handshake; it may end up in an access log
TICKETS_MAX = 10_000
CLOCK_SKEW_S = 60.0  # of whoever issued the token

_DEFAULT_PORTS = {"http": 80, "https": 443}


def new_secret() -> str:
    """A secret that is long enough for HS256."""
    return secrets.token_urlsafe(48)


def unauthorized(code: str, message: str, error: str = "invalid_token") -> Refused:
    """A 401 with the challenge that RFC 6750 §3 asks for."""
    return Refused(401, code, message, headers={"WWW-Authenticate": f'Bearer error="{error}"'})


class Tokens:
    """Issues and verifies JWTs (RFC 7519), signed with HS256.

    Args:
        secret: at least 32 bytes.
        clock: the time.

    Raises:
        LabError: if the secret is too short.
    """

    def __init__(self, secret: str | bytes, clock: Clock) -> None:
        self._secret = secret.encode() if isinstance(secret, str) else secret
        if len(self._secret) < SECRET_BYTES_MIN:
            raise LabError(
                f"The secret has {len(self._secret)} bytes; HS256 needs {SECRET_BYTES_MIN}:"
                ' make one with python -c "import secrets; print(secrets.token_urlsafe(48))".'
            )
        self._clock = clock

    def issue(self, user: str, ttl_s: float = TOKEN_TTL_S) -> str:
        """A token for `user` that is valid for `ttl_s` seconds."""
        now = self._clock.time()
        claims = {
            "sub": check_name(user, "user"),
            "aud": AUDIENCE,
            "iss": ISSUER,
            "iat": int(now),
            "exp": int(now + ttl_s),
        }
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM)

    def verify(self, token: str) -> str:
        """The user whose token it is.

        Raises:
            Refused: 401 `bad_token` or `expired_token`; 400 `bad_name`.
        """
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],  # alg comes from the token: never let it choose
                audience=AUDIENCE,
                issuer=ISSUER,
                options={
                    "require": ["sub", "aud", "iss", "iat", "exp"],
                    # Checked below, against the clock that was passed in.
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
            issued, expires = float(claims["iat"]), float(claims["exp"])
            user = claims["sub"]
        except (jwt.InvalidTokenError, TypeError, ValueError, RecursionError):
            raise unauthorized("bad_token", "The token is not one of this server's.") from None
        now = self._clock.time()
        if not issued <= now + CLOCK_SKEW_S:
            raise unauthorized("bad_token", "The token was issued in the future.")
        if not now < expires:
            raise unauthorized("expired_token", "The token has expired: get a new one.")
        return check_name(user, "user")


class Tickets:
    """One-use stand-ins for a token, for the URL of a WebSocket.

    Args:
        clock: the time.
        ttl_s: seconds for which a ticket is valid.
        limit: how many may be open at once; the oldest goes first.
    """

    def __init__(self, clock: Clock, ttl_s: float = TICKET_TTL_S, limit: int = TICKETS_MAX) -> None:
        self._clock = clock
        self._ttl_s = ttl_s
        self._limit = limit
        self._open: dict[str, tuple[str, float]] = {}  # ticket → user, end; the oldest first

    def issue(self, user: str) -> str:
        """A ticket for `user`."""
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
        """The user whose ticket it is; it works once.

        Raises:
            Refused: 401 `bad_ticket`.
        """
        user, until = self._open.pop(ticket, ("", 0.0))
        if not user or self._clock.monotonic() >= until:
            raise unauthorized("bad_ticket", "The ticket was used, or has expired: get a new one.")
        return user


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port (RFC 6454 §4)."""

    scheme: str
    host: str
    port: int


def parse_origin(text: str) -> Origin | None:
    """Read the ASCII serialisation of an origin (RFC 6454 §6.2), strictly; None if it is none."""
    if not text.isascii() or any(char.isspace() or ord(char) < 32 for char in text):
        return None
    try:
        split = urlsplit(text)
        port = split.port
    except ValueError:
        return None
    host = split.hostname or ""
    if split.scheme not in _DEFAULT_PORTS or not host or host.endswith("."):
        return None
    # Nothing but scheme, host and port may stand in it: no path, no user, no lone colon.
    bare = f"[{host}]" if ":" in host else host
    if text.lower() not in (f"{split.scheme}://{bare}", f"{split.scheme}://{bare}:{port}"):
        return None
    return Origin(split.scheme, host, _DEFAULT_PORTS[split.scheme] if port is None else port)


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own loopback (RFC 6761 §6.3)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Origins:
    """Which pages may talk to this server.

    Args:
        patterns: origins such as `https://app.example.com`; `https://*.example.com` for every
            name below example.com, at any depth, but not itself; `*` for any page. None:
            pages from loopback. The server's own origin is allowed in any case.

    Raises:
        LabError: if a pattern is none of these.
    """

    def __init__(self, patterns: Iterable[str] | None = None) -> None:
        self._loopback = patterns is None
        self._any = False
        self._exact: set[Origin] = set()
        self._below: set[Origin] = set()
        for pattern in patterns or ():
            if pattern == "*":
                self._any = True
                continue
            below = "://*." in pattern
            origin = parse_origin(pattern.replace("://*.", "://", 1))
            if origin is None or "*" in origin.host:
                raise LabError(
                    f"{pattern!r} is no origin: write https://app.example.com,"
                    " https://*.example.com or *."
                )
            (self._below if below else self._exact).add(origin)

    def allows(self, origin: str, host: str | None) -> bool:
        """Whether a page of `origin` may talk to the server that it calls `host`."""
        parsed = parse_origin(origin)
        if parsed is None:
            return False  # "null" too: a sandboxed frame or a file
        if self._any or parsed in self._exact:
            return True
        if self._loopback and is_loopback(parsed.host):
            return True
        if host is not None and parse_origin(f"{parsed.scheme}://{host}") == parsed:
            return True
        labels = parsed.host.split(".")
        parents = (".".join(labels[i:]) for i in range(1, len(labels)))
        return all(labels) and any(
            Origin(parsed.scheme, parent, parsed.port) in self._below for parent in parents
        )


class Hosts:
    """Under which names this server may be addressed.

    Args:
        allowed: names or addresses, with any port or (`name:port`) with one; beside loopback.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._allowed = {host.lower() for host in allowed}

    def allows(self, host: str | None) -> bool:
        """Whether a Host header (RFC 9112 §3.2) is one of ours; a missing one is not."""
        origin = None if host is None else parse_origin(f"http://{host}")
        if origin is None or host is None:
            return False
        return is_loopback(origin.host) or not self._allowed.isdisjoint((origin.host, host.lower()))


@dataclass(frozen=True, slots=True)
class Guard:
    """All that is checked before anything else is done."""

    tokens: Tokens
    tickets: Tickets
    origins: Origins
    hosts: Hosts

    def check_browser(self, host: str | None, origin: str | None) -> None:
        """Refuse a foreign name for us, and a foreign page.

        Args:
            host: the Host header.
            origin: the Origin header; None: not a browser, or a page of our own by GET.

        Raises:
            Refused: 421 `misdirected` or 403 `forbidden_origin`.
        """
        if not self.hosts.allows(host):
            raise Refused(421, "misdirected", "This server does not answer under that Host.")
        if origin is not None and not self.origins.allows(origin, host):
            raise Refused(
                403, "forbidden_origin", "Pages of this origin may not connect: allow the origin."
            )

    def identify(
        self, authorization: str | None, token: str | None = None, ticket: str | None = None
    ) -> str:
        """The user, by the Authorization header, else by a token or ticket of the query.

        Raises:
            Refused: 401; 400 `bad_name` for a user that no room could hold.
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
    ) -> str:
        """Check host and origin, and then who it is; a ticket is not spent on a refusal.

        Raises:
            Refused: 421, 403 or 401.
        """
        self.check_browser(host, origin)
        return self.identify(authorization, token, ticket)

    def issue_ticket(self, authorization: str | None) -> str:
        """A ticket for the bearer of a token.

        Raises:
            Refused: 401.
        """
        return self.tickets.issue(self.identify(authorization))
