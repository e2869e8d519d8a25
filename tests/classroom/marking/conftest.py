"""The solved notebooks, and a way to write a learner's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from labserver.classroom.marking.references import Reference, find_references
from tests.classroom.marking.books import Notebook

Write = Callable[..., Path]


@pytest.fixture(scope="session")
def references() -> list[Reference]:
    """The repository's solved notebooks."""
    return find_references()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a notebook to a file."""

    def write(book: Notebook | str, name: str = "05_frames.ipynb") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = book if isinstance(book, str) else json.dumps(book)
        path.write_text(text, encoding="utf-8")
        return path

    return write
