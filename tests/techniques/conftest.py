"""Certificates for the techniques' servers; made off the loop, because that takes a while."""

from __future__ import annotations

import ssl

import pytest

from labserver.runtime.tls import authority


@pytest.fixture
def proof() -> ssl.SSLContext:
    """The TLS context of a server."""
    return authority().server_context()


@pytest.fixture
def trust() -> ssl.SSLContext:
    """The TLS context of a client."""
    return authority().client_context()
