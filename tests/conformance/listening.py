"""Which servers the suite starts, and how its tests read from a client."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable

import pytest

from labserver.chat.events import Event
from labserver.runtime.client import Client
from labserver.runtime.server import Server
from labserver.techniques import NAMES, OVER_HTTP2
from labserver.techniques.transport.interface import Address
from tests.waiting import DEADLINE_S, wait_until

Start = Callable[..., Server]

PLAIN = [pytest.param((name, {}), id=name) for name in NAMES]
WRAPPED = [
    *(pytest.param((name, {"tls": True}), id=f"{name}-tls") for name in NAMES),
    *(pytest.param((name, {"http2": True}), id=f"{name}-h2c") for name in OVER_HTTP2),
    *(pytest.param((name, {"http2": True, "tls": True}), id=f"{name}-h2") for name in OVER_HTTP2),
]
# For what the layers below might spoil: TLS, HTTP/2, and both.
also_wrapped = pytest.mark.parametrize("server", [*PLAIN, *WRAPPED], indirect=True)


def address_of(server: Server, token: str) -> Address:
    """Return where a client that the test makes itself connects."""
    trust = {}
    if server.url.startswith("https:"):
        trust["trust"] = ssl.create_default_context(cafile=server.ca_pem)
    return Address(server.url, token, "lobby", "s", http2=server.http2, **trust)


def messages(client: Client, count: int, timeout: float = DEADLINE_S) -> list[Event]:
    """Return the next `count` chat messages; fewer if they do not come in time."""
    found: list[Event] = []
    until = time.monotonic() + timeout
    while len(found) < count and time.monotonic() < until:
        event = client.receive(until - time.monotonic(), type="CHAT_MESSAGE")
        if event is not None:
            found.append(event)
    return found


def contents(events: list[Event]) -> list[str]:
    """Return the contents of messages."""
    return [event.data["content"] for event in events]


def wait_for_state(client: Client, state: str) -> None:
    """Wait until the client is in `state`."""
    wait_until(lambda: client.state == state, f"{client} to become {state}")
