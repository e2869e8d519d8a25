"""The chat over data channels: aiortc at both ends, real sockets, and the signals between them."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from typing import Any

import httpx2
import pytest
from aioice import ice
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.rtcsctptransport import WEBRTC_STRING
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from labserver.chat import events
from labserver.chat.events import EVENT_MAX, Event
from labserver.chat.hub import Hub
from labserver.chat.outbox import LIMIT_BYTES
from labserver.chat.presence import GRACE_S
from labserver.chat.tokens import Tokens, new_secret
from labserver.clock import SystemClock
from labserver.errors import Refused
from labserver.runtime.wiring import bind, make_guard, make_hub, open_hub, url_of
from labserver.techniques import webrtc
from labserver.techniques.reconnecting_client import ChatClient, State, chat_client
from labserver.techniques.transport import peer as peers
from labserver.techniques.transport.ice import Description, gather_on
from labserver.techniques.transport.interface import Address, Chat, ConnectionLost
from labserver.techniques.transport.peer import Peer
from tests.waiting import DEADLINE_S, PROMPT_S, eventually, within

TOKENS = Tokens(new_secret(), SystemClock())


class Server:
    """A running server, and clients for it."""

    def __init__(self, url: str, hub: Hub) -> None:
        self.url = url
        self.hub = hub

    def client(self, user: str, room: str = "lobby", cursor: str | None = None) -> ChatClient:
        """Return our own client; run it with `chat_client`."""
        address = Address(self.url, TOKENS.issue(user), room, "s")
        return ChatClient(webrtc.connector(address), user=user, room=room, cursor=cursor)

    @asynccontextmanager
    async def member(self, user: str, room: str = "lobby") -> AsyncIterator[Signals]:
        """Open a bare signalling connection."""
        url = f"{self.url.replace('http', 'ws')}/ws/signal?room={room}&token={TOKENS.issue(user)}"
        async with connect(url, proxy=None, max_size=None) as connection:
            yield Signals(connection)


class Signals:
    """A signalling connection, in JSON."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, type: str, to: str, data: Any = None, **more: Any) -> None:
        """Send a signal."""
        await self.connection.send(json.dumps({"type": type, "to": to, "data": data, **more}))

    async def receive(self) -> dict[str, Any]:
        """Return the next signal."""
        async with asyncio.timeout(DEADLINE_S):
            return json.loads(await self.connection.recv())

    async def ended(self) -> int | None:
        """Wait for the end of the connection, and return its close code."""
        async with asyncio.timeout(DEADLINE_S):
            try:
                while True:
                    await self.connection.recv()
            except ConnectionClosed:
                return self.connection.close_code

    @asynccontextmanager
    async def call_hub(self, **more: Any) -> AsyncIterator[Channel]:
        """Open a channel to the hub."""
        peer = Peer("127.0.0.1")
        try:
            await self.send("offer", "@hub", described(await peer.offer()) | more)
            answer = await self.receive()
            assert (answer["type"], answer["from"]) == ("answer", "@hub")
            await peer.accept(Description(**answer["data"]))
            await peer.opened()
            yield Channel(peer)
        finally:
            await peer.close()


