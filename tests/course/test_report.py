"""What a learner is told, and under which names files are asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from labserver.course.report import Report, lesson_number, short_name


@pytest.mark.parametrize(
    ("path", "number", "name"),
    [
        ("notebooks/03_streams.ipynb", "03", "03"),
        ("notebooks/12a_socket_io.ipynb", "12a", "12a"),
        ("exercises/03_streams.ipynb", "03", "exercises/03"),
        ("exercises/solutions/03_streams.ipynb", "03", "exercises/solutions/03"),
        ("notebooks/traces/03_streams.trace", "03", "notebooks/traces/03_streams.trace"),
        ("notebooks/code/server.py", None, "notebooks/code/server.py"),
    ],
)
def test_a_file_has_a_number_and_a_short_name(path: str, number: str | None, name: str) -> None:
    assert lesson_number(path) == number
    assert short_name(path) == name


def test_the_first_time_not_every_file_is_listed(tmp_path: Path) -> None:
    report = Report(tmp_path, first=True, added=["notebooks/00_start_here.ipynb"])
    assert report.lines() == [f"Your new copy of the course is in {tmp_path}."]


def test_of_many_files_the_first_four_are_named(tmp_path: Path) -> None:
    report = Report(tmp_path, updated=list("abcdef"))
    assert report.lines()[1] == "Updated, never changed by you: a, b, c, d, and 2 more."


def test_a_command_that_is_suggested_can_be_pasted() -> None:
    report = Report(Path("my notes"), deleted=["notebooks/03_streams.ipynb"])
    assert "`labserver lab 'my notes' --fresh 03` brings it back." in report.lines()[-1]
