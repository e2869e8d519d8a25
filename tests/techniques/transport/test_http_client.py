"""A client's HTTP, against servers that misbehave."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager

import pytest

from labserver.chat.events import Event
from labserver.errors import Refused
from labserver.techniques.transport.http_client import HttpConnection
from labserver.techniques.transport.interface import Address, ConnectionLost
from tests.waiting import DEADLINE_S, within

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

ACK = b'{"type":"ACK","data":{"id":"m1","offset":1,"status":"delivered"}}'
ERROR = b'{"type":"ERROR","data":{"code":"%s","message":"No."}}'


def response(status: int, body: bytes, headers: str = "") -> bytes:
    """Return an HTTP answer."""
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


@asynccontextmanager
async def connected(handle: Handler) -> AsyncIterator[HttpConnection]:
    """Connect to a server that does `handle` on each TCP connection."""

    async def handle_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handle(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle_and_close, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    connection = HttpConnection(Address(f"http://127.0.0.1:{port}", "t.o.k", "lobby", "s1"))
    try:
        async with connection.open():
            yield connection
    finally:
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0.01)


def answering(answer: bytes, heads: list[str] | None = None) -> Handler:
    """Run a server that gives the same answer to each request."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            if heads is not None:
                heads.append(head)
            length = head.lower().partition("content-length: ")[2].partition("\r\n")[0]
            await reader.readexactly(int(length or 0))
            writer.write(answer)

    return handle


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that never answers."""
    await reader.read()


async def test_a_post_returns_the_answer_and_is_counted() -> None:
    heads: list[str] = []
    async with connected(answering(response(202, ACK), heads)) as connection:
        raw = b'{"type":"CHAT_MESSAGE"}'
        answer = await connection.post(raw)
        assert answer == Event("ACK", {"id": "m1", "offset": 1, "status": "delivered"})
        await connection.post(raw)
    assert heads[0].startswith("POST /messages?room=lobby HTTP/1.1")
    assert "authorization: bearer t.o.k\r\n" in heads[0].lower()
    assert "content-type: application/json\r\n" in heads[0].lower()
    counters = connection.counters
    assert (counters.requests, counters.sent) == (2, 2)
    assert (counters.payload_sent, counters.payload_received) == (2 * len(raw), 2 * len(ACK))


@pytest.mark.parametrize(
    ("status", "code"), [(400, "bad_event"), (413, "too_large"), (429, "rate_limited")]
)
async def test_an_event_that_is_not_accepted_returns_the_error(status: int, code: str) -> None:
    async with connected(answering(response(status, ERROR % code.encode()))) as connection:
        answer = await connection.post(b"{}")
    assert (answer.type, answer.data["code"]) == ("ERROR", code)


@pytest.mark.parametrize("status", [401, 403, 404, 405, 421])
async def test_a_client_that_is_not_accepted_is_refused(status: int) -> None:
    async with connected(answering(response(status, ERROR % b"no"))) as connection:
        with pytest.raises(Refused) as refused:
            await connection.post(b"{}")
        assert (refused.value.status, refused.value.code) == (status, "no")
        with pytest.raises(Refused):
            await connection.get("/messages", {})


@pytest.mark.parametrize(
    "answer",
    [
        response(500, b"oops"),
        response(503, ERROR % b"stopping"),
        response(429, b"a proxy's"),
        response(408, b""),
        response(302, b"", "Location: /login\r\n"),
        response(202, b"<html>"),
        b"HTTP/1.1 202 X\r\nContent-Length: 100\r\n\r\n{",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"",
    ],
)
async def test_whatever_else_comes_is_a_lost_connection(answer: bytes) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(2)
        writer.write(answer)

    async with connected(handle) as connection:
        with pytest.raises(ConnectionLost):
            await connection.post(b"{}")


async def test_no_server_is_a_lost_connection() -> None:
    connection = HttpConnection(Address("http://127.0.0.1:1", "t", "lobby", "s"))
    async with connection.open():
        with pytest.raises(ConnectionLost):
            await connection.post(b"{}")
        with pytest.raises(ConnectionLost):
            await connection.get("/messages", {})


async def test_outside_its_block_it_is_not_connected() -> None:
    connection = HttpConnection(Address("http://127.0.0.1:1", "t", "lobby", "s"))
    with pytest.raises(ConnectionLost, match="not connected"):
        await connection.post(b"{}")
    async with connection.open():
        pass
    with pytest.raises(ConnectionLost, match="not connected"):
        await connection.get("/messages", {})


@pytest.mark.parametrize("leave", [False, True])
async def test_what_is_under_way_ends_with_the_connection(leave: bool) -> None:
    stack = ExitStack()
    async with connected(silent) as connection:
        waiting = asyncio.gather(
            connection.post(b"{}"),
            connection.get("/messages", {}),
            connection.pause(30),
            return_exceptions=True,
        )
        await asyncio.sleep(0.05)
        stack.enter_context(within())
        if not leave:
            await connection.close()
            await waiting
    ends = await waiting
    stack.close()
    assert [type(end) for end in ends] == [ConnectionLost] * 3


async def test_a_post_that_is_still_connecting_ends_with_the_connection() -> None:
    async with connected(silent) as connection:
        posting = asyncio.gather(connection.post(b"{}"), return_exceptions=True)
        await asyncio.sleep(0)
    (end,) = await posting
    assert isinstance(end, ConnectionLost)


async def test_many_posts_at_once_are_all_answered() -> None:
    async with connected(answering(response(202, ACK))) as connection:
        answers = await asyncio.gather(*(connection.post(b"{}") for _ in range(50)))
    assert len(answers) == 50


async def test_a_connection_that_the_server_closed_while_idle_is_replaced() -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(2)
        writer.write(response(202, ACK))

    async with connected(once) as connection:
        for _ in range(3):
            await connection.post(b"{}")
            await asyncio.sleep(0.02)


async def test_opening_reads_no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    """By default they are read, for 20 ms each time, although nothing is encrypted."""

    def read(*_args: object, **_options: object) -> None:
        pytest.fail("the machine's certificates were read")

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", read)
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", read)
    async with HttpConnection(Address("http://127.0.0.1:1", "t", "lobby", "s")).open():
        pass


# A stream


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a stream of two parts that then stays open."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    await asyncio.sleep(0.02)
    writer.write(b"2\r\nde\r\n")
    await reader.read()


async def test_a_stream_is_read_as_it_comes() -> None:
    async with (
        connected(drip) as connection,
        connection.stream("/events", {"after": "3"}, silence_s=5) as chunks,
    ):
        assert await anext(chunks) == b"abc"
        assert await anext(chunks) == b"de"
    assert connection.counters.requests == 1


async def test_a_stream_that_falls_silent_is_lost() -> None:
    async with connected(drip) as connection:
        with pytest.raises(ConnectionLost):
            async with connection.stream("/events", {}, silence_s=0.2) as chunks:
                async for _ in chunks:
                    pass


async def test_a_stream_that_breaks_off_is_lost() -> None:
    async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")

    async with connected(broken) as connection:
        with pytest.raises(ConnectionLost):
            async with connection.stream("/events", {}, silence_s=5) as chunks:
                async for _ in chunks:
                    pass


async def test_a_stream_that_is_refused_says_why() -> None:
    async with connected(answering(response(401, ERROR % b"bad_token"))) as connection:
        with pytest.raises(Refused, match="No"):
            async with connection.stream("/events", {}, silence_s=5):
                pass


async def test_closing_ends_a_stream() -> None:
    ended = asyncio.Event()

    async def read(connection: HttpConnection) -> None:
        async with connection.stream("/events", {}, silence_s=30) as chunks:
            async for _ in chunks:
                pass
        ended.set()

    async with connected(drip) as connection:
        reading = asyncio.gather(read(connection), return_exceptions=True)
        await asyncio.sleep(0.1)
        await connection.close()
        async with asyncio.timeout(DEADLINE_S):
            (end,) = await reading
    assert isinstance(end, ConnectionLost)
    assert not ended.is_set()
