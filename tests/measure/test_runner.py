"""The load's process: what it returns, how it fails, and what is left after an interrupt."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Collection
from pathlib import Path

import msgspec
import psutil
import pytest

from labserver.errors import LabError
from labserver.measure.latency import LatencyPlan
from labserver.measure.runner import carry_out
from labserver.measure.workload import Workload
from tests.measure.test_progress_bar import pretend_a_terminal
from tests.waiting import DEADLINE_S, wait_until

LONG = LatencyPlan(
    runs=[("websocket", "loopback"), ("sse", "loopback")],
    links={"loopback": None},
    poll_interval_s=1.0,
    workload=Workload(messages=10_000),
    repetitions=1,
)
SHORT = msgspec.structs.replace(LONG, workload=Workload(messages=3))
PROCESSES = 3  # the load, and two servers


def wait_for(
    processes: int, of: psutil.Process, beside: Collection[psutil.Process] = ()
) -> list[psutil.Process]:
    def found() -> list[psutil.Process]:
        children = set(of.children(recursive=True)) - set(beside)
        return list(children) if len(children) >= processes else []

    return wait_until(found)


def test_rows_come_in_the_order_in_which_they_were_measured() -> None:
    before = set(psutil.Process().children(recursive=True))
    rows = carry_out(SHORT, progress=False)
    assert [row[:4] for row in rows] == [
        (technique, "loopback", 0, message)
        for technique in ("websocket", "sse")
        for message in range(3)
    ]
    assert set(psutil.Process().children(recursive=True)) <= before


def test_the_bar_says_what_is_measured(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_a_terminal(monkeypatch)
    carry_out(SHORT)
    shown = capsys.readouterr().err
    assert "websocket over loopback" in shown
    assert "100%" in shown


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other interrupts")
def test_an_interrupt_ends_all_processes_at_once() -> None:
    before = psutil.Process().children(recursive=True)  # such as a Redis of other tests
    found: list[psutil.Process] = []
    began: list[float] = []

    def interrupt() -> None:
        found.extend(wait_for(PROCESSES, psutil.Process(), before))
        time.sleep(0.5)  # so that people are speaking
        began.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        carry_out(LONG, progress=False)
    thread.join()
    assert len(found) == PROCESSES
    assert not any(process.is_running() for process in found)
    assert time.monotonic() - began[0] < DEADLINE_S  # and not the minutes that it would have taken


def test_a_kernel_that_is_killed_takes_all_processes_with_it() -> None:
    script = (
        "from tests.measure.test_runner import LONG, carry_out; carry_out(LONG, progress=False)"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", script], cwd=root) as kernel:
        found = wait_for(PROCESSES, psutil.Process(kernel.pid))
        kernel.kill()
    gone, alive = psutil.wait_procs(found, timeout=DEADLINE_S)
    assert len(gone) == PROCESSES
    assert not alive


def test_what_cannot_be_measured_is_told_in_a_sentence() -> None:
    plan = msgspec.structs.replace(SHORT, runs=[("carrier_pigeon", "loopback")])
    with pytest.raises(LabError, match="There is no technique 'carrier_pigeon'"):
        carry_out(plan, progress=False)


def test_a_load_that_fails_says_how() -> None:
    class Nonsense(msgspec.Struct, tag="nonsense"):
        """Not a plan that the generator knows."""

    with pytest.raises(LabError, match=r"(?s)exit code 1: .*ValidationError"):
        carry_out(Nonsense(), progress=False)
