"""Who may take part: tokens, one-use tickets, origins and hosts.

A browser sends its cookies and connects to loopback for any page that asks it to, so two
things are checked before the user is: that the page is one of ours (Origin), and that the
name under which it found us is (Host; a foreign name that resolves to 127.0.0.1 is DNS
rebinding). Who it is says a JWT, or a ticket that stands for one in a URL and works once.
"""

from __future__ import annotations

import ipaddress
import math
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

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
VERIFIED_MAX = 10_000  # tokens that are not looked into anew; a poller brings its own each time
CLOCK_SKEW_S = 60.0  # of whoever issued the token
MAKE_A_SECRET = 'make one with python -c "import secrets; print(secrets.token_urlsafe(48))".'

PORT_MAX = 65535

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LABEL = r"[a-z0-9_-]{1,63}"  # RFC 1035 §2.3.4; browsers send the xn-- form of other alphabets
_ORIGIN = re.compile(
    rf"(?P<scheme>https?)://(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<host>{_LABEL}(?:\.{_LABEL})*))"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
)


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
        LabError: if the secret is too short, no text, or a public key.
    """

    def __init__(self, secret: str | bytes, clock: Clock) -> None:
        try:
            self._secret = secret.encode() if isinstance(secret, str) else secret
        except UnicodeEncodeError:
            raise LabError(f"The secret is not UTF-8: {MAKE_A_SECRET}") from None
        if len(self._secret) < SECRET_BYTES_MIN:
            raise LabError(
                f"The secret has {len(self._secret)} bytes; HS256 needs {SECRET_BYTES_MIN}:"
                f" {MAKE_A_SECRET}"
            )
        try:
            jwt.encode({}, self._secret, algorithm=ALGORITHM)
        except jwt.InvalidKeyError:  # what is public cannot be a secret
            raise LabError(f"The secret is a key file's text: {MAKE_A_SECRET}") from None
        self._clock = clock
        # Token → user, when it begins, when it expires; the oldest first. Signed ones only.
        self._verified: dict[str, tuple[str, float, float]] = {}

    def issue(self, user: str, ttl_s: float = TOKEN_TTL_S) -> str:
        """A token for `user` that is valid for `ttl_s` seconds.

        Raises:
            Refused: `bad_name` (400).
            LabError: if `ttl_s` is no finite number.
        """
        if not math.isfinite(ttl_s):
            raise LabError(f"A token must end: give ttl_s in seconds, not {ttl_s}.")
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
        known = self._verified.get(token)
        if known is None:
            known = self._verified[token] = self._claims(token)
            if len(self._verified) > VERIFIED_MAX:
                del self._verified[next(iter(self._verified))]
        user, begins, expires = known
        now = self._clock.time()
        if begins > now + CLOCK_SKEW_S:
            raise unauthorized("bad_token", "The token begins in the future.")
        if now >= expires:
            raise unauthorized("expired_token", "The token has expired: get a new one.")
        return user

    def _claims(self, token: str) -> tuple[str, float, float]:
        """The user, when the token begins, and when it expires."""
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],  # alg comes from the token: never let it choose
                audience=AUDIENCE,
                issuer=ISSUER,
                options={
                    "require": ["sub", "aud", "iss", "iat", "exp"],
                    # Checked each time, against the clock that was passed in.
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
            issued, expires = _seconds(claims["iat"]), _seconds(claims["exp"])
            begins = max(issued, _seconds(claims.get("nbf", issued)))
        except (jwt.InvalidTokenError, TypeError, ValueError, OverflowError, RecursionError):
            raise unauthorized("bad_token", "The token is not one of this server's.") from None
        return check_name(claims["sub"], "user"), begins, expires


def _seconds(claim: object) -> float:
    """A NumericDate (RFC 7519 §2)."""
    if isinstance(claim, bool) or not isinstance(claim, int | float) or not math.isfinite(claim):
        raise TypeError
    return float(claim)


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
    # isascii first: lower() makes a k of the Kelvin sign.
    found = _ORIGIN.fullmatch(text.lower()) if text.isascii() else None
    if found is None:
        return None
    scheme, host = found["scheme"], found["host"]
    port = int(found["port"] or _DEFAULT_PORTS[scheme])
    if host is None:
        try:
            host = ipaddress.IPv6Address(found["v6"]).compressed
        except ValueError:
            return None
    return Origin(scheme, host, port) if port <= PORT_MAX else None


def is_address(host: str) -> bool:
    """Whether a host is an IP address, not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


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
            name below example.com, at any depth, but not itself; `*` for any page. Scheme and
            port count; a port left out is 80 or 443. None: pages from loopback. The server's
            own origin is allowed in any case, `null` (a sandboxed frame, a file) in none.

    Raises:
        LabError: if a pattern is none of these.
    """

    def __init__(self, patterns: Iterable[str] | None = None) -> None:
        self._loopback = patterns is None
        self._any = False
        self._exact: set[Origin] = set()
        self._below: set[Origin] = set()
        for pattern in [patterns] if isinstance(patterns, str) else patterns or ():
            if pattern == "*":
                self._any = True
                continue
            below = "://*." in pattern
            origin = parse_origin(pattern.replace("://*.", "://", 1))
            if origin is None or (below and is_address(origin.host)):
                raise LabError(
                    f"{pattern!r} is no origin: write https://app.example.com,"
                    " https://*.example.com or *."
                )
            (self._below if below else self._exact).add(origin)

    def allows(self, origin: str, host: str | None, secure: bool = False) -> bool:
        """Whether a page of `origin` may talk to the server that it calls `host`.

        Args:
            origin: the Origin header.
            host: the Host header.
            secure: whether the request came over TLS. Then a plain page of the same name is
                foreign; without, https is as good as http: a proxy may end the TLS for us.
        """
        parsed = parse_origin(origin)
        if parsed is None:
            return False
        if self._any or parsed in self._exact:
            return True
        if self._loopback and is_loopback(parsed.host):
            return True
        own_scheme = parsed.scheme == "https" or not secure
        if own_scheme and parse_origin(f"{parsed.scheme}://{host}") == parsed:
            return True
        labels = parsed.host.split(".")
        parents = (".".join(labels[i:]) for i in range(1, len(labels)))
        return any(Origin(parsed.scheme, name, parsed.port) in self._below for name in parents)


class Hosts:
    """Under which names this server may be addressed.

    Args:
        allowed: names or addresses, with any port or (`name:port`) with one; beside loopback.
            A Host header without a port means port 80, or 443 over TLS.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._allowed: set[tuple[str, int | None]] = set()
        for entry in allowed:
            v6 = entry.count(":") > 1 and not entry.startswith("[")  # bare, as one binds to it
            text = f"[{entry}]" if v6 else entry
            origin = parse_origin(f"http://{text}")
            if origin is not None:
                one_port = text.endswith(f":{origin.port}")
                self._allowed.add((origin.host, origin.port if one_port else None))

    def allows(self, host: str, secure: bool = False) -> bool:
        """Whether a Host header (RFC 9112 §3.2), that came over TLS or not, is one of ours."""
        origin = parse_origin(f"https://{host}" if secure else f"http://{host}")
        if origin is None:
            return False
        ours = {(origin.host, None), (origin.host, origin.port)}
        return is_loopback(origin.host) or not self._allowed.isdisjoint(ours)


