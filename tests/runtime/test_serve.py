"""A server that has its process to itself."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from labserver.errors import LabError
from labserver.runtime.child_process import command, options
from labserver.runtime.config import ServerConfig
from labserver.runtime.serve import STOP_SIGNALS, serve
from labserver.runtime.server import kernel_secret
from labserver.runtime.wiring import service_for


def run(technique: str, number: signal.Signals = signal.SIGTERM, **values: Any) -> list[str]:
    """Serve, and raise a signal as soon as it is ready."""
    said: list[str] = []

    def ready(url: str) -> None:
        said.append(url)
        signal.raise_signal(number)

    config = ServerConfig(technique=technique, secret=kernel_secret, **values)
    serve(service_for(config), ready=ready, stopping=lambda: said.append("stopping"))
    return said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_finds_the_handlers_as_before(
    tmp_path: Path, technique: str, number: signal.Signals
) -> None:
    before = [signal.getsignal(each) for each in STOP_SIGNALS]
    url, told = run(technique, number, store=str(tmp_path / "mail.sqlite3"))
    assert url.startswith("http://127.0.0.1:")
    assert told == "stopping"
    assert [signal.getsignal(each) for each in STOP_SIGNALS] == before
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) != 0


def test_a_store_that_is_a_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="mailbox"):
        run("websocket", store=str(tmp_path))


def test_a_redis_that_is_away_is_an_error() -> None:
    with pytest.raises(LabError, match="redis-server"):
        run("websocket", redis="redis://127.0.0.1:1")


@contextmanager
def child(config: ServerConfig) -> Iterator[subprocess.Popen[bytes]]:
    """The process that a kernel starts, with its configuration on standard input."""
    with subprocess.Popen(
        command("labserver.runtime.serve"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options(),
    ) as process:
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode(config) + b"\n")
        process.stdin.flush()
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("temporary", [True, False])
@pytest.mark.parametrize("goodbye", [True, False])
def test_it_ends_with_its_stdin_and_an_orphan_removes_what_was_temporary(
    tmp_path: Path, temporary: bool, goodbye: bool
) -> None:
    store = tmp_path / "own" / "mail.sqlite3"
    store.parent.mkdir()
    config = ServerConfig(
        technique="websocket",
        secret=kernel_secret,
        store=str(store),
        temporary_store=temporary,
        record=False,
    )
    with child(config) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline().startswith(b"ready http://127.0.0.1:")
        assert store.exists()
        if goodbye:
            process.stdin.write(b"good-bye\n")
            process.stdin.flush()
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.5)  # a line is not the end
        process.stdin.close()
        assert process.wait(5) == 0
        assert store.parent.exists() == (goodbye or not temporary)


def test_what_keeps_it_from_serving_is_one_sentence_for_its_parent() -> None:
    with child(ServerConfig(technique="websocket", secret="short", record=False)) as process:
        assert process.stderr is not None
        assert process.wait(30) == 1
        said = process.stderr.read().decode()
    assert "5 bytes" in said
    assert said.count("\n") == 1
