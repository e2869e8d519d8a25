"""The same server in a process of its own: it serves, and it ends with its kernel."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import psutil
import pytest

import labserver as lab
from labserver.errors import LabError
from labserver.runtime import server as runtime
from labserver.runtime import server_process
from labserver.runtime.config import ServerConfig
from labserver.runtime.server import Server
from labserver.runtime.server_process import TAIL_BYTES, ServerProcess
from tests.ports import busy_port
from tests.waiting import DEADLINE_S, wait_until, within

Start = Callable[..., Server]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts servers in processes of their own, and stops those that are left."""
    yield lambda technique, **options: server_process.start(
        ServerConfig(technique=technique, **options)
    )
    runtime.stop_all()


def kill(server: Server) -> None:
    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: not server.running)


def test_it_serves_from_another_process_and_leaves_none_not_even_a_zombie(
    start: Start, technique: str
) -> None:
    with start(technique) as server:
        assert server.pid != os.getpid()
        assert repr(server) == f"<{technique} server {server.url}>"
        alice, bob = server.client("alice"), server.client("bob")
        alice.send("hi")
        event = bob.receive(10, type="CHAT_MESSAGE")
        assert event is not None
        assert event.data["content"] == "hi"
        with within(5):
            server.stop()
    assert not psutil.pid_exists(server.pid)
    assert not servers()
    assert repr(server).endswith(", stopped>")


def servers() -> list[psutil.Process]:
    """The server processes of this one; other tests have children of their own."""
    return [
        child
        for child in psutil.Process().children()
        if child.status() == psutil.STATUS_ZOMBIE or "labserver.runtime.serve" in child.cmdline()
    ]


def test_lab_start_knows_it() -> None:
    with lab.start("websocket", process=True) as server, server.client("alice") as alice:
        assert alice.send("hi") is not None
    with pytest.raises(LabError, match="use redis= instead of hub="):
        lab.start("websocket", process=True, hub=lab.start("websocket").hub)
    lab.stop_all()


def test_its_hub_is_out_of_reach(start: Start) -> None:
    with pytest.raises(LabError, match="another process"):
        _ = start("websocket").hub


def test_the_same_name_again_replaces_whatever_it_ran_in(start: Start) -> None:
    in_kernel = lab.start("websocket")
    first = start("websocket")
    assert not in_kernel.running
    second = start("websocket")
    assert not first.running
    third = lab.start("websocket")
    assert not second.running
    assert third.running
    assert not servers()


def test_a_child_that_does_not_listen_is_killed(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_process, "STOP_TIMEOUT_S", 0.3)
    server = start("websocket")
    os.kill(server.pid, signal.SIGSTOP)
    server.stop()
    assert not psutil.pid_exists(server.pid)


def test_neither_its_secret_is_for_everyone_to_read_nor_an_interrupt_of_the_kernel_for_it(
    start: Start,
) -> None:
    child = psutil.Process(start("websocket").pid)
    assert runtime.kernel_secret not in " ".join(child.cmdline())
    assert runtime.kernel_secret not in child.environ().values()
    # Jupyter sends SIGINT to the kernel's whole process group.
    assert os.getpgid(child.pid) != os.getpgid(0)


def test_a_busy_port_is_an_error_with_the_childs_own_words(start: Start) -> None:
    with busy_port() as port:
        with pytest.raises(LabError, match=f"exit code 1: Cannot listen.*{port}"):
            start("websocket", port=port, record=False)
    assert not servers()


def test_an_unknown_technique_is_an_error_before_anything_starts(start: Start) -> None:
    with pytest.raises(LabError, match="no technique"):
        start("carrier_pigeon")


def status_for_origin(server: Server, origin: str) -> int:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("OPTIONS", "/tickets", headers={"Origin": origin})
    status = connection.getresponse().status
    connection.close()
    return status


