from __future__ import annotations

from pathlib import Path

import pytest

import labserver as lab
from labserver.errors import LabError
from labserver.measure.claims import claims_table
from labserver.measure.verdict import Spread
from labserver.practice.note.claims import claims
from labserver.practice.note.verdicts import SIGNS, NoteVerdicts, judge_table, verdict, verdicts
from labserver.practice.progress.store import kept


@pytest.fixture(autouse=True)
def nothing_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABSERVER_STATE", str(tmp_path))
    monkeypatch.delenv("LABSERVER_QUICK", raising=False)


def row_of(board: NoteVerdicts, claim_id: str) -> str:
    (row,) = (row for row in board.rows if row.claim.id == claim_id)
    return row.said


def test_before_any_run_each_claim_names_its_lesson() -> None:
    board = verdicts()
    assert (board.judged, len(board.rows)) == (0, len(claims()))
    assert row_of(board, "accept-hash") == "not judged yet: lesson 04"
    assert row_of(board, "option-websocket") == "not judged yet: lesson 04 and 05"
    assert repr(board).endswith(f"0 of {len(claims())} claims are judged.")


def test_a_verdict_is_kept_and_shown() -> None:
    given = verdict("accept-hash", "holds when", "it says what is spoken; TLS says who speaks")
    assert "~ “Sec-WebSocket-Accept: <hash>” holds when: it says what" in repr(given)
    assert row_of(verdicts(), "accept-hash") == given.said
    assert "1 of 84 claims are judged: 1 ~ holds when." in repr(verdicts())
    assert kept("verdicts")["accept-hash"]["judged"].endswith("Z")


def test_a_later_verdict_replaces_the_earlier_one() -> None:
    verdict("q1-ten-times", "holds", "10.2 times at 64 bytes")
    verdict("q1-ten-times", "does not hold", "1.6 times at 1 KB")
    assert row_of(verdicts(), "q1-ten-times") == "does not hold: 1.6 times at 1 KB"


def test_a_lesson_lists_only_its_claims() -> None:
    assert {4 in row.claim.lessons for row in verdicts(lesson=4).rows} == {True}
    with pytest.raises(LabError, match="judges no claim of the note: choose one of 1, 2, 3"):
        verdicts(lesson=77)


def test_a_quick_run_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABSERVER_QUICK", "1")
    verdict("q1-ten-times", "undecided", "the ratios overlap")
    assert row_of(verdicts(), "q1-ten-times") == "undecided: the ratios overlap (a quick run)"


@pytest.mark.parametrize(
    ("claim_id", "said", "evidence", "match"),
    [
        ("accept-hash", "maybe", "seen", "'maybe' is not a verdict: give one of holds, holds when"),
        ("accept-hash", "holds", " ", "evidence= must not be empty"),
        ("accept-hash", "holds", "x" * 401, "at most 400 characters"),
        ("accept", "holds", "seen", "did you mean"),
    ],
)
def test_what_is_no_verdict_is_refused_and_nothing_is_kept(
    claim_id: str, said: str, evidence: str, match: str
) -> None:
    with pytest.raises(LabError, match=match):
        verdict(claim_id, said, evidence)
    assert verdicts().judged == 0


def test_text_is_data_and_a_verdict_is_told_by_sign_and_word() -> None:
    for claim_id, said in zip(
        ("ping-pong", "close-frame", "tunnel", "q2-pub-sub"), SIGNS, strict=True
    ):
        verdict(claim_id, said, "<b>seen</b>")
    html = verdicts()._repr_html_()
    assert "&lt;b&gt;seen" in html
    assert "<b>seen" not in html
    assert all(f"{sign} {said}: " in html for said, sign in SIGNS.items())
    assert "Q2: scaling WebSocket servers" in html


def test_one_verdict_shows_itself_without_a_count() -> None:
    html = verdict("ping-pong", "holds", "a pong came")._repr_html_()
    assert "✓ holds: a pong came" in html
    assert "claims are judged" not in html


def test_the_measured_table_gives_its_verdicts_and_leaves_out_what_is_open() -> None:
    bytes_ = {"short_polling": 1300.0, "long_polling": 900.0, "sse": 200.0, "websocket": 150.0}
    board = judge_table(claims_table(message_bytes=bytes_))
    assert row_of(board, "table-overhead-websocket").startswith("holds: 150 bytes per message")
    assert board.judged == len(board.rows) == verdicts().judged
    assert row_of(verdicts(), "table-latency-sse").startswith("not judged yet")
    assert row_of(verdicts(), "table-direction-long-polling").startswith("does not hold")


def test_evidence_of_a_whole_measurement_is_short_enough() -> None:
    spreads = {
        name: Spread(median, 0.9 * median, 1.1 * median, 3)
        for name, median in (
            ("short_polling", 108.0),
            ("long_polling", 1.2),
            ("sse", 1.1),
            ("websocket", 1.0),
        )
    }
    assert judge_table(claims_table(latency_ms=spreads)).judged > 10


def test_the_names_are_the_package_s_own() -> None:
    assert lab.verdict is verdict
    assert lab.verdicts is verdicts
