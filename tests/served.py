"""`labserver serve` in a process, as its users run it."""

from __future__ import annotations

import os
import secrets
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from labserver.chat.tokens import Tokens, new_secret
from labserver.clock import SystemClock
from labserver.runtime.client import Client
from labserver.runtime.loop import lab_loop
from labserver.techniques import NAMES, load
from labserver.techniques.reconnecting_client import ChatClient
from labserver.techniques.transport.interface import Address
from tests.waiting import DEADLINE_S

ROOT = Path(__file__).parents[1]
SECRET = new_secret()
TECHNIQUES = [name for name in NAMES if find_spec(f"labserver.techniques.{name}")]


def environment(state: Path, **more: str) -> dict[str, str]:
    """Return the environment variables for a labserver whose state folder is `state`."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    inherited = {key: value for key, value in os.environ.items() if key != "LABSERVER_SECRET"}
    return {**inherited, "PYTHONPATH": path, "LABSERVER_STATE": str(state), **more}


def labserver(*words: str, state: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "labserver", *words],
        env=environment(state, **more),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


@dataclass
class Served:
    """A server process.

    Attributes:
        process: the process.
        url: the URL that it serves.
        first_line: the line that said so.
        log: the file with its standard error.
    """

    process: subprocess.Popen[str]
    first_line: str
    log: Path

    @property
    def url(self) -> str:
        """`http://HOST:PORT`, or https."""
        return self.first_line.removeprefix("ready ").strip()

    @property
    def address(self) -> str:
        """`HOST:PORT`."""
        return self.url.partition("://")[2]

    @property
    def port(self) -> int:
        """Its TCP port."""
        return int(self.url.rpartition(":")[2])

    def token(self, user: str) -> str:
        """Return a token; the server must have the tests' secret."""
        return Tokens(SECRET, SystemClock()).issue(user)

    @contextmanager
    def client(self, technique: str, user: str, room: str = "lobby") -> Iterator[Client]:
        """Connect our own Python client, for the length of a block."""
        address = Address(self.url, self.token(user), room, secrets.token_hex(4))
        core = ChatClient(load(technique).connector(address), user=user, room=room)
        with Client(lab_loop, core) as client:
            yield client

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop, and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)

    def rest_of_stdout(self) -> str:
        """Return what it wrote after the first line, once it has ended."""
        assert self.process.stdout is not None
        return self.process.stdout.read()


@contextmanager
def serving(*words: str, state: Path, **more: str) -> Iterator[Served]:
    """Run `labserver serve WORDS` for the length of a block.

    Args:
        words: the technique, and options.
        state: the state folder.
        more: environment variables beside the tests' secret.
    """
    log = state.with_name(f"{state.name}.log")
    with (
        log.open("wb") as stderr,
        subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "labserver", "serve", *words],
            env=environment(state, **{"LABSERVER_SECRET": SECRET, **more}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            readable, _, _ = select.select([process.stdout], [], [], DEADLINE_S)
            line = process.stdout.readline() if readable else ""
            assert line.startswith("ready http"), f"{line!r}; its log:\n{log.read_text()}"
            yield Served(process, line, log)
        finally:
            process.kill()
