"""The WebSocket server as it is on the wire, and what one slow reader costs the others."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import pytest
import websockets.asyncio.client
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode

from labserver.backends.memory_bus import MemoryBus
from labserver.backends.sqlite_mailbox import SqliteMailbox
from labserver.chat.events import EVENT_MAX, Event, envelope
from labserver.chat.hub import Hub
from labserver.chat.outbox import LIMIT_EVENTS
from labserver.chat.tokens import Tokens, new_secret
from labserver.clock import SystemClock
from labserver.runtime.wiring import LOOPBACK, bind, make_guard, open_hub, url_of
from labserver.techniques import websocket
from labserver.techniques.transport.fan_out import Framer
from labserver.techniques.transport.interface import Chat
from tests.waiting import DEADLINE_S, within

TOKENS = Tokens(new_secret(), SystemClock())
HANDSHAKE = (
    "GET /ws/chat?room={room} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {token}\r\n\r\n"
)


@pytest.fixture
def hub() -> Hub:
    """Make a hub that lets its users send as fast as they can."""
    return Hub(bus=MemoryBus(), mailbox=SqliteMailbox(), clock=SystemClock(), sends_per_s=None)


@pytest.fixture
async def url(hub: Hub) -> AsyncIterator[str]:
    """The URL of a running server."""
    with contextlib.closing(bind(LOOPBACK, 0)) as listening:
        guard = make_guard(TOKENS, ["https://*.example.com"], ())
        async with open_hub(hub), websocket.serve(Chat(hub, guard), listening):
            yield url_of(listening)


@asynccontextmanager
async def connected(
    url: str, user: str, room: str = "lobby", **options: object
) -> AsyncIterator[ClientConnection]:
    target = f"{url.replace('http', 'ws')}/ws/chat?room={room}&token={TOKENS.issue(user)}"
    async with websockets.asyncio.client.connect(target, proxy=None, **options) as connection:
        yield connection


async def raw_connection(url: str, user: str, room: str) -> socket.socket:
    """Return a socket after the handshake, from which nobody reads."""
    address = urlsplit(url)
    request = HANDSHAKE.format(room=room, host=address.netloc, token=TOKENS.issue(user))
    sock, head = await ask(url, request)
    assert head.startswith("HTTP/1.1 101")
    return sock


async def ask(url: str, request: str) -> tuple[socket.socket, str]:
    """Send a request as it is, and return the head of the answer."""
    address = urlsplit(url)
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # so that the server notices soon
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, (address.hostname, address.port))
    await loop.sock_sendall(sock, request.encode())
    head = b""
    while b"\r\n\r\n" not in head:
        head += await loop.sock_recv(sock, 1)
    return sock, head.decode()


def said(content: str) -> str:
    return envelope(Event("CHAT_MESSAGE", {"content": content})).json.decode()


async def close_code(connection: ClientConnection) -> int | None:
    async with asyncio.timeout(DEADLINE_S):
        try:
            while True:
                await connection.recv()
        except ConnectionClosed:
            return connection.close_code


async def test_the_handshake_is_answered_with_the_key_of_the_rfc(url: str) -> None:
    sock = await raw_connection(url, "alice", "lobby")
    sock.close()
    async with connected(url, "alice") as connection:
        assert connection.response is not None
        assert connection.response.status_code == 101
        assert "Sec-WebSocket-Extensions" not in connection.response.headers


@pytest.mark.parametrize(
    ("offered", "chosen"), [(["chat.v1"], "chat.v1"), (["soap", "chat.v1"], "chat.v1")]
)
async def test_the_subprotocol_is_chosen_where_it_is_offered(
    url: str, offered: list[str], chosen: str
) -> None:
    async with connected(url, "alice", subprotocols=offered) as connection:
        assert connection.subprotocol == chosen


async def test_a_subprotocol_that_is_not_spoken_is_not_named(url: str) -> None:
    async with connected(url, "alice", subprotocols=["soap"]) as connection:
        assert connection.subprotocol is None


async def test_a_ping_event_is_answered_by_exactly_pong(url: str) -> None:
    async with connected(url, "alice") as connection:
        await connection.send('{"type":"PING"}')
        assert await connection.recv() == '{"type":"PONG"}'


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("no json", "bad_json"),
        ("[]", "bad_event"),
        ('{"type":"SING"}', "unknown_type"),
        ('{"type":"CHAT_MESSAGE","data":{}}', "bad_event"),
        ("[" * 30_000, "bad_json"),
    ],
)
async def test_nonsense_is_answered_and_the_connection_stays(url: str, raw: str, code: str) -> None:
    async with connected(url, "alice") as connection:
        await connection.send(raw)
        assert f'"code":"{code}"' in await connection.recv(decode=True)
        await connection.send('{"type":"PING"}')
        assert await connection.recv() == '{"type":"PONG"}'


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (Frame(Opcode.BINARY, b"\x00"), 1003),
        (Frame(Opcode.TEXT, b"\xff"), 1007),
        (Frame(Opcode.TEXT, b" " * (EVENT_MAX + 1)), 1009),
    ],
    ids=["binary", "no UTF-8", "too large"],
)
async def test_what_cannot_be_read_ends_the_connection(url: str, frame: Frame, code: int) -> None:
    async with connected(url, "alice") as connection:
        connection.transport.write(frame.serialize(mask=True))
        assert await close_code(connection) == code


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({}, "", 401),
        ({"Authorization": "Bearer nonsense"}, "", 401),
        ({"Authorization": "Bearer {token}", "Origin": "https://evil-example.com"}, "", 403),
        ({"Authorization": "Bearer {token}", "Origin": "http://app.example.com"}, "", 403),
        ({"Authorization": "Bearer {token}", "Host": "evil.example.com"}, "", 400),  # two of them
        ({"Authorization": "Bearer {token}"}, "?room=a%20b", 400),
        ({"Authorization": "Bearer {token}"}, "?after=x", 400),
    ],
)
async def test_a_handshake_is_refused_before_the_101(
    url: str, headers: dict[str, str], query: str, status: int
) -> None:
    filled = {key: value.format(token=TOKENS.issue("alice")) for key, value in headers.items()}
    target = f"{url.replace('http', 'ws')}/ws/chat{query}"
    with pytest.raises(InvalidStatus) as refused:
        await websockets.asyncio.client.connect(target, proxy=None, additional_headers=filled)
    assert refused.value.response.status_code == status
    if status == 401:
        assert 'Bearer error="' in refused.value.response.headers["WWW-Authenticate"]


async def test_a_host_that_only_resolves_to_us_is_misdirected(url: str) -> None:
    request = HANDSHAKE.format(room="r", host="evil.example.com", token=TOKENS.issue("alice"))
    sock, head = await ask(url, request)
    sock.close()
    assert head.startswith("HTTP/1.1 421 Misdirected Request")


@pytest.mark.parametrize(("version", "status"), [("8", 426), ("13", 101), ("", 400)])
async def test_who_speaks_another_version_is_told_which_one_is_spoken(
    url: str, version: str, status: int
) -> None:
    request = HANDSHAKE.format(room="r", host="localhost", token=TOKENS.issue("alice"))
    line = "Sec-WebSocket-Version: 13\r\n"
    sock, head = await ask(url, request.replace(line, line.replace("13", version) * bool(version)))
    sock.close()
    assert head.startswith(f"HTTP/1.1 {status} ")
    assert ("\r\nSec-WebSocket-Version: 13\r\n" in head) == (status == 426)


async def test_a_handshake_without_a_host_is_a_bad_request(url: str) -> None:
    request = HANDSHAKE.format(room="r", host="", token=TOKENS.issue("alice"))
    sock, head = await ask(url, request.replace("Host: \r\n", ""))
    sock.close()
    assert head.startswith("HTTP/1.1 400 Bad Request")


async def test_a_page_of_an_allowed_origin_gets_in_with_a_ticket_and_only_once(url: str) -> None:
    import httpx2

    async with httpx2.AsyncClient(base_url=url, trust_env=False) as http:
        answer = await http.post(
            "/tickets",
            headers={
                "Authorization": f"Bearer {TOKENS.issue('alice')}",
                "Origin": "https://app.example.com",
            },
        )
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    target = f"{url.replace('http', 'ws')}/ws/chat?ticket={answer.json()['ticket']}"
    async with websockets.asyncio.client.connect(
        target, proxy=None, origin="https://app.example.com"
    ) as connection:
        await connection.send('{"type":"PING"}')
        assert await connection.recv() == '{"type":"PONG"}'
    with pytest.raises(InvalidStatus):
        await websockets.asyncio.client.connect(target, proxy=None)


async def test_what_was_delivered_comes_before_the_close(url: str) -> None:
    message, offence = said("hi").encode(), b"\x00"
    frames = Frame(Opcode.TEXT, message).serialize(mask=True)
    frames += Frame(Opcode.BINARY, offence).serialize(mask=True)
    with contextlib.closing(await raw_connection(url, "alice", "lobby")) as sock:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(sock, frames)
        received = b""
        async with asyncio.timeout(DEADLINE_S):
            while b"send text frames" not in received:
                received += await loop.sock_recv(sock, 65536)
    assert received.index(b'"type":"ACK"') < received.index(b"send text frames")
    assert b'"content":"hi"' in received


def test_a_room_of_a_thousand_costs_one_frame() -> None:
    framer = Framer()
    entry = envelope(Event("CHAT_MESSAGE", {"content": "hi"}))
    frame = framer(entry)
    assert frame == b"\x81" + bytes([len(entry.json)]) + entry.json
    assert framer.entry is entry
    assert framer.frame is frame


@pytest.mark.slow
async def test_a_stalled_reader_among_a_thousand_delays_no_one(url: str) -> None:
    """The sender's own echo comes last, so it shows how long the whole fan-out took."""
    with contextlib.ExitStack() as closing:
        sockets = []
        for number in range(998):
            sockets.append(await raw_connection(url, f"u{number}", "big"))
            closing.callback(sockets[-1].close)
        closing.callback((await raw_connection(url, "stalled", "big")).close)
        async with asyncio.TaskGroup() as tasks, connected(url, "speaker", "big") as speaker:
            reading = [tasks.create_task(drain(sock)) for sock in sockets]
            for _ in range(40):
                with within():
                    await speaker.send(said("x" * 4000))
                    while '"type":"ACK"' not in await speaker.recv(decode=True):
                        pass
            assert not any(reader.done() for reader in reading)
            for reader in reading:
                reader.cancel()


