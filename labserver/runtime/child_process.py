"""A process of our own: how it is started, and how it learns that it is no longer needed.

The parent's side is `command` and `options`, which fit both `subprocess.Popen` and asyncio's
`subprocess_exec`. The child's side is its standard input: a pipe that only the parent holds open,
so that it ends with the parent, even when that is killed. The first line is what the child is
asked to do (`first_line`); the end means that it should stop (`when_stdin_ends`).
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

SOURCES = Path(__file__).parents[2]
STDIN = 0


class Options(TypedDict):
    """Keyword arguments for `subprocess.Popen` and `subprocess_exec`."""

    env: dict[str, str]
    start_new_session: bool


def command(module: str) -> list[str]:
    """Return the command that runs a module of labserver in another Python."""
    # -P: files in the notebook's folder must not pass for modules.
    return [sys.executable, "-P", "-m", module]


def options(**variables: str) -> Options:
    """Return the environment and the session of a child process.

    The child finds this labserver, installed or not. It gets a session of its own, because Jupyter
    sends an interrupt to the kernel's whole process group, and a child must not die of it.

    Args:
        variables: environment variables, in addition to this process's own.
    """
    search = [str(SOURCES), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(search)} | variables
    return Options(env=environment, start_new_session=True)


def first_line() -> bytes:
    """Read one line from standard input, and nothing of what follows it."""
    # Unbuffered: a buffer would swallow what `when_stdin_ends` waits for.
    with open(STDIN, "rb", buffering=0, closefd=False) as stdin:
        return stdin.readline()


def when_stdin_ends(loop: asyncio.AbstractEventLoop, then: Callable[[bool], object]) -> None:
    """Call a function on an event loop once standard input has ended.

    Args:
        loop: where to call it; if the loop has ended by then, nothing is called.
        then: called with True if the parent wrote anything before it closed the pipe, which a
            parent that was killed cannot do.
    """

    def wait() -> None:
        said_goodbye = False
        try:
            while os.read(STDIN, 4096):
                said_goodbye = True
        except OSError:
            pass  # it was closed, or never was open
        try:
            loop.call_soon_threadsafe(then, said_goodbye)
        except RuntimeError:
            pass  # the loop has ended before

    # A thread, because not every kind of stdin can be polled; os.read, because a daemon thread
    # that holds the lock of sys.stdin aborts the interpreter at its end.
    threading.Thread(target=wait, daemon=True).start()
