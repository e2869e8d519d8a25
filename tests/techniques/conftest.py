"""What the techniques' servers prove themselves with; made off the loop, as it takes a while."""

from __future__ import annotations

import ssl

import pytest

from labserver.runtime.tls import authority


@pytest.fixture
def proof() -> ssl.SSLContext:
    """A server's."""
    return authority().serving()


@pytest.fixture
def trust() -> ssl.SSLContext:
    """A client's."""
    return authority().trusting()
