"""Hypercorn's connections on our own socket and loop: HTTP/2, and how they end."""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import httpx2
import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived
from hypercorn.asyncio.tcp_server import TCPServer

from labserver.techniques.transport.asgi_http2 import serve
from labserver.wire.http2_frame import PREFACE
from tests.techniques.transport.asgi_app import Streams, running


def knowing() -> httpx2.AsyncClient:
    """Return a client that knows beforehand that the server speaks HTTP/2."""
    return httpx2.AsyncClient(http1=False, http2=True, trust_env=False)


async def test_a_client_that_knows_it_needs_no_tls() -> None:
    app = Streams()
    async with running(serve, app) as port, knowing() as client:
        answer = await client.get(f"http://127.0.0.1:{port}/short")
    assert (answer.text, answer.http_version, app.protocols) == ("done", "HTTP/2", ["2"])
    assert "server" not in answer.headers


@pytest.mark.parametrize("http2", [True, False])
async def test_over_tls_it_is_agreed_on(
    http2: bool, proof: ssl.SSLContext, trust: ssl.SSLContext
) -> None:
    client = httpx2.AsyncClient(http2=http2, verify=trust, trust_env=False)
    async with running(serve, Streams(), proof) as port, client:
        answer = await client.get(f"https://127.0.0.1:{port}/short")
    assert answer.http_version == ("HTTP/2" if http2 else "HTTP/1.1")


async def test_who_speaks_http_1_is_served_as_well() -> None:
    async with running(serve, Streams()) as port, httpx2.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"http://127.0.0.1:{port}/short")
    assert (answer.text, answer.http_version) == ("done", "HTTP/1.1")


class RawClient:
    """A client that does what httpx2 never does: reset one stream, or stop reading."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._h2 = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self._h2.initiate_connection()
        self.heard: dict[int, bytes] = {}

    def ask(self, path: str) -> int:
        """Send a request, and return its stream."""
        stream = self._h2.get_next_available_stream_id()
        pseudo = {":method": "GET", ":scheme": "http", ":authority": "localhost", ":path": path}
        self._h2.send_headers(stream, list(pseudo.items()), end_stream=True)
        self.heard[stream] = b""
        self._writer.write(self._h2.data_to_send())
        return stream

    def reset(self, stream: int) -> None:
        """Reset one stream."""
        self._h2.reset_stream(stream)
        self._writer.write(self._h2.data_to_send())

    async def read_until(self, done: Callable[[], bool]) -> bool:
        """Read until `done`; return False if the connection ended before."""
        while not done():
            data = await self._reader.read(65536)
            if not data:
                return False
            for event in self._h2.receive_data(data):
                if isinstance(event, DataReceived):
                    self.heard[event.stream_id] += event.data
        return True


@asynccontextmanager
async def raw_client(port: int) -> AsyncIterator[RawClient]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield RawClient(reader, writer)
    finally:
        writer.transport.abort()


async def test_many_streams_share_a_connection_and_one_that_is_left_cuts_no_other() -> None:
    app = Streams()
    async with running(serve, app) as port, raw_client(port) as client:
        first, *others = [client.ask("/") for _ in range(20)]
        assert await client.read_until(lambda: set(client.heard.values()) == {b"begun"})
        client.reset(first)
        while not app.gone:
            await asyncio.sleep(0.01)
        app.end.set()
        assert await client.read_until(lambda: client.heard[others[-1]] == b"begunthe end")
        assert {client.heard[stream] for stream in others} == {b"begunthe end"}


async def test_who_does_not_read_is_not_written_to_for_ever() -> None:
    app = Streams()
    async with running(serve, app) as port, raw_client(port) as stalled, knowing() as client:
        stalled.ask("/flood")
        while not app.sent:
            await asyncio.sleep(0.01)
        for _ in range(50):  # time in which it could go on
            await client.get(f"http://127.0.0.1:{port}/short")
        assert app.sent < 10


async def test_a_response_that_an_app_does_not_finish_is_cut_off() -> None:
    async with running(serve, Streams()) as port, knowing() as client:
        with pytest.raises(httpx2.TransportError):
            await client.get(f"http://127.0.0.1:{port}/unfinished")


async def test_a_connection_lives_for_more_than_a_thousand_requests() -> None:
    app = Streams()
    async with running(serve, app) as port, knowing() as client:
        async with client.stream("GET", f"http://127.0.0.1:{port}/") as stream:
            parts = stream.aiter_raw()
            assert await anext(parts) == b"begun"
            for _ in range(1100):
                await client.get(f"http://127.0.0.1:{port}/short")
            app.end.set()
            assert b"".join([part async for part in parts]) == b"the end"


async def test_it_leaves_signals_alone() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with running(serve, Streams()):
        assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.parametrize("path", ["/", "/flood"], ids=["endless", "stalled"])
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_it_stops_with_streams_that_do_not_end(
    path: str, secure: bool, proof: ssl.SSLContext, trust: ssl.SSLContext
) -> None:
    app = Streams()
    scheme = "https" if secure else "http"
    async with httpx2.AsyncClient(http1=False, http2=True, verify=trust, trust_env=False) as client:
        async with asyncio.timeout(10):
            async with (
                running(serve, app, proof if secure else None) as port,
                AsyncExitStack() as stack,
            ):
                for _ in range(5):
                    request = client.stream("GET", f"{scheme}://127.0.0.1:{port}{path}")
                    await stack.enter_async_context(request)
                assert app.open == 5
                stack.pop_all()  # the client neither reads nor leaves
    assert app.open == 0


async def test_it_stops_with_a_peer_that_asks_for_nothing() -> None:
    async with asyncio.timeout(10):
        async with running(serve, Streams()) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(PREFACE)
            assert await reader.read(1) != b"", "its SETTINGS"
    await reader.read()  # to the end
    writer.close()


async def test_a_handshake_that_takes_until_after_the_end_is_dropped(
    proof: ssl.SSLContext, trust: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    def shake_hands(late: socket.socket) -> bytes:
        with suppress(ConnectionResetError), trust.wrap_socket(late, server_hostname="::1") as done:
            return done.recv(1)
        return b""

    client = httpx2.AsyncClient(verify=trust, trust_env=False)
    async with running(serve, Streams(), proof) as port, client:
        late = socket.create_connection(("127.0.0.1", port))
        await client.get(f"https://127.0.0.1:{port}/short")  # it has accepted the one before
    assert await asyncio.to_thread(shake_hands, late) == b""
    assert caplog.messages == []


async def test_a_connection_that_fails_ends_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(serve, Streams()) as port, knowing() as client:
        with monkeypatch.context() as broken:
            broken.setattr(TCPServer, "_read_data", _fail)
            with pytest.raises(httpx2.TransportError):
                await client.get(f"http://127.0.0.1:{port}/short")
        assert caplog.messages == ["a connection failed"]
        assert (await client.get(f"http://127.0.0.1:{port}/short")).text == "done"


async def _fail(connection: TCPServer) -> None:
    raise RuntimeError("as a fault of Hypercorn would")
