"""A kernel that runs the lab leaves nothing behind, whatever is done to it."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import nbformat
import psutil
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbclient.util import run_sync

from tests.waiting import DEADLINE_S, wait_until, within

pytestmark = pytest.mark.filterwarnings("default")  # of the kernel's client, not of ours

CELLS = [
    "import threading, labserver as lab\nfrom labserver.techniques import NAMES",
    "servers = [lab.start(name) for name in NAMES]",
    "alice, bob = servers[-2].client('alice'), servers[-2].client('bob')\n"
    "windows = [server.chat('carol') for server in servers]",
    "alice.send('hi')\nassert bob.receive(type='CHAT_MESSAGE').data['content'] == 'hi'",
    "own = lab.start('websocket', name='own', process=True)\nown.client('dave').send('hi')",
]
TASKS = """
import asyncio
from labserver.runtime.loop import lab_loop
async def count():
    return len(asyncio.all_tasks())
print(lab_loop.call(count))
"""
STOP = "lab.stop_all()\nprint(sorted(t.name for t in threading.enumerate() if 'lab' in t.name))"


@pytest.fixture
def kernel() -> Iterator[NotebookClient]:
    """A kernel whose cells can be run again and again."""
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    client = NotebookClient(nbformat.v4.new_notebook(cells=cells), timeout=DEADLINE_S)
    with client.setup_kernel():
        yield client


def run_all(kernel: NotebookClient) -> None:
    """Run all cells, as a learner does from the menu."""
    for index, cell in enumerate(kernel.nb.cells):
        kernel.execute_cell(cell, index)


def run(kernel: NotebookClient, source: str) -> str:
    """Run one more cell, and return what it prints."""
    kernel.nb.cells.append(nbformat.v4.new_code_cell(source))
    cell = kernel.execute_cell(kernel.nb.cells[-1], len(kernel.nb.cells) - 1)
    kernel.nb.cells.pop()
    return "".join(output.get("text", "") for output in cell.outputs).strip()


def process(kernel: NotebookClient) -> psutil.Process:
    return psutil.Process(kernel.km.provisioner.pid)


def chat_ports(kernel: psutil.Process) -> set[int]:
    """The ports on which the kernel and its children listen."""
    return {
        one.laddr.port
        for who in [kernel, *kernel.children(recursive=True)]
        for one in who.net_connections("tcp")
        if one.status == psutil.CONN_LISTEN
    }


def refuses(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_running_all_cells_ten_times_leaves_no_thread_task_or_port(
    kernel: NotebookClient,
) -> None:
    child = process(kernel)
    before = chat_ports(child)
    run_all(kernel)
    once, threads = len(chat_ports(child) - before), child.num_threads()
    tasks = int(run(kernel, TASKS))
    assert once == 2 * 6  # the relay's, and the server's behind it
    for _ in range(9):
        run_all(kernel)
    assert len(chat_ports(child) - before) == once
    assert child.num_threads() <= threads + 1
    assert len(child.children(recursive=True)) == 1
    wait_until(lambda: int(run(kernel, TASKS)) <= tasks)
    assert run(kernel, "print(lab.failures())") == "[]"
    assert run(kernel, STOP) == "[]"
    assert chat_ports(child) == before
    wait_until(lambda: not child.children(recursive=True))


def test_an_interrupted_cell_leaves_the_lab_as_it_was(
    kernel: NotebookClient, tmp_path: Path
) -> None:
    run_all(kernel)
    began = tmp_path / "began"

    def interrupt() -> None:
        wait_until(began.exists)
        process(kernel).send_signal(signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(CellExecutionError, match="KeyboardInterrupt"):
        run(kernel, f"open({str(began)!r}, 'w').close()\nalice.receive(timeout=None, type='NEVER')")
    thread.join()
    kernel.nb.cells.pop()
    said = "alice.send('again')\nprint(bob.receive(type='CHAT_MESSAGE').data['content'])"
    assert run(kernel, said) == "again"
    assert run(kernel, STOP) == "[]"


@pytest.mark.parametrize("signal_sent", [signal.SIGTERM, signal.SIGKILL], ids=["end", "kill"])
def test_a_kernel_that_ends_takes_its_servers_along(
    kernel: NotebookClient, signal_sent: signal.Signals
) -> None:
    child = process(kernel)
    before = chat_ports(child)
    run_all(kernel)
    ports = chat_ports(child) - before
    children = child.children(recursive=True)
    assert ports
    assert children
    child.send_signal(signal_sent)
    wait_until(lambda: all(refuses(port) for port in ports))
    wait_until(lambda: not any(one.is_running() for one in children))


def test_a_restart_is_quick_with_streams_open_and_frees_the_ports(kernel: NotebookClient) -> None:
    child = process(kernel)
    before = chat_ports(child)
    run_all(kernel)
    ports = chat_ports(child) - before
    with within(5):
        run_sync(kernel.km.restart_kernel)()
    wait_until(lambda: all(refuses(port) for port in ports))