async def drain(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while await loop.sock_recv(sock, 65536):
        pass


async def test_a_reader_that_overruns_its_queue_is_closed_with_1013(url: str) -> None:
    stalled = await raw_connection(url, "stalled", "r")
    async with connected(url, "speaker", "r") as speaker:
        for _ in range(2 * LIMIT_EVENTS):
            await speaker.send(said("x" * 4000))
            while '"type":"ACK"' not in await speaker.recv(decode=True):
                pass
    received = bytearray()
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(DEADLINE_S):
        while b"you read too slowly" not in received:
            received += await loop.sock_recv(stalled, 65536)
    stalled.close()
    assert b"\x03\xf5you read too slowly; resume" in received  # 1013


async def test_closing_the_server_says_1001(hub: Hub) -> None:
    with contextlib.closing(bind(LOOPBACK, 0)) as listening:
        guard = make_guard(TOKENS, None, ())
        async with AsyncExitStack() as stack:
            async with open_hub(hub), websocket.serve(Chat(hub, guard), listening):
                url = url_of(listening)
                alice = await stack.enter_async_context(connected(url, "alice"))
            assert await close_code(alice) == 1001


@pytest.fixture(autouse=True)
def many_files() -> Iterator[None]:
    """A thousand connections are two thousand files in this process."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 4096:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
