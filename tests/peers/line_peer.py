"""Drives a foreign client by one command per line: peer.mjs, Peer.java."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.waiting import DEADLINE_S

HERE = Path(__file__).parent
Event = dict[str, Any]


class LinePeer:
    """A client in a process of its own; see peer.mjs for the commands and answers.

    Args:
        process: it.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def tell(self, command: str, rest: str) -> None:
        """Send it a command."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command} {rest}\n")
        self._process.stdin.flush()

    def send(self, event: Event) -> None:
        """Have it send an event."""
        self.tell("text", json.dumps(event))

    def say(self, content: str, **data: str) -> None:
        """Have it send a chat message."""
        self.send({"type": "CHAT_MESSAGE", "data": {"content": content, **data}})

    def answer(self, *kinds: str) -> str:
        """Return the rest of its next answer of one of `kinds`; others are skipped."""
        seen = []
        while (line := self._lines.get(timeout=DEADLINE_S)) is not None:
            kind, _, rest = line.partition(" ")
            if kind in kinds:
                return rest.strip()
            seen.append(line)
        raise AssertionError(f"it ended without {kinds}; it said {seen}")

    def event(self, kind: str) -> Event:
        """Return the next event of type `kind` that it received."""
        while True:
            event: Event = json.loads(self.answer("message"))
            if event["type"] == kind:
                return event

    def settle(self) -> None:
        """Wait until it is in the room; from then on it receives everything that is sent."""
        self.answer("open")
        self.send({"type": "PING"})
        self.event("PONG")

    def close(self) -> None:
        """End its process."""
        self._process.kill()
        self._reader.join()


@contextmanager
def line_peer(*command: str, cwd: Path = HERE) -> Iterator[LinePeer]:
    """A foreign client for the time of a block.

    Args:
        command: how it is started.
        cwd: where.
    """
    with subprocess.Popen(
        command, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        peer = LinePeer(process)
        try:
            yield peer
        finally:
            peer.close()


def node_command(url: str, subprotocol: str = "") -> Sequence[str]:
    """Start Node's `ws`."""
    return ["node", "peer.mjs", url, *([subprotocol] if subprotocol else [])]


def java_command(classes: Path) -> Callable[..., Sequence[str]]:
    """Start Java's `java.net.http.WebSocket`, as quickly as a JVM can.

    Args:
        classes: the folder with the compiled Peer.java; see `compile_java`.
    """

    def command(url: str, subprotocol: str = "") -> Sequence[str]:
        options = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"]
        words = [url, *([subprotocol] if subprotocol else [])]
        return ["java", *options, "-cp", str(classes), "Peer", *words]

    return command


def compile_java(classes: Path) -> None:
    """Compile Peer.java into the folder `classes`."""
    subprocess.run(["javac", "-d", classes, "Peer.java"], cwd=HERE, check=True)
