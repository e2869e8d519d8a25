"""One suite for all techniques: what a client may rely on, whatever its technique."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from labserver.chat.hub import Hub
from labserver.runtime import server as runtime
from labserver.runtime.config import ServerConfig
from labserver.runtime.server import Server
from labserver.techniques import short_polling
from tests.conformance.listening import PLAIN, Start


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts servers, and checks that none is left."""
    monkeypatch.setattr(short_polling, "POLL_INTERVAL_S", 0.1)

    def start(technique: str, *, hub: Hub | None = None, **options: Any) -> Server:
        return runtime.start(ServerConfig(technique=technique, **options), hub=hub)

    yield start
    runtime.stop_all()


@pytest.fixture(params=PLAIN)
def server(request: pytest.FixtureRequest, start: Start) -> Server:
    """A server of each technique in turn."""
    technique, options = request.param
    return start(technique, **options)
