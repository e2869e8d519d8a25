from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from labserver.practice.checking import descendants

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows what hides")
WAIT = "import time; print(flush=True); time.sleep(600)"
HIDE_IN_A_FORK = "import os; os.fork() and os._exit(0); os.setsid(); print(os.getpid(), flush=True)"


@contextmanager
def running(mark: str, code: str = WAIT) -> Iterator[subprocess.Popen[str]]:
    """A process with this mark, in a session of its own, that has begun."""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {descendants.MARK: mark},
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


@linux
def test_only_what_carries_the_mark_is_ended() -> None:
    with running("one") as mine, running("another") as other:
        assert mine.stdout is not None
        mine.stdout.readline()
        descendants.end("one")
        assert mine.wait(10) == -9
        assert other.poll() is None


@linux
def test_a_fork_that_has_lost_its_parent_is_found() -> None:
    with running("fork", f"{HIDE_IN_A_FORK}; {WAIT}") as parent:
        assert parent.stdout is not None
        fork = psutil.Process(int(parent.stdout.readline()))
        parent.wait(10)
        descendants.end("fork")
        assert fork.wait(10) is not None or not fork.is_running()
