"""Servers of a kernel, and the promise that none is left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from labserver.chat.hub import Hub
from labserver.runtime import server as runtime
from labserver.runtime.config import ServerConfig
from labserver.runtime.server import Server, Widgets
from tests.backends.redis_server import RedisServer
from tests.served import TECHNIQUES

Start = Callable[..., Server]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts servers, and stops those that are left."""

    def start(
        technique: str, *, hub: Hub | None = None, widgets: Widgets | None = None, **options: Any
    ) -> Server:
        return runtime.start(ServerConfig(technique=technique, **options), hub=hub, widgets=widgets)

    yield start
    runtime.stop_all()


@pytest.fixture(params=TECHNIQUES)
def technique(request: pytest.FixtureRequest) -> str:
    """Each technique in turn."""
    name: str = request.param
    return name


@pytest.fixture
def redis_url(redis_server: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a Redis that is this test's alone."""
    with RedisServer.running(redis_server, tmp_path) as server:
        yield server.url