class Channel:
    """An open data channel, in events."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    async def send(self, type: str, **data: Any) -> None:
        """Send an event."""
        await self.peer.send(json.dumps({"type": type, "data": data}).encode())

    async def receive(self, type: str | None = None) -> Event:
        """Return the next event of a type."""
        async with asyncio.timeout(DEADLINE_S):
            while (message := await self.peer.receive()) is not None:
                event = events.decode_event(message)
                if type is None or event.type == type:
                    return event
        raise ConnectionLost("it has ended")

    async def hears_nothing_of(self, type: str) -> None:
        """Check that no event of a type comes before the answer to a ping."""
        await self.send("PING")
        while (event := await self.receive()).type != "PONG":
            assert event.type != type


def described(description: Description) -> dict[str, Any]:
    """Return a description as JSON has it."""
    return {"type": description.type, "sdp": description.sdp}


async def next_message(client: ChatClient) -> Event:
    """Return the next chat message."""
    event = await client.receive(DEADLINE_S, "CHAT_MESSAGE")
    assert event is not None
    return event


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    """A server that is stopped within a second, and leaves nothing behind."""
    files = open_files()
    async with open_hub(make_hub()) as hub:
        listening = bind("127.0.0.1", 0)
        guard = make_guard(TOKENS, None, [])
        try:
            with ExitStack() as stopping:
                async with webrtc.serve(Chat(hub, guard), listening):
                    yield Server(url_of(listening), hub)
                    stopping.enter_context(within())
        finally:
            listening.close()
    await eventually(lambda: not other_tasks(), "no task")
    await eventually(lambda: open_files() <= files, "no file")


def other_tasks() -> list[str]:
    """Return the tasks of our code and of the libraries, without those of the tests."""
    names = [str(task.get_coro()) for task in asyncio.all_tasks()]
    return [name for name in names if "test_" not in name and "fixture" not in name]


def open_files() -> int:
    """Return how many files and sockets this process has open, if that can be found out."""
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server."""
    async with serving() as found:
        yield found


@pytest.fixture(autouse=True)
def nothing_goes_wrong_unseen(caplog: pytest.LogCaptureFixture) -> Any:
    """Check that no task fails unnoticed, not even in aiortc."""
    yield
    assert [record.getMessage() for record in caplog.records if record.levelno >= 40] == []


# The chat


async def test_two_users_talk_through_the_hub(server: Server) -> None:
    async with (
        chat_client(server.client("alice")) as alice,
        chat_client(server.client("bob")) as bob,
    ):
        assert await alice.opened(10)
        assert await bob.opened(10)
        ack = await alice.send("hi")
        assert ack is not None
        assert ack.data["status"] == "delivered"
        for client in (alice, bob):
            assert (await next_message(client)).data["content"] == "hi"
        await bob.send({"type": "TYPING_START"})
        typing = await alice.receive(10, "TYPING_START")
        assert typing is not None
        assert typing.data == {"userId": "bob"}
        assert (alice.counters.requests, alice.counters.sent) == (1, 1)
        assert alice.counters.payload_sent > 0
        assert alice.counters.payload_received > 0


async def test_a_client_resumes_after_its_cursor_without_loss_or_doubles(server: Server) -> None:
    async with chat_client(server.client("alice")) as alice:
        assert await alice.opened(10)
        for n in range(600):  # more than two pages, and past the bytes that a channel buffers
            await server.hub.receive(f"u{n % 20}", "lobby", said(f"{n} {'x' * 1000}"))
        last = None
        while last is None or not last.data["content"].startswith("299 "):
            last = await next_message(alice)
        cursor = alice.cursor
    async with chat_client(server.client("alice", cursor=cursor)) as again:
        heard = [await next_message(again) for _ in range(300)]
        assert [int(event.data["content"].split()[0]) for event in heard] == list(range(300, 600))
        assert await again.receive(0.2, "CHAT_MESSAGE") is None


@pytest.mark.parametrize("after", ["0000-1", 99, "99"])
async def test_a_cursor_that_cannot_be_served_gets_a_reset(server: Server, after: Any) -> None:
    await server.hub.receive("bob", "lobby", said("old"))
    async with server.member("alice") as signals, signals.call_hub(after=after) as channel:
        assert (await channel.receive()).type == "RESET"


async def test_what_is_wanted_is_said_first(server: Server) -> None:
    await server.hub.receive("bob", "lobby", said("one"))
    async with server.member("alice") as signals:
        async with signals.call_hub(hello=True) as channel:
            hello = await channel.receive()
            assert hello.type == "HELLO"
        async with server.member("alice") as again, again.call_hub(after=0) as channel:
            assert (await channel.receive()).data["content"] == "one"
            await channel.hears_nothing_of("HELLO")


