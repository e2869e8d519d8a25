"""How the tests listen to a client."""

from __future__ import annotations

import time
from collections.abc import Callable

from labserver.chat.events import Event
from labserver.runtime.client import Client
from labserver.runtime.server import Server

Start = Callable[..., Server]


def messages(client: Client, count: int, timeout: float = 10.0) -> list[Event]:
    """The next `count` chat messages; fewer if they do not come in time."""
    found: list[Event] = []
    until = time.monotonic() + timeout
    while len(found) < count and time.monotonic() < until:
        event = client.receive(until - time.monotonic(), type="CHAT_MESSAGE")
        if event is not None:
            found.append(event)
    return found


def contents(events: list[Event]) -> list[str]:
    """What was said."""
    return [event.data["content"] for event in events]


def wait_for_state(client: Client, state: str, timeout: float = 10.0) -> None:
    """Wait until the client is in `state`."""
    until = time.monotonic() + timeout
    while client.state != state:
        assert time.monotonic() < until, f"{client} did not become {state}"
        time.sleep(0.01)
