"""Node's `ws` and Java's `java.net.http.WebSocket` against `labserver serve websocket`."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from labserver.chat.events import CONTENT_MAX, EVENT_MAX
from labserver.chat.outbox import LIMIT_BYTES
from tests.conftest import require
from tests.peers.conftest import Serve, Shared
from tests.peers.line_peer import LinePeer, compile_java, java_command, line_peer, node_command
from tests.peers.stall import stalling
from tests.served import Served
from tests.waiting import DEADLINE_S, within

Command = Callable[..., Sequence[str]]


@pytest.fixture(scope="session")
def java_classes(java: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the compiled Peer.java."""
    classes = tmp_path_factory.mktemp("classes")
    compile_java(classes)
    return classes


@pytest.fixture(params=["node", "java"])
def command(request: pytest.FixtureRequest) -> Command:
    """How each peer is started."""
    if request.param == "node":
        require("node")
        require("peers")
        return node_command
    require("java")
    return java_command(request.getfixturevalue("java_classes"))


@pytest.fixture
def served(shared: Shared) -> Served:
    """A server that the tests share; each has a room of its own in it."""
    return shared("websocket")


@pytest.fixture
def own(serve: Serve) -> Served:
    """A server that is this test's alone, to be ended or flooded."""
    return serve("websocket")


def url(
    served: Served, user: str, room: str = "lobby", address: str | None = None, after: str = ""
) -> str:
    query = f"token={served.token(user)}&room={room}" + (f"&after={after}" if after else "")
    return f"ws://{address or served.address}/ws/chat?{query}"


def chat(alice: LinePeer, served: Served, room: str) -> None:
    """Alice and our own client send each other messages."""
    alice.settle()
    name = f"bob-{room}"
    with served.client("websocket", name, room) as bob:
        assert alice.event("PRESENCE")["data"] == {"userId": name, "status": "online"}
        alice.say("Hello from afar: ünï ☕ 👩‍🚀", id="a1")
        echo, ack = alice.event("CHAT_MESSAGE"), alice.event("ACK")
        assert ack["data"] == {"id": "a1", "offset": echo["offset"], "status": "delivered"}
        heard = bob.receive(10, type="CHAT_MESSAGE")
        assert heard is not None
        assert heard.data == echo["data"]
        assert heard.data["content"] == "Hello from afar: ünï ☕ 👩‍🚀"

        bob.send({"type": "TYPING_START"})
        assert alice.event("TYPING_START")["data"] == {"userId": name}
        bob.send("Hello back")
        said = alice.event("CHAT_MESSAGE")
        assert (said["data"]["senderId"], said["data"]["content"]) == (name, "Hello back")
        assert (said["room"], said["offset"]) == (room, echo["offset"] + 1)

        alice.say("psst", id="a2", recipientId=name)
        assert alice.event("ACK")["data"]["status"] == "delivered"
        heard = bob.receive(10, type="CHAT_MESSAGE")
        while heard is not None and heard.data["content"] != "psst":
            heard = bob.receive(10, type="CHAT_MESSAGE")
        assert heard is not None
        assert heard.data["recipientId"] == name


def test_a_chat_both_ways(command: Command, served: Served, room: str) -> None:
    # The server remembers the ids of messages by sender, whatever the room.
    with line_peer(*command(url(served, f"alice-{room}", room))) as alice:
        chat(alice, served, room)
        alice.tell("close", "1000")
        assert alice.answer("close").startswith("1000")


def test_the_subprotocol_is_agreed_on(command: Command, served: Served, room: str) -> None:
    with line_peer(*command(url(served, "alice", room), "chat.v1")) as alice:
        assert alice.answer("open") == "chat.v1"


def test_sigterm_closes_with_1001(command: Command, own: Served) -> None:
    with line_peer(*command(url(own, "alice"))) as alice:
        alice.settle()
        with within(5):
            own.process.send_signal(signal.SIGTERM)
            assert alice.answer("close").startswith("1001")
            assert own.process.wait(DEADLINE_S) == 0


def test_a_binary_frame_closes_with_1003(command: Command, served: Served, room: str) -> None:
    with line_peer(*command(url(served, "alice", room))) as alice:
        alice.settle()
        alice.tell("binary", b'{"type":"PING"}'.hex())
        assert alice.answer("close").startswith("1003")


def test_a_message_that_is_too_big_closes_with_1009(
    command: Command, served: Served, room: str
) -> None:
    with line_peer(*command(url(served, "alice", room))) as alice:
        alice.settle()
        alice.tell("text", "x" * (EVENT_MAX + 1))
        assert alice.answer("close").startswith("1009")


