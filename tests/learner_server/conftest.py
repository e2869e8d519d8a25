"""A learner's server for a test, and the promise that none is left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from labserver.learner_server.handle import LearnerServer, serve_yours
from labserver.runtime import server as runtime

Serve = Callable[..., LearnerServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts the server, and stops it with all others."""

    def start(**parts: Any) -> LearnerServer:
        return serve_yours(**parts)

    yield start
    runtime.stop_all()
