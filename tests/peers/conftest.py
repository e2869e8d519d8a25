"""Servers in processes of their own, for clients written by others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.served import TECHNIQUES, Served, serving

Serve = Callable[..., Served]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts `labserver serve WORDS`; all servers are ended with the test."""
    with ExitStack() as stack:

        def start(*words: str) -> Served:
            if words[0] not in TECHNIQUES:
                pytest.skip(f"{words[0]} is not there yet")
            return stack.enter_context(serving(*words, state=tmp_path / "state"))

        yield start