async def test_a_direct_message_comes_again_until_it_is_acknowledged(server: Server) -> None:
    await server.hub.receive("alice", "lobby", said("for you", recipientId="bob"))
    for acknowledged in (False, False, True):
        async with server.member("bob") as signals, signals.call_hub() as channel:
            message = await channel.receive("CHAT_MESSAGE")
            assert message.data["content"] == "for you"
            if acknowledged:
                await channel.send("ACK", offset=message.offset)
                await channel.hears_nothing_of("ERROR")
    async with server.member("bob") as signals, signals.call_hub() as channel:
        await channel.hears_nothing_of("CHAT_MESSAGE")


async def test_the_client_acknowledges_direct_messages(server: Server) -> None:
    await server.hub.receive("alice", "lobby", said("for you", recipientId="bob"))
    async with chat_client(server.client("bob")) as bob:
        assert (await next_message(bob)).data["content"] == "for you"
    async with chat_client(server.client("bob")) as again:
        assert await again.opened(10)
        assert await again.receive(0.2, "CHAT_MESSAGE") is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "bad_json"),
        ('{"type": "CHAT_MESSAGE", "data": {"content": ""}}', "bad_event"),
        ('{"type": "SHOUT"}', "unknown_type"),
    ],
)
async def test_an_event_that_is_not_as_agreed_is_answered(
    server: Server, text: str, code: str
) -> None:
    async with server.member("alice") as signals, signals.call_hub() as channel:
        await channel.peer.send(text.encode())
        assert (await channel.receive("ERROR")).data["code"] == code
        await channel.send("CHAT_MESSAGE", content="still here", id="m1")
        assert (await channel.receive("ACK")).data["id"] == "m1"


async def test_too_many_sends_are_refused(server: Server) -> None:
    async with server.member("alice") as signals, signals.call_hub() as channel:
        for n in range(101):
            await channel.send("CHAT_MESSAGE", content=str(n))
        assert (await channel.receive("ERROR")).data["code"] == "rate_limited"


# The ways in which a connection ends


async def test_a_client_that_is_cut_or_loses_its_server_comes_back(server: Server) -> None:
    async with chat_client(server.client("alice")) as alice:
        assert await alice.opened(10)
        connector = alice._connector
        assert isinstance(connector, webrtc.WebRTCConnector)
        for part in ("signals", "peer"):
            if part == "signals":
                assert connector._signals is not None
                connector._signals.transport.abort()
            else:
                assert connector._peer is not None
                await connector._peer._connection.close()
            await eventually(lambda: alice.state is not State.OPEN)
            alice.restore()
            assert await alice.opened(10)
        assert alice.counters.requests == 3
        await alice.send("still here")


async def test_a_client_is_offline_as_soon_as_its_websocket_is_gone(server: Server) -> None:
    async with (
        server.member("bob") as signals,
        signals.call_hub() as channel,
        server.member("alice") as other,
        other.call_hub(),
    ):
        assert (await channel.receive("PRESENCE")).data["status"] == "online"
        other.connection.transport.abort()
        with within(GRACE_S + PROMPT_S):
            assert (await channel.receive("PRESENCE")).data["status"] == "offline"


@pytest.mark.parametrize(("kind", "code"), [("large", 1009), ("binary", 1003), ("not UTF-8", 1007)])
async def test_what_a_channel_does_not_carry_ends_it_and_the_bye_says_why(
    server: Server, kind: str, code: int
) -> None:
    async with server.member("alice") as signals, signals.call_hub() as channel:
        raw = channel.peer._channel
        assert raw is not None
        sctp = raw.transport
        assert sctp._remote_max_message_size == EVENT_MAX  # what the hub has announced
        if kind == "large":
            sctp._remote_max_message_size = 0
            raw.send("x" * (EVENT_MAX + 1))
        elif kind == "binary":
            raw.send(b"\x00")
        elif kind == "not UTF-8":
            sctp._data_channel_queue.append((raw, WEBRTC_STRING, b"\xff"))
            await sctp._data_channel_flush()
        while (bye := await signals.receive())["type"] != "bye":
            pass
        assert bye["from"] == "@hub"
        assert bye["data"]["code"] == code, bye
        async with signals.call_hub() as again:  # on the same WebSocket
            await again.hears_nothing_of("ERROR")


