"""A kernel that runs the lab leaves nothing behind, whatever is done to it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator

import nbformat
import psutil
import pytest
from jupyter_client.manager import KernelManager, start_new_kernel
from nbclient import NotebookClient
from nbformat import NotebookNode

pytestmark = pytest.mark.filterwarnings("default")  # of the kernel's client, not of ours

CELLS = [
    "import threading, labserver as lab\nfrom labserver.techniques import NAMES",
    "servers = [lab.start(name) for name in NAMES]",
    "alice, bob = servers[-2].client('alice'), servers[-2].client('bob')\n"
    "windows = [server.chat('carol') for server in servers]",
    "alice.send('hi')\nassert bob.receive(type='CHAT_MESSAGE').data['content'] == 'hi'",
    "own = lab.start('websocket', name='own', process=True)\nown.client('dave').send('hi')",
]
STOP = "lab.stop_all()\nprint(sorted(t.name for t in threading.enumerate() if 'lab' in t.name))"


def notebook(*sources: str) -> NotebookNode:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    return nbformat.v4.new_notebook(cells=cells)


@pytest.fixture
def manager() -> Iterator[KernelManager]:
    manager, client = start_new_kernel()
    client.stop_channels()
    yield manager
    if manager.is_alive():
        manager.shutdown_kernel(now=True)


def run(manager: KernelManager, *sources: str) -> str:
    """Run cells on a kernel that is kept, and return what the last one prints."""
    client = NotebookClient(notebook(*sources), km=manager, timeout=60)
    executed = client.execute(cleanup_kc=True, reset_kc=True)
    return "".join(output.get("text", "") for output in executed.cells[-1].outputs)


def process(manager: KernelManager) -> psutil.Process:
    return psutil.Process(manager.provisioner.pid)


def chat_ports(kernel: psutil.Process) -> set[int]:
    """The ports on which the kernel and its children listen."""
    return {
        one.laddr.port
        for who in [kernel, *kernel.children(recursive=True)]
        for one in who.net_connections("tcp")
        if one.status == psutil.CONN_LISTEN
    }


def until(condition: Callable[[], bool], timeout: float = 10.0) -> None:
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


def refuses(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_running_all_cells_ten_times_leaves_no_thread_task_or_port(
    manager: KernelManager,
) -> None:
    kernel = process(manager)
    before = chat_ports(kernel)
    run(manager, *CELLS)
    once, threads = len(chat_ports(kernel) - before), kernel.num_threads()
    assert once == 6
    for _ in range(9):
        run(manager, *CELLS)
    assert len(chat_ports(kernel) - before) == once
    assert kernel.num_threads() <= threads + 1
    assert len(kernel.children(recursive=True)) == 1
    assert run(manager, STOP).strip() == "[]"
    assert chat_ports(kernel) == before
    until(lambda: not kernel.children(recursive=True))


def test_an_interrupted_cell_leaves_the_lab_as_it_was(manager: KernelManager) -> None:
    run(manager, *CELLS)
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=30)
    waiting = client.execute("alice.receive(timeout=None, type='NEVER')")
    time.sleep(0.5)
    manager.interrupt_kernel()
    reply = client.get_shell_msg(timeout=10)
    while reply["parent_header"]["msg_id"] != waiting:
        reply = client.get_shell_msg(timeout=10)
    assert reply["content"]["ename"] == "KeyboardInterrupt"
    client.stop_channels()
    said = "alice.send('again')\nprint(bob.receive(type='CHAT_MESSAGE').data['content'])"
    assert run(manager, said).strip() == "again"
    assert run(manager, STOP).strip() == "[]"


@pytest.mark.parametrize("now", [False, True], ids=["restart", "kill"])
def test_a_kernel_that_ends_takes_its_servers_along(manager: KernelManager, now: bool) -> None:
    kernel = process(manager)
    before = chat_ports(kernel)
    run(manager, *CELLS)
    ports = chat_ports(kernel) - before
    children = kernel.children(recursive=True)
    assert ports
    assert children
    began = time.monotonic()
    manager.restart_kernel(now=now)
    assert time.monotonic() - began < 5
    until(lambda: all(refuses(port) for port in ports))
    until(lambda: not any(child.is_running() for child in children))
