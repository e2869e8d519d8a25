"""Hosts: the names under which this server may be addressed.

A foreign name that resolves to 127.0.0.1 makes a foreign page look like one of the server's own
(DNS rebinding). So a request's Host header has to be a name that is known.
"""

from __future__ import annotations

from collections.abc import Iterable

from labserver.chat.origins import is_loopback, parse_origin


class Hosts:
    """Decides by which names and addresses this server may be addressed.

    Args:
        allowed: names or addresses besides loopback: `name` allows any port, `name:port` only that
            port. A Host header without a port means port 80, or 443 over TLS.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._allowed: set[tuple[str, int | None]] = set()
        for entry in allowed:
            # An IPv6 address may come without brackets, as in a socket's address.
            v6 = entry.count(":") > 1 and not entry.startswith("[")
            text = f"[{entry}]" if v6 else entry
            origin = parse_origin(f"http://{text}")
            if origin is not None:
                one_port = text.endswith(f":{origin.port}")
                self._allowed.add((origin.host, origin.port if one_port else None))

    def allows(self, host: str, secure: bool = False) -> bool:
        """Return whether a Host header (RFC 9112 §3.2) names this server.

        Args:
            host: the header.
            secure: whether the request came over TLS.
        """
        origin = parse_origin(f"https://{host}" if secure else f"http://{host}")
        if origin is None:
            return False
        ours = {(origin.host, None), (origin.host, origin.port)}
        return is_loopback(origin.host) or not self._allowed.isdisjoint(ours)
