"""A server that has its process to itself: what the command line cannot show from outside."""

from __future__ import annotations

import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from labserver.chat.tokens import Tokens
from labserver.errors import LabError
from labserver.runtime.serve import STOP_SIGNALS, serve
from labserver.runtime.server import kernel_secret
from labserver.runtime.wiring import clock, make_guard
from labserver.techniques import load

GUARD = make_guard(Tokens(kernel_secret, clock), None, [])


def run(technique: str, number: signal.Signals = signal.SIGTERM, **options: Any) -> list[str]:
    """Serve, and raise a signal as soon as it is ready."""
    said: list[str] = []

    def ready(url: str) -> None:
        said.append(url)
        signal.raise_signal(number)

    serve(load(technique), GUARD, ready=ready, stopping=lambda: said.append("stopping"), **options)
    return said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_finds_the_handlers_as_before(
    tmp_path: Path, technique: str, number: signal.Signals
) -> None:
    before = [signal.getsignal(each) for each in STOP_SIGNALS]
    url, told = run(technique, number, store=tmp_path / "mail.sqlite3")
    assert url.startswith("http://127.0.0.1:")
    assert told == "stopping"
    assert [signal.getsignal(each) for each in STOP_SIGNALS] == before
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) != 0


def test_a_store_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="mailbox"):
        run("websocket", store=tmp_path)


def test_a_redis_that_is_away_is_an_error() -> None:
    with pytest.raises(LabError, match="redis-server"):
        run("websocket", store="", redis="redis://127.0.0.1:1")