async def test_the_client_says_so_where_a_message_is_too_large(server: Server) -> None:
    async with server.member("alice") as signals, signals.call_hub() as channel:
        with pytest.raises(ConnectionLost) as lost:
            await channel.peer.send(b"x" * (EVENT_MAX + 1))
        assert lost.value.code == 1009


@pytest.mark.slow
async def test_a_peer_that_reads_too_slowly_is_let_go_and_delays_nobody(server: Server) -> None:
    async with (
        server.member("slow") as slow_signals,
        slow_signals.call_hub() as slow,
        chat_client(server.client("fast")) as fast,
    ):
        assert await fast.opened(10)
        deaf(slow.peer)
        size = LIMIT_BYTES // 4000 + 500
        for n in range(size):
            await server.hub.receive(f"u{n % 100}", "lobby", said("x" * 4000))
        for n in range(1, size + 1):
            assert (await next_message(fast)).offset == n
        assert (await slow_signals.receive())["data"]["code"] == 1013


async def test_a_new_offer_takes_the_place_of_the_old_one(server: Server) -> None:
    async with (
        server.member("alice") as signals,
        signals.call_hub() as first,
        signals.call_hub() as second,
    ):
        with pytest.raises(ConnectionLost):
            await first.receive("PONG")
        await second.send("CHAT_MESSAGE", content="hi")
        assert (await second.receive("CHAT_MESSAGE")).data["content"] == "hi"
        await signals.send("bye", "@hub")
        with pytest.raises(ConnectionLost):
            await second.receive("PONG")


async def test_a_peer_that_never_comes_is_given_up(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "OPEN_TIMEOUT_S", 0.3)
    peer = Peer("127.0.0.1")
    async with server.member("alice") as signals:
        await signals.send("offer", "@hub", described(await peer.offer()))
        assert (await signals.receive())["type"] == "answer"
        bye = await signals.receive()
        assert bye["type"] == "bye"
        assert "UDP" in bye["data"]["reason"]
    await peer.close()


async def test_a_server_stops_within_a_second_with_channels_open_and_says_1001() -> None:
    async with AsyncExitStack() as stack:
        async with serving() as server:
            members = [
                await stack.enter_async_context(server.member(f"user{n}")) for n in range(10)
            ]
            channels = [await stack.enter_async_context(member.call_hub()) for member in members]
        assert [await member.ended() for member in members] == [1001] * 10
        for channel in channels:
            with pytest.raises(ConnectionLost):
                await channel.receive("PONG")


@pytest.mark.parametrize("delay", [0.0, 0.002, 0.01, 0.03])
async def test_a_server_stops_while_channels_are_opening(delay: float) -> None:
    async with serving() as server:
        async with asyncio.TaskGroup() as tasks:
            clients = [server.client(f"user{n}") for n in range(5)]
            running = [tasks.create_task(client.run()) for client in clients]
            await asyncio.sleep(delay)
            for client in clients:
                await client.close()
            await asyncio.wait(running)
        member = server.member("bare")
        signals = await member.__aenter__()
        peer = Peer("127.0.0.1")
        await signals.send("offer", "@hub", described(await peer.offer()))
        await asyncio.sleep(delay)
        await member.__aexit__(None, None, None)
        await peer.close()


# Signals


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("", {}, 401),
        ("token=no.such.token", {}, 401),
        ("token={token}", {"Origin": "https://evil.example"}, 403),
        ("token={token}", {"Host": "evil.example"}, 421),
        ("token={token}&room=a/b", {}, 400),
        ("token={token}&after=x", {}, 400),
    ],
)
async def test_a_stranger_is_refused_before_the_upgrade(
    server: Server, query: str, headers: dict[str, str], status: int
) -> None:
    async with httpx2.AsyncClient(trust_env=False) as http:
        upgrade = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
        url = f"{server.url}/ws/signal?{query.format(token=TOKENS.issue('alice'))}"
        answer = await http.get(url, headers=upgrade | headers)
    assert answer.status_code == status
    assert answer.json()["type"] == "ERROR"
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


