"""Origins: which web pages may connect to this server.

A browser sends its cookies, and connects to loopback, for any page that asks it to. So before the
user is checked, a request's Origin header has to name a page that is allowed.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from labserver.errors import LabError

PORT_MAX = 65535

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LABEL = r"[a-z0-9_-]{1,63}"  # RFC 1035 §2.3.4; browsers send the xn-- form of other alphabets
_ORIGIN = re.compile(
    rf"(?P<scheme>https?)://(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<host>{_LABEL}(?:\.{_LABEL})*))"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
)


@dataclass(frozen=True, slots=True)
class Origin:
    """An origin: scheme, host and port (RFC 6454 §4)."""

    scheme: str
    host: str
    port: int


def parse_origin(text: str) -> Origin | None:
    """Parse the ASCII serialization of an origin (RFC 6454 §6.2); None if it is not one."""
    # isascii() first, because lower() turns the Kelvin sign into a k.
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
    """Return whether a host is an IP address and not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is loopback (RFC 6761 §6.3)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Origins:
    """Decides which pages may connect to this server.

    The server's own origin is always allowed; `null` (a sandboxed frame, a file) never is.

    Args:
        patterns: origins such as `https://app.example.com`; `https://*.example.com` for every
            name below example.com, at any depth, but not for example.com itself; `*` for any
            page. Scheme and port have to match; a port that is left out is 80 or 443. None
            allows pages from loopback.

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
                    f"{pattern!r} is not an origin: write https://app.example.com,"
                    " https://*.example.com or *."
                )
            (self._below if below else self._exact).add(origin)

    def allows(self, origin: str, host: str | None, secure: bool = False) -> bool:
        """Return whether a page of `origin` may connect to the server that it calls `host`.

        Args:
            origin: the Origin header.
            host: the Host header.
            secure: whether the request came over TLS. If it did, an http page of the same host
                is foreign. If not, an https page is not: a proxy may terminate TLS for us.
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
