"""Servers of a kernel, and the promise that none is left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from labserver.runtime import server as runtime
from labserver.runtime.config import ServerConfig
from labserver.runtime.server import Server
from tests.served import TECHNIQUES

Start = Callable[..., Server]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts servers, and stops those that are left."""
    yield lambda technique, **options: runtime.start(ServerConfig(technique=technique, **options))
    runtime.stop_all()


@pytest.fixture(params=TECHNIQUES)
def technique(request: pytest.FixtureRequest) -> str:
    """Each technique in turn."""
    name: str = request.param
    return name