@dataclass(frozen=True, slots=True)
class Guard:
    """All that is checked before anything else is done."""

    tokens: Tokens
    tickets: Tickets
    origins: Origins
    hosts: Hosts

    def check_browser(self, host: str | None, origin: str | None, secure: bool = False) -> None:
        """Refuse a foreign name for us, and a foreign page.

        Args:
            host: the Host header.
            origin: the Origin header; None: not a browser, or a page of our own by GET.
            secure: whether the request came over TLS.

        Raises:
            Refused: 400 `no_host` (RFC 9112 §3.2), 421 `misdirected` or 403 `forbidden_origin`.
        """
        if host is None:
            raise Refused(400, "no_host", "Send a Host header: HTTP/1.1 demands it.")
        if not self.hosts.allows(host, secure):
            raise Refused(421, "misdirected", "This server does not answer under that Host.")
        if origin is not None and not self.origins.allows(origin, host, secure):
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
        secure: bool = False,
    ) -> str:
        """Check host and origin, and then who it is; a ticket is not spent on a refusal.

        Raises:
            Refused: 400, 421, 403 or 401.
        """
        self.check_browser(host, origin, secure)
        return self.identify(authorization, token, ticket)

    def issue_ticket(self, authorization: str | None) -> str:
        """A ticket for the bearer of a token.

        Raises:
            Refused: 401.
        """
        return self.tickets.issue(self.identify(authorization))
