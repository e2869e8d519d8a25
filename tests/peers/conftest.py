"""Servers in processes of their own, for clients written by others."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from tests.served import TECHNIQUES, Served, serving

Serve = Callable[..., Served]
Shared = Callable[[str], Served]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts `labserver serve WORDS`; all servers are ended with the test."""
    with ExitStack() as stack:

        def start(*words: str) -> Served:
            _skip_unless_there(words[0])
            return stack.enter_context(serving(*words, state=tmp_path / "state"))

        yield start


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """Serves a technique for all tests that need neither its start nor its end.

    They do not meet if each has a room of its own (see `room`), and users of its own for what the
    server counts by user: direct messages, the ids of messages, and the rate limit.
    """
    with ExitStack() as stack:

        @cache
        def start(technique: str) -> Served:
            state = tmp_path_factory.mktemp(technique) / "state"
            return stack.enter_context(serving(technique, state=state))

        def find(technique: str) -> Served:
            _skip_unless_there(technique)
            return start(technique)

        yield find


@pytest.fixture
def room() -> str:
    """The name of a room of the test's own, in which nobody has said anything."""
    return f"room-{secrets.token_hex(8)}"


def _skip_unless_there(technique: str) -> None:
    if technique not in TECHNIQUES:
        pytest.skip(f"{technique} is not there yet")
