"""A real redis-server for the tests, which they may kill."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import reserved_port
from tests.waiting import wait_until


class RedisServer:
    """A redis-server, which is started and killed by hand.

    Args:
        port: of 127.0.0.1; reserved as long as the server may be started again.
        executable: the path of redis-server.
        folder: where it keeps its files.
        appendonly: whether it keeps its data over a restart.
    """

    def __init__(
        self, port: int, executable: str, folder: Path, *, appendonly: bool = False
    ) -> None:
        self._folder = folder
        self._appendonly = appendonly
        self._executable = executable
        self.port = port
        self.url = f"redis://127.0.0.1:{port}/0"

    def start(self) -> None:
        """Start it, or restart it, on the same port with the same files."""
        command = [self._executable, "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--dir", str(self._folder)]
        command += ["--appendonly", "yes" if self._appendonly else "no", "--appendfsync", "always"]
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(self._answers, f"redis-server; its log is in {self._folder}")

    def kill(self) -> None:
        """Kill it, as a crash would."""
        self._process.kill()
        self._process.wait()

    @classmethod
    @contextmanager
    def running(
        cls, executable: str, folder: Path, *, appendonly: bool = False
    ) -> Iterator[RedisServer]:
        """Run one on a port of its own for the duration of a block."""
        with reserved_port() as port:
            server = cls(port, executable, folder, appendonly=appendonly)
            server.start()
            try:
                yield server
            finally:
                server.kill()

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