def test_its_options_reach_it(start: Start) -> None:
    server = start("websocket", allowed_origins=["https://*.example.com"])
    assert status_for_origin(server, "https://app.example.com") == 204
    assert status_for_origin(server, "http://localhost:8888") == 403
    server = start("websocket")
    assert status_for_origin(server, "http://localhost:8888") == 204
    server = start("websocket", allowed_origins=[])
    assert status_for_origin(server, "http://localhost:8888") == 403
    assert status_for_origin(server, server.url) == 204


def test_a_child_that_died_says_so(start: Start) -> None:
    server = start("websocket")
    kill(server)
    assert repr(server) == f"<websocket server {server.url}, ended with exit code -9>"
    with pytest.raises(LabError, match=r"ended with exit code -9; run the cell"):
        server.client("alice")
    assert not servers()
    server.stop()


def test_accepted_direct_messages_survive_a_sigkill(start: Start, technique: str) -> None:
    server = start(technique)
    alice = server.client("alice")
    for n in range(20):
        ack = alice.send(
            {"type": "CHAT_MESSAGE", "data": {"content": f"{n}", "recipientId": "bob"}}
        )
        assert ack is not None
        assert ack.data["status"] == "queued"
    kill(server)
    again = start(technique)
    bob = again.client("bob")
    heard = [bob.receive(10, type="CHAT_MESSAGE") for _ in range(20)]
    assert [event and event.data["content"] for event in heard] == [str(n) for n in range(20)]
    assert bob.receive(0.3, type="CHAT_MESSAGE") is None


def test_two_names_have_two_stores(start: Start) -> None:
    first, second = start("websocket", name="a/b"), start("websocket", name="..")
    with first.client("alice") as alice:
        alice.send({"type": "CHAT_MESSAGE", "data": {"content": "psst", "recipientId": "bob"}})
    with second.client("bob") as bob:
        assert bob.receive(0.3, type="CHAT_MESSAGE") is None
    with first.client("bob") as bob:
        assert bob.receive(10, type="CHAT_MESSAGE") is not None


KERNEL = """
import sys, time
import labserver as lab
from labserver.runtime import server_process
other = lab.start("websocket", process=True, name="other")
server = lab.start("websocket", process=True)
alice = server.client("alice")
print(server.pid, server_process._folder.name, flush=True)
{then}
"""


def kernel(then: str) -> subprocess.Popen[str]:
    """A process that starts a server in a process of its own, and then does something."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", KERNEL.format(then=then)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_when_its_kernel_is_killed(number: signal.Signals) -> None:
    with kernel("time.sleep(60)") as parent:
        assert parent.stdout is not None
        pid, folder = parent.stdout.readline().split()
        assert psutil.pid_exists(int(pid))
        assert Path(folder).is_dir()
        parent.send_signal(number)
        wait_until(lambda: not psutil.pid_exists(int(pid)))
        wait_until(lambda: not Path(folder).exists())


def test_it_ends_with_a_kernel_that_ends() -> None:
    with kernel("") as parent:
        assert parent.stdout is not None
        pid, folder = parent.stdout.readline().split()
        assert parent.wait(DEADLINE_S) == 0
        assert parent.stderr is not None
        assert parent.stderr.read() == ""
        assert not psutil.pid_exists(int(pid))
        assert not Path(folder).exists()


async def test_what_a_child_writes_is_read_and_its_end_kept() -> None:
    child = ServerProcess()
    child.pipe_data_received(1, b"ready http://127.0")
    assert not child.url.done()
    child.pipe_data_received(1, b".0.1:7\nmore")
    assert await child.url == "http://127.0.0.1:7"
    child.pipe_data_received(1, b"and more")
    for _ in range(1000):
        child.pipe_data_received(2, b"warning " * 100)
    child.pipe_data_received(2, b"the end")
    assert len(child._stderr) == TAIL_BYTES
    assert child._stderr.endswith(b"the end")
    assert child.failure() is None
