"""How a run is told: text, table, frame."""

from __future__ import annotations

from typing import Any

from labserver.learner_server.scoreboard import FAILURES_MAX, STAND_IN, Scoreboard, ScoreboardRow

EVIL = "<script>alert(1)</script>"


def row(group: str = "pings", *, passed: bool = True, **more: Any) -> ScoreboardRow:
    fields = {
        "case": "an empty ping",
        "sent": "89 80",
        "received": "an empty pong, close 1000",
        "expected": "an empty pong, close 1000",
        "rule": "RFC 6455 §5.5.3: a pong",
        "exercise": "E13",
    }
    return ScoreboardRow(group=group, passed=passed, **(fields | more))


WRONG = row("close", passed=False, case="code 999", received="close 999", why="it was taken")
STUB = row("close", passed=False, why="E15 on_close is not attempted yet", not_attempted=True)


def test_all_that_passes_is_one_line_and_a_line_a_group() -> None:
    board = Scoreboard((row(), row(), row("close")))
    assert (board.passed, board.total, board.summary) == (3, 3, "3 of 3 passed")
    assert repr(board).splitlines() == ["3 of 3 passed", "", "pings   2 of  2", "close   1 of  1"]
    assert "<details>" in board._repr_html_()
    assert "<details open>" not in board._repr_html_()


def test_what_fails_is_told_with_what_came_and_why() -> None:
    board = Scoreboard((row(), WRONG))
    assert board.summary == "1 of 2 passed"
    assert repr(board).split("\n\n")[-1].splitlines() == [
        "✗ close: code 999",
        "  why       it was taken",
        "  sent      89 80",
        "  received  close 999",
        "  expected  an empty pong, close 1000",
        "  rule      RFC 6455 §5.5.3: a pong (E13)",
    ]
    assert board._repr_html_().count("<details open>") == 1


def test_what_is_not_attempted_is_said_once() -> None:
    board = Scoreboard((row(), STUB, STUB), ("E15 on_close",))
    assert board.summary == "1 of 3 passed. Not attempted yet: E15 on_close."
    assert repr(board).endswith(STAND_IN)
    assert "· close: 0 of 2" in board._repr_html_()


def test_many_failures_are_cut_in_the_text_alone() -> None:
    board = Scoreboard((WRONG,) * (FAILURES_MAX + 2))
    assert repr(board).endswith("… and 2 more: see .frame()")
    assert board._repr_html_().count("it was taken") == FAILURES_MAX + 2


def test_the_frame_has_a_row_a_case() -> None:
    table = Scoreboard((row(), WRONG)).frame()
    assert list(table["passed"]) == [True, False]
    assert {"group", "case", "sent", "received", "expected", "rule", "why"} <= set(table.columns)


def test_what_came_is_text_in_the_table() -> None:
    shown = Scoreboard((row(passed=False, received=EVIL, why=EVIL, sent=EVIL),))._repr_html_()
    assert EVIL not in shown
    assert shown.count("&lt;script&gt;") == 3
