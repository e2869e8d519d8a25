"""Notebooks that learners were given before files and folders moved have the marks that they had.

handed_out/ holds such notebooks: one as it was released, and the code of solved ones, which import
what exercises hand over by its public names.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from labserver.classroom.marking.gradebook import gradebook
from labserver.classroom.marking.mark import mark
from labserver.classroom.marking.references import find_references
from labserver.practice.checking.judge import Outcome

HANDED_OUT = Path(__file__).parent / "handed_out"
SOLVED = sorted((HANDED_OUT / "solved").glob("*.ipynb"))


@pytest.mark.parametrize("path", SOLVED, ids=lambda path: path.stem)
def test_solved_answers_pass(path: Path) -> None:
    marked = mark(path, find_references())
    assert [one.text for one in marked.marks if one.outcome is not Outcome.PASS] == []
    assert marked.points == marked.most > 0


def test_each_public_name_is_imported_by_one_of_them() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in SOLVED)
    for name in ("answers", "event_log", "frames", "sse_events"):
        assert f"from labserver.practice.{name} import" in sources


def test_untouched_stubs_are_not_attempted() -> None:
    marked = mark(HANDED_OUT / "04_handshake.ipynb", find_references())
    assert marked.notebook == "04_the_websocket_handshake"
    assert [one.outcome for one in marked.marks] == [Outcome.NOT_ATTEMPTED] * 2
    assert not any(one.says_more for one in marked.marks)


def test_a_file_with_the_notebooks_former_name_is_the_learners(tmp_path: Path) -> None:
    references = find_references()
    file = tmp_path / "alice_04_handshake.ipynb"
    file.write_bytes((HANDED_OUT / "solved" / "04_handshake.ipynb").read_bytes())
    (learner,) = gradebook([mark(file, references)], tmp_path, references).learners
    assert (learner.name, learner.points) == ("alice", 4)
