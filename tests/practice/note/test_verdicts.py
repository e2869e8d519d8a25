from __future__ import annotations

from pathlib import Path

import pandas
import pytest

import labserver as lab
from labserver.clock import VirtualClock
from labserver.errors import LabError
from labserver.figures.verdict_marks import MARKS
from labserver.measure.claims import claims_table
from labserver.practice.note.claims import claims
from labserver.practice.note.verdicts import (
    Judgement,
    NoteVerdict,
    record,
    verdict,
    verdicts,
)
from labserver.practice.progress.store import kept


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABSERVER_STATE", str(tmp_path))
    monkeypatch.delenv("LABSERVER_QUICK", raising=False)
    monkeypatch.chdir(tmp_path)


def shown(claim_id: str) -> Judgement:
    (found,) = (each for each in verdicts().judgements if each.claim.id == claim_id)
    return found


def test_a_verdict_is_one_sentence_and_kept() -> None:
    said = lab.verdict("accept-hash", "holds", "the RFC's example came back")
    assert repr(said) == (
        "The note, Connection Lifecycle, 2: “Sec-WebSocket-Accept: <hash>”."
        " Verdict: holds — the RFC's example came back"
    )
    assert shown("accept-hash") == said


def test_it_says_when_it_was_given() -> None:
    verdict("accept-hash", "holds", "so", clock=VirtualClock(0.0))
    assert kept("verdicts")["accept-hash"]["at"].startswith("1970-01-01T")


def test_holds_when_comes_with_its_condition() -> None:
    said = verdict("q1-connection-setup", "holds when keep-alive is off", "19 of 20")
    assert "Verdict: holds when keep-alive is off — 19 of 20" in repr(said)
    assert shown("q1-connection-setup").condition == "keep-alive is off"


def test_without_its_condition_it_still_reads() -> None:
    said = verdict("q1-connection-setup", NoteVerdict.HOLDS_WHEN, "keep-alive is off")
    assert "holds only under conditions — keep-alive is off" in repr(said)


def test_a_later_verdict_takes_the_place_of_an_earlier_one() -> None:
    verdict("accept-hash", "holds", "at first")
    verdict("accept-hash", "undecided", "later")
    assert shown("accept-hash").verdict is NoteVerdict.UNDECIDED
    assert len(kept("verdicts")) == 1


def test_what_a_quick_run_says_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABSERVER_QUICK", "1")
    verdict("q1-ten-times", "does not hold", "4 times")
    assert "4 times (a quick run)" in repr(verdicts())


@pytest.mark.parametrize("word", ["true", "", "holds if it rains", "hold"])
def test_another_word_is_refused_with_those_there_are(word: str) -> None:
    with pytest.raises(LabError, match='"holds", "holds when", "does not hold" or "undecided"'):
        verdict("accept-hash", word, "so")
    assert not kept("verdicts")


def test_without_evidence_there_is_no_verdict() -> None:
    with pytest.raises(LabError, match="evidence"):
        verdict("accept-hash", "holds", " ")


def test_an_unknown_claim_is_refused_before_anything_is_kept() -> None:
    with pytest.raises(LabError, match="accept-hash"):
        verdict("accept-hahs", "holds", "so")
    assert not kept("verdicts")


def test_the_scoreboard_fills() -> None:
    assert verdicts().summary == f"0 of {len(claims())} claims judged."
    verdict("accept-hash", "holds", "so")
    verdict("handshake-as-printed", "does not hold", "400")
    verdict("q1-ten-times", "holds when messages are short", "so")
    assert verdicts().summary == (
        f"3 of {len(claims())} claims judged: 1 holds, 1 holds under conditions, 1 does not hold."
    )


def test_what_is_not_judged_yet_says_which_lesson_will() -> None:
    lines = repr(verdicts()).splitlines()
    assert "  · WebSocket, protocol: “TCP (WS/WSS)”: not judged yet, lesson 04 will" in lines
    assert any(line.endswith("lessons 09 and 02 will") for line in lines)


def test_a_lesson_shows_the_claims_that_it_judges() -> None:
    board = verdicts(lesson=4)
    assert {each.claim.id for each in board.judgements} >= {"handshake-as-printed", "accept-hash"}
    assert all(4 in each.claim.lessons for each in board.judgements)


@pytest.mark.parametrize("lesson", [0, 99])
def test_a_lesson_that_judges_nothing_is_refused(lesson: int) -> None:
    with pytest.raises(LabError, match="choose one of 1, 2, 3, "):
        verdicts(lesson=lesson)


def test_what_this_version_does_not_know_counts_as_not_judged() -> None:
    kept("verdicts")["accept-hash"] = {"verdict": "perhaps"}
    kept("verdicts")["gone"] = {"verdict": "holds", "evidence": "so"}
    assert verdicts().summary.startswith("0 of ")


def test_the_measured_table_becomes_verdicts_and_open_cells_none() -> None:
    said = record(claims_table())
    assert repr(said).startswith("16 of the table's 32 claims are judged; 16 are still open")
    assert shown("table-direction-long-polling").verdict is NoteVerdict.DOES_NOT_HOLD
    assert shown("table-overhead-sse").verdict is None


def test_a_table_of_something_else_is_refused() -> None:
    row = ("Colour", "sse", "blue", "holds", "judged", "so")
    table = pandas.DataFrame([row], columns=list(claims_table().columns))
    with pytest.raises(LabError, match="table-colour-sse"):
        record(table)


def test_the_page_has_signs_and_escapes_what_was_said() -> None:
    verdict("accept-hash", "holds", "<script>")
    html = verdicts()._repr_html_()
    assert "✓ holds" in html
    assert "&lt;script&gt;" in html
    assert "&lt;hash&gt;" in html
    assert "<script" not in html
    assert "&lt;script&gt;" in shown("accept-hash")._repr_html_()


def test_a_section_is_open_once_something_in_it_is_judged() -> None:
    assert "<details open>" not in verdicts()._repr_html_()
    verdict("accept-hash", "holds", "so")
    assert verdicts()._repr_html_().count("<details open>") == 1


def test_lessons_that_are_there_are_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "04_handshake.ipynb").touch()
    monkeypatch.chdir(tmp_path / "notebooks")
    html = verdicts(lesson=4)._repr_html_()
    assert '<a href="04_handshake.ipynb">04</a>' in html
    assert "<a" not in html.replace('<a href="04_handshake.ipynb">', "")


def test_each_word_has_a_mark() -> None:
    assert list(MARKS) == list(NoteVerdict)
