"""A real redis-server for the tests, which they may kill."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

from tests.waiting import wait_until


class RedisServer:
    """A redis-server on a port of its own.

    Args:
        executable: the path of redis-server.
        folder: where it keeps its files.
        appendonly: whether it keeps its data over a restart.
    """

    def __init__(self, executable: str, folder: Path, *, appendonly: bool = False) -> None:
        self._folder = folder
        self._appendonly = appendonly
        self._executable = executable
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

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

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