async def test_the_other_endpoints_are_there(server: Server) -> None:
    async with httpx2.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{server.url}/healthz")).status_code == 200
        assert (await http.get(f"{server.url}/ws/chat")).status_code == 404
        bearer = {"Authorization": f"Bearer {TOKENS.issue('alice')}"}
        answer = await http.post(f"{server.url}/tickets", headers=bearer)
        assert answer.status_code == 201
        preflight = await http.options(server.url, headers={"Origin": "http://localhost:8888"})
        assert preflight.headers["Access-Control-Allow-Origin"] == "http://localhost:8888"
    url = f"{server.url.replace('http', 'ws')}/ws/signal?ticket={answer.json()['ticket']}"
    async with connect(url, proxy=None):
        pass
    with pytest.raises(InvalidStatus):
        await connect(url, proxy=None)


async def test_two_peers_meet_through_the_relay_and_then_talk_directly(server: Server) -> None:
    """One is ours, the other a bare RTCPeerConnection; the messages bypass the server."""
    async with server.member("alice") as alice, server.member("bob") as bob:
        ours = Peer("127.0.0.1")
        await alice.send("offer", "bob", described(await ours.offer()))
        offer = await bob.receive()
        assert offer["from"] == "alice"

        theirs = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        theirs.on("datachannel", lambda channel: channel.on("message", channel.send))  # an echo
        await theirs.setRemoteDescription(RTCSessionDescription(**offer["data"]))
        await gather_on(theirs, "127.0.0.1")
        await theirs.setLocalDescription()
        answer = {"type": "answer", "sdp": theirs.localDescription.sdp}
        await bob.send("answer", offer["from"], answer, session=offer["session"])

        await ours.accept(Description(**(await alice.receive())["data"]))
        await ours.opened()
        await ours.send(b'{"type":"CHAT_MESSAGE","data":{"content":"hi"}}')
        async with asyncio.timeout(DEADLINE_S):
            assert await ours.receive() == '{"type":"CHAT_MESSAGE","data":{"content":"hi"}}'

        await bob.connection.close()
        bye = await alice.receive()
        assert (bye["type"], bye["from"]) == ("bye", "bob")
        await theirs.close()
        await ours.close()


async def test_a_signal_for_nobody_or_of_no_kind_is_answered(server: Server) -> None:
    async with server.member("alice") as alice, server.member("bob", room="elsewhere"):
        await alice.send("offer", "bob")
        assert (await alice.receive())["data"]["code"] == "no_such_member"
        await alice.send("hello", "bob")
        assert (await alice.receive())["data"]["code"] == "unknown_type"
        await alice.connection.send("{")
        assert (await alice.receive())["data"]["code"] == "bad_json"
        await alice.send("answer", "@hub", {})
        assert (await alice.receive())["data"]["code"] == "bad_event"
        async with alice.call_hub() as channel:  # and the connection stays
            await channel.hears_nothing_of("ERROR")


async def test_signals_that_a_websocket_does_not_carry_close_it(server: Server) -> None:
    async with server.member("alice") as alice:
        await alice.connection.send(b"\x00")
        assert await alice.ended() == 1003
    async with server.member("alice") as alice:
        await alice.send("offer", "bob", "x" * EVENT_MAX)
        assert await alice.ended() == 1009
    async with server.member("alice") as alice:
        for _ in range(101):
            await alice.send("bye", "@hub")
        assert (await alice.receive())["data"]["code"] == "rate_limited"


SDP_START = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"


