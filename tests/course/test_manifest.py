"""The manifest survives a round trip; what it cannot be taken for is said, or begun anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from labserver.course import manifest
from labserver.errors import LabError

EDITIONS = {"notebooks/00_start_here.ipynb": ["ab", "cd"]}


def test_what_was_written_is_read(tmp_path: Path) -> None:
    assert not manifest.is_copy(tmp_path)
    manifest.write(tmp_path, EDITIONS)
    assert manifest.is_copy(tmp_path)
    assert manifest.read(tmp_path) == EDITIONS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"format": 1}',
        '{"format": "new", "editions": {}}',
        '{"format": 1, "editions": {"a": "ab"}}',
        '{"format": 1, "editions": {"../a.ipynb": ["ab"]}}',
        '{"format": 1, "editions": {"/a.ipynb": ["ab"]}}',
        '{"format": 1, "editions": {"c:a.ipynb": ["ab"]}}',
        '{"format": 1, "editions": {"..\\\\a.ipynb": ["ab"]}}',
    ],
)
def test_a_broken_one_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / manifest.NAME).write_text(text)
    assert manifest.read(tmp_path) is None


def test_a_newer_one_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / manifest.NAME).write_text('{"format": 2, "files": []}')
    with pytest.raises(LabError, match="update labserver"):
        manifest.read(tmp_path)