def test_invalid_utf8_closes_with_1007(node: str, peers: str, served: Served, room: str) -> None:
    with line_peer(*node_command(url(served, "alice", room))) as alice:
        alice.settle()
        alice.tell("bytes", b'{"type":"PING","data":"\xff"}'.hex())
        assert alice.answer("close").startswith("1007")


def test_an_error_leaves_the_connection_open(command: Command, served: Served, room: str) -> None:
    with line_peer(*command(url(served, "alice", room))) as alice:
        alice.settle()
        for text, code in (
            ("no json", "bad_json"),
            ('{"type":"NONSENSE"}', "unknown_type"),
            ('{"type":"CHAT_MESSAGE","data":{"content":""}}', "bad_event"),
            ('{"type":"CHAT_MESSAGE","data":{"content":"x","recipientId":"?"}}', "bad_name"),
        ):
            alice.tell("text", text)
            assert alice.event("ERROR")["data"]["code"] == code
        alice.send({"type": "PING"})
        assert alice.event("PONG") == {"type": "PONG"}


@pytest.mark.parametrize(
    ("path", "refusal"),
    [
        ("/ws/chat", 'Bearer error="invalid_request"'),
        ("/ws/chat?token=nonsense", 'Bearer error="invalid_token"'),
        ("/ws/chat?ticket=nonsense", 'Bearer error="invalid_token"'),
    ],
)
def test_a_handshake_is_refused_before_the_101(
    command: Command, served: Served, path: str, refusal: str
) -> None:
    with line_peer(*command(f"ws://{served.address}{path}")) as mallory:
        assert mallory.answer("refused") == f"401 {refusal}"


def test_who_reads_too_slowly_is_closed_with_1013_and_resumes(
    node: str, peers: str, own: Served
) -> None:
    with stalling(own.port) as relay:
        with line_peer(*node_command(url(own, "slow", address=relay.address))) as slow:
            slow.settle()
            relay.stall()
            newest = flood(own)
            time.sleep(1)  # it has been closed by now, and does not know it yet
            relay.go_on()
            heard = []
            while (answer := slow.answer("message", "close")).startswith("{"):
                heard.append(json.loads(answer))
            assert answer.startswith("1013")
    offsets = [event["offset"] for event in heard if "offset" in event]
    assert offsets == list(range(1, len(offsets) + 1))
    assert len(offsets) < newest
    with line_peer(*node_command(url(own, "slow", after=str(len(offsets))))) as slow:
        while len(offsets) < newest:
            offsets.append(slow.event("CHAT_MESSAGE")["offset"])
    assert offsets == list(range(1, newest + 1))


@pytest.mark.parametrize("amount", [LIMIT_BYTES, 2 * LIMIT_BYTES])
def test_a_peer_that_reads_no_more_does_not_hold_up_the_end(
    node: str, peers: str, own: Served, amount: int
) -> None:
    with (
        stalling(own.port) as relay,
        line_peer(*node_command(url(own, "asleep", address=relay.address))) as asleep,
    ):
        asleep.settle()
        relay.stall()
        flood(own, amount)
        with within():
            assert own.stop() == 0
        assert "did not close" not in own.log.read_text()


def flood(served: Served, amount: int = 2 * LIMIT_BYTES) -> int:
    """Say `amount` bytes, within everybody's rate limit; return the last offset.

    By default that is more than a queue and the kernels' buffers hold.
    """
    text = "☕🚀" * (CONTENT_MAX // 2)  # 14 KB as UTF-8
    ack = None
    for n in range(amount // (14 * 1024 * 90)):
        with served.client("websocket", f"user{n}") as sender:
            for _ in range(90):
                ack = sender.send(text)
    assert ack is not None
    newest: int = ack.data["offset"]
    return newest


def test_a_client_of_its_own_making_resumes_where_it_was(
    node: str, peers: str, served: Served, room: str
) -> None:
    with served.client("websocket", "bob", room) as bob:
        with line_peer(*node_command(url(served, "alice", room))) as alice:
            alice.settle()
            bob.send("one")
            offset = alice.event("CHAT_MESSAGE")["offset"]
        bob.send("two")
        bob.send("three")
        with line_peer(*node_command(url(served, "alice", room, after=str(offset)))) as alice:
            heard = [alice.event("CHAT_MESSAGE") for _ in range(2)]
            assert [event["data"]["content"] for event in heard] == ["two", "three"]
        with line_peer(*node_command(url(served, "alice", room, after="0000-1"))) as alice:
            assert alice.event("RESET")["data"]["newest"] == offset + 2
