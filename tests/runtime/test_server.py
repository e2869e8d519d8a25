"""Servers in the kernel: start, replace, stop, and nothing left."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from http.client import HTTPConnection

import psutil
import pytest

import labserver as lab
from labserver.errors import LabError, Refused
from labserver.runtime.client import Client
from labserver.runtime.loop import lab_loop
from labserver.runtime.server import Server, Widgets
from labserver.wire.message import Kind
from tests.ports import busy_port
from tests.runtime.conftest import Start
from tests.waiting import NAGLE_S, within


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def listening_ports() -> set[int]:
    return {
        connection.laddr.port
        for connection in psutil.Process().net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }


def test_it_says_where_it_is(start: Start, technique: str) -> None:
    with start(technique) as server:
        assert server.url == f"http://127.0.0.1:{server.port}"
        assert repr(server) == f"<{technique} server {server.url}>"
        assert server.running
        assert server.pid == os.getpid()
        assert is_listening(server.port)
    assert not server.running
    assert repr(server) == f"<{technique} server {server.url}, stopped>"
    assert not is_listening(server.port)


def test_the_same_name_again_replaces(start: Start, technique: str) -> None:
    first = start(technique)
    client = first.client("alice")
    threads = threading.active_count()
    for _ in range(5):
        second = start(technique)
    assert not first.running
    assert client.state == "closed"
    assert threading.active_count() <= threads
    assert listening_ports() >= {second.port}
    assert first.port not in listening_ports() - {second.port}


def test_another_name_stands_beside(start: Start) -> None:
    first, second = start("websocket"), start("websocket", name="two")
    assert first.running
    assert second.running
    assert first.port != second.port


def test_a_replaced_server_may_take_over_the_port(start: Start, technique: str) -> None:
    first = start(technique)
    first.client("alice")  # its connection leaves the port in TIME_WAIT
    second = start(technique, port=first.port)
    assert second.port == first.port
    with second.client("alice") as client:
        assert client.send("hi") is not None


def test_a_busy_port_is_an_error_that_says_what_to_do(start: Start) -> None:
    with busy_port() as port:
        with pytest.raises(LabError, match=f"port {port}.*port 0"):
            start("websocket", port=port)
    assert start("websocket").running


def test_an_address_of_another_machine_is_an_error(start: Start) -> None:
    with pytest.raises(LabError, match=r"192\.0\.2\.1"):
        start("websocket", host="192.0.2.1")


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_does_not_exist_is_an_error(start: Start, port: int) -> None:
    with pytest.raises(LabError, match="Cannot listen"):
        start("websocket", port=port)


def test_an_unknown_technique_is_told_the_known_ones(start: Start) -> None:
    with pytest.raises(LabError, match=r"short_polling.*webrtc"):
        start("carrier_pigeon")


@pytest.mark.parametrize("name", ["websocket", "long_polling"])
def test_a_technique_that_does_not_go_over_http_2_says_which_does(start: Start, name: str) -> None:
    with pytest.raises(LabError, match="Only sse"):
        start(name, http2=True)


def test_http_2_without_tls_is_on_the_tape_frame_by_frame(start: Start) -> None:
    server = start("sse", http2=True)
    with server.client("alice") as alice:
        alice.send("in clear text")
        assert alice.receive(10, type="CHAT_MESSAGE") is not None
    frames = [each for each in server.trace if each.kind is Kind.HTTP2_FRAME]
    assert frames[0].summary == "connection preface"
    assert any("/events" in each.summary for each in frames)
    assert any(b"in clear text" in each.raw for each in frames)


def test_a_short_secret_is_refused(start: Start) -> None:
    with pytest.raises(LabError, match="32"):
        start("websocket", secret="secret")


def test_it_stops_within_a_second_with_streams_open(start: Start, technique: str) -> None:
    server = start(technique)
    clients = [server.client(f"user{n}") for n in range(5)]
    clients[0].send("hi")
    with within(1.0):
        server.stop()
    assert all(client.state == "closed" for client in clients)
    server.stop()


def test_it_stops_within_a_second_with_a_stream_of_someone_else(start: Start) -> None:
    server = start("websocket")
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.sendall(
            b"GET /ws/chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"Sec-WebSocket-Version: 13\r\nAuthorization: Bearer %s\r\n\r\n"
            % server.token("mallory").encode()
        )
        assert raw.recv(100).startswith(b"HTTP/1.1 101")
        with within(1.0):
            server.stop()  # and mallory never answers the close


@pytest.mark.parametrize("begun", [b"", b"GET /ws/chat HTTP/1.1\r\nHost: local", b"\x16\x03\x01"])
def test_it_stops_within_a_second_while_a_request_is_not_complete(
    start: Start, technique: str, begun: bytes
) -> None:
    server = start(technique)
    with socket.create_connection(("127.0.0.1", server.port)) as browser:
        browser.sendall(begun)  # browsers connect ahead, to be quicker later
        server.client("alice").send("hi")
        with within(1.0):
            server.stop()


def test_two_techniques_share_one_conversation(start: Start, technique: str) -> None:
    first = start("websocket", name="first")
    second = start(technique, name="second", hub=first.hub)
    alice, bob = first.client("alice"), second.client("bob")
    alice.send("over the first")
    assert (event := bob.receive(10, type="CHAT_MESSAGE")) is not None
    assert event.data["content"] == "over the first"
    bob.send("over the second")
    assert alice.receive(10, type="CHAT_MESSAGE") is not None
    assert (event := alice.receive(10, type="CHAT_MESSAGE")) is not None
    assert event.data["content"] == "over the second"


def test_a_hub_lives_as_long_as_one_of_its_servers(start: Start) -> None:
    first = start("websocket", name="first")
    second = start("websocket", name="second", hub=first.hub)
    alice = second.client("alice")
    first.stop()
    assert alice.send("still here") is not None
    second.stop()
    with pytest.raises(LabError, match="hub is closed"):
        start("websocket", hub=first.hub)


def test_a_server_is_replaced_by_one_on_its_own_hub(start: Start) -> None:
    first = start("websocket")
    cursor = first.client("alice").cursor
    second = start("websocket", hub=first.hub)
    with second.client("bob") as bob:
        bob.send("after the change")
    alice = second.client("alice", after=cursor)
    assert (event := alice.receive(10, type="CHAT_MESSAGE")) is not None
    assert event.data["content"] == "after the change"


def test_a_stopped_server_says_how_to_go_on(start: Start) -> None:
    server = start("websocket")
    server.stop()
    with pytest.raises(LabError, match="run the cell"):
        server.client("alice")


def test_its_tokens_work_on_the_other_servers_of_this_kernel(start: Start) -> None:
    first, second = start("websocket"), start("websocket", name="second")
    assert first._tokens.verify(second.token("alice")) == "alice"


def test_a_bad_name_is_refused_before_a_connection_is_made(start: Start) -> None:
    server = start("websocket")
    with pytest.raises(Refused, match="1 to 64"):
        server.client("not a name")
    with pytest.raises(Refused, match="1 to 64"):
        server.client("alice", room="")


def test_a_message_is_answered_without_nagles_delay(start: Start, technique: str) -> None:
    # The echo and the ACK are two writes: with Nagle's algorithm each second one waits 40 ms, and
    # no message but the first is answered sooner. A busy machine delays some.
    with start(technique) as server, server.client("alice") as alice:
        times = []
        for n in range(20):
            began = time.perf_counter()
            alice.send(f"message {n}")
            times.append(time.perf_counter() - began)
    assert min(times[1:]) < NAGLE_S


def test_a_keep_alive_request_is_answered_without_nagles_delay(
    start: Start, technique: str
) -> None:
    with start(technique) as server:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
        times = []
        for _ in range(20):
            began = time.perf_counter()
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            answer.read()
            times.append(time.perf_counter() - began)
            assert answer.status == 200
        connection.close()
    assert min(times[1:]) < NAGLE_S


def test_an_accepted_connection_has_nodelay(start: Start) -> None:
    server = start("websocket")
    server.client("alice")
    ((_, connection),) = server._relay.connections.items()
    for side in (connection.client, connection.server):
        assert side.transport is not None
        taken = side.transport.get_extra_info("socket")
        assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_an_interrupted_receive_takes_no_event_with_it(start: Start, technique: str) -> None:
    server = start(technique)
    alice, bob = server.client("alice"), server.client("bob")
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        timer.start()
        bob.receive(30, type="NEVER")
    alice.send("after the interrupt")
    assert (event := bob.receive(10, type="CHAT_MESSAGE")) is not None
    assert event.data["content"] == "after the interrupt"


def test_a_call_from_the_loops_own_thread_is_refused(start: Start) -> None:
    alice = start("websocket").client("alice")

    async def blocking() -> None:
        alice.receive()

    async def awaiting() -> bool:
        return (await alice.asend("hi")) is not None

    with pytest.raises(LabError, match="areceive"):
        lab_loop.call(blocking)
    assert lab_loop.call(awaiting)


def test_a_link_may_be_given_by_its_name() -> None:
    with lab.start("websocket", link="slow_4g") as server:
        alice = server.client("alice")
        began = time.monotonic()
        alice.send("hi")
        assert time.monotonic() - began >= 0.15  # its round trip
    with pytest.raises(LabError, match="did you mean 'slow_4g'"):
        lab.start("websocket", link="slow4g")


def test_stop_all_leaves_no_thread_and_no_port(technique: str) -> None:
    lab.stop_all()
    threads, ports = set(threading.enumerate()), listening_ports()
    for _ in range(3):
        server = lab.start(technique)
        server.client("alice").send("hi")
        lab.stop_all()
    assert listening_ports() == ports
    left = set(threading.enumerate()) - threads
    assert not left
    assert not server.running


def test_direct_messages_survive_the_server_in_their_store(
    start: Start, technique: str, tmp_path: os.PathLike[str]
) -> None:
    store = os.path.join(tmp_path, "mail.sqlite3")
    with start(technique, store=store) as first, first.client("alice") as alice:
        direct = {"content": "for later", "recipientId": "bob"}
        ack = alice.send({"type": "CHAT_MESSAGE", "data": direct})
        assert ack is not None
        assert ack.data["status"] == "queued"
    with start(technique, store=store) as second, second.client("bob") as bob:
        event = bob.receive(10, type="CHAT_MESSAGE")
        assert event is not None
        assert event.data["content"] == "for later"


def test_a_store_that_is_a_folder_is_an_error(start: Start, tmp_path: os.PathLike[str]) -> None:
    with pytest.raises(LabError, match="mailbox"):
        start("websocket", store=str(tmp_path))


def no_widget(*given: object) -> None:
    raise AssertionError(given)


def test_the_chat_widget_gets_a_client(start: Start) -> None:
    made: list[tuple[str, str]] = []

    def chat(client: Client, technique: str) -> None:
        made.append((client.user, technique))

    server = start("websocket", widgets=Widgets(chat, no_widget, no_widget))
    server.chat("alice")
    assert made == [("alice", "websocket")]


@pytest.mark.parametrize(
    ("host", "url"), [("127.0.0.1", "http://127.0.0.1:"), ("0.0.0.0", "http://127.0.0.1:")]
)
def test_its_url_can_be_reached(start: Start, host: str, url: str) -> None:
    server: Server = start("websocket", host=host)
    assert server.url.startswith(url)
    assert is_listening(server.port)