@pytest.mark.parametrize(
    "data",
    [
        None,
        "v=0",
        {"sdp": 1},
        {"sdp": ""},
        {"sdp": "nonsense"},
        {"sdp": SDP_START},
        {"sdp": SDP_START + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\n"},
        {"sdp": SDP_START + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"},
        {"sdp": "FINE", "after": "no cursor"},
        {"sdp": "FINE", "after": []},
    ],
)
async def test_an_offer_that_cannot_be_answered_is_refused(server: Server, data: Any) -> None:
    peer = Peer("127.0.0.1")
    if isinstance(data, dict) and data["sdp"] == "FINE":
        data["sdp"] = (await peer.offer()).sdp
    async with server.member("alice") as alice:
        await alice.send("offer", "@hub", data)
        error = await alice.receive()
        assert error["type"] == "ERROR"
        assert error["data"]["code"] in ("bad_event", "bad_offer", "bad_cursor")
    await peer.close()


async def test_a_bad_cursor_is_refused_for_good(server: Server) -> None:
    async with chat_client(server.client("alice", cursor="no cursor")) as alice:
        with pytest.raises(Refused) as refused:
            await alice.opened(10)
        assert refused.value.code == "bad_cursor"


# Addresses


async def test_candidates_may_come_after_the_offer(server: Server) -> None:
    peer = Peer("127.0.0.1")
    offer = await peer.offer()
    candidates = re.findall(r"a=(candidate:.*)\r\n", offer.sdp)
    bare = re.sub(r"a=(candidate:.*|end-of-candidates)\r\n", "", offer.sdp)
    assert candidates
    async with server.member("alice") as alice:
        await alice.send("offer", "@hub", {"sdp": bare})
        hidden = "candidate:1 1 udp 2113937151 31b26952-11a8-4bac.local 9 typ host"
        for candidate in (*candidates, hidden, ""):
            data = {"candidate": candidate, "sdpMid": "0", "sdpMLineIndex": 0}
            await alice.send("candidate", "@hub", data)
        await alice.send("candidate", "@hub")
        await alice.send("candidate", "@hub", {"candidate": "candidate:nonsense", "sdpMid": "0"})
        await peer.accept(Description(**(await alice.receive())["data"]))
        assert (await alice.receive())["data"]["code"] == "bad_candidate"
        await peer.opened()
    await peer.close()


async def test_an_address_that_is_only_a_name_is_not_looked_up(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser's offer is like this; the browser finds us, and its packets show where it is."""
    peer = Peer("127.0.0.1")
    offer = await peer.offer()
    named = re.sub(r"127\.0\.0\.1 (\d+ typ)", r"31b26952-11a8-4bac.local \1", offer.sdp)
    assert named != offer.sdp
    asked: list[object] = []
    monkeypatch.setattr(ice, "get_or_create_mdns_protocol", asked.append)
    async with server.member("alice") as alice:
        await alice.send("offer", "@hub", {"sdp": named})
        await peer.accept(Description(**(await alice.receive())["data"]))
        await peer.opened()
    assert asked == []
    await peer.close()


async def test_ice_opens_no_port_but_on_the_address_of_the_signals(server: Server) -> None:
    peer = Peer("127.0.0.1")
    async with server.member("alice") as alice:
        offer = await peer.offer()
        await alice.send("offer", "@hub", described(offer))
        answer = await alice.receive()
    for sdp in (offer.sdp, answer["data"]["sdp"]):
        assert {line.split()[4] for line in sdp.splitlines() if "candidate:" in line} == {
            "127.0.0.1"
        }
        assert f"a=max-message-size:{EVENT_MAX}\r\n" in sdp
    await peer.close()


# How the tests speak, and how they fall silent


def said(content: str, **more: Any) -> str:
    """Return a chat message as a client sends it."""
    return json.dumps({"type": "CHAT_MESSAGE", "data": {"content": content, **more}})


def deaf(peer: Peer) -> None:
    """Stop the peer from reading from its socket."""
    sctp = peer._connection.sctp
    assert sctp is not None
    loop: Any = asyncio.get_running_loop()
    for protocol in sctp.transport.transport._connection._protocols:
        loop._remove_reader(protocol.transport.get_extra_info("socket").fileno())
