"""uvicorn on our own socket and loop, and how its connections end."""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl

import httpx2
import psutil
import pytest

from labserver.techniques.transport.asgi_http1 import serve
from tests.techniques.transport.asgi_app import Streams, running


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_it_serves(secure: bool, proof: ssl.SSLContext, trust: ssl.SSLContext) -> None:
    app = Streams()
    scheme = "https" if secure else "http"
    client = httpx2.AsyncClient(verify=trust, trust_env=False)
    async with running(serve, app, proof if secure else None) as port, client:
        answer = await client.get(f"{scheme}://127.0.0.1:{port}/short")
    assert (answer.text, answer.http_version, app.protocols) == ("done", "HTTP/1.1", ["1.1"])
    assert "server" not in answer.headers


async def test_it_leaves_signals_alone() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with running(serve, Streams()):
        assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before


async def test_a_peer_that_never_answers_the_end_of_tls_does_not_hold_it_up(
    proof: ssl.SSLContext, trust: ssl.SSLContext
) -> None:
    def connect(port: int) -> ssl.SSLSocket:
        return trust.wrap_socket(
            socket.create_connection(("127.0.0.1", port)), server_hostname="localhost"
        )

    async with asyncio.timeout(10):
        async with running(serve, Streams(), proof) as port:
            silent = await asyncio.to_thread(connect, port)
    left = [each.laddr for each in psutil.Process().net_connections("tcp")]
    assert port not in {address.port for address in left if address}
    silent.close()
