"""A progress bar of which nothing stays."""

from __future__ import annotations

import nbformat
import pytest
from nbclient import NotebookClient

from labserver.measure.progress_bar import progress_bar, time_left

ERASE_LINE = "\x1b[2K"


def pretend_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let rich take what a test captures for a terminal."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")


def run(shown: bool) -> None:
    with progress_bar(shown) as move:
        move("[1] websocket", 1, 2)
        move("[2] sse", 2, 2)


def test_a_terminal_shows_it_and_erases_it_in_the_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_a_terminal(monkeypatch)
    run(True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "[1] websocket" in err
    assert " 50%" in err
    assert "100%" in err.rpartition(ERASE_LINE)[0]
    assert "%" not in err.rpartition(ERASE_LINE)[2]


def test_a_terminal_shows_none_where_none_is_wanted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_a_terminal(monkeypatch)
    run(False)
    assert capsys.readouterr() == ("", "")


def test_a_file_or_a_pipe_gets_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    run(True)
    assert capsys.readouterr() == ("", "")


def test_a_notebook_shows_it_and_keeps_an_output_that_is_empty() -> None:
    source = """
print("before")
from labserver.measure.progress_bar import progress_bar
with progress_bar() as move:
    move("websocket", 1, 2)
print("after")
"""
    updates: list[dict[str, str]] = []

    class Client(NotebookClient):
        """One that keeps what it was shown in passing."""

        def process_message(self, msg, cell, cell_index):  # type: ignore[no-untyped-def]
            if msg["msg_type"] == "update_display_data":
                updates.append(msg["content"]["data"])
            return super().process_message(msg, cell, cell_index)

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    Client(notebook, timeout=60).execute()
    before, bar, after = notebook.cells[0].outputs
    assert (before.text, after.text) == ("before\n", "after\n")
    assert (bar.output_type, bar.data) == ("display_data", {})
    assert "websocket" in updates[0]["text/html"]
    assert "50 %" in updates[0]["text/html"]


def test_the_time_that_is_left_is_told_once_it_can_be() -> None:
    assert [time_left(*known) for known in [(1, 5, 10), (5, 0, 10), (5, 10, 10)]] == ["", "", ""]
    assert time_left(5, 2, 10) == "about 20 s left"
    assert time_left(60, 1, 10) == "about 9 min left"
