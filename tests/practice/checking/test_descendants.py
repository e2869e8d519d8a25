from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from labserver.practice.checking import descendants

posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no forks and sessions")
WAIT = "import time; print(flush=True); time.sleep(600)"
HIDE_IN_A_FORK = "import os; os.fork() and os._exit(0); os.setsid(); print(os.getpid(), flush=True)"


@contextmanager
def running(mark: str, code: str = WAIT) -> Iterator[subprocess.Popen[str]]:
    """A process with this mark, in a session of its own, that has begun."""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {descendants.VARIABLE: mark},
        stdout=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@posix
def test_only_what_carries_the_mark_is_ended() -> None:
    started = time.time()
    with running("one") as mine, running("another") as other:
        assert mine.stdout is not None
        mine.stdout.readline()
        descendants.end("one", started)
        assert mine.wait(10) == -9
        assert other.poll() is None


@posix
def test_a_fork_that_has_lost_its_parent_is_found() -> None:
    started = time.time()
    with running("fork", f"{HIDE_IN_A_FORK}; {WAIT}") as parent:
        assert parent.stdout is not None
        fork = psutil.Process(int(parent.stdout.readline()))
        parent.wait(10)
        descendants.end("fork", started)
        assert fork.wait(10) is not None or not fork.is_running()


@posix
def test_a_process_in_the_middle_of_an_exec_is_looked_at_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """During an exec the environment reads as empty; the next look must find the variable."""
    environ, hidden = psutil.Process.environ, []

    def empty_at_first(process: psutil.Process) -> dict[str, str]:
        if process.pid == mine.pid and len(hidden) < 2:
            hidden.append(process.pid)
            return {}
        return environ(process)

    started = time.time()
    with running("exec") as mine:
        assert mine.stdout is not None
        mine.stdout.readline()
        monkeypatch.setattr(psutil.Process, "environ", empty_at_first)
        descendants.end("exec", started)
        assert hidden == [mine.pid] * 2
        assert mine.wait(10) == -9
