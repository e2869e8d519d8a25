"""The panel, driven by the messages that a page sends; a browser tests what it looks like."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import labserver as lab
from labserver.errors import LabError
from labserver.practice import exercise_panel, live
from labserver.practice.checking.exercise import load
from labserver.practice.exercise_panel import STOPPED, ExercisePanel, exercise
from labserver.practice.progress.hints import NO_MORE
from labserver.practice.progress.store import exercises
from tests.practice.notebook_cells import Cells
from tests.waiting import wait_until, within

WRONG = "def mask(payload, key, offset=0):\n    return payload"
RIGHT = """def mask(payload, key, offset=0):
    if len(key) != 4:
        raise ValueError("a key has 4 bytes")
    return bytes(b ^ key[(offset + i) % 4] for i, b in enumerate(payload))"""
ENDLESS = "def mask(payload, key, offset=0):\n    while True: pass"


class Panel(ExercisePanel):
    """A panel whose words to the page are kept."""

    def send(self, content: Any, buffers: Any = None) -> None:
        self.__dict__.setdefault("told", []).append(content)

    def press(self, do: str, source: str | None = None, **more: Any) -> list[Any]:
        """Send what a page sends, and return what it is told."""
        self.__dict__["told"] = []
        self._handle_custom_msg({"do": do, "view": "1", "source": source, **more}, [])
        return list(self.__dict__["told"])

    def judged(self, source: str | None = None, **more: Any) -> list[str]:
        """Press Check, and return the verdict."""
        self.press("check", source, **more)
        wait_until(lambda: not self.checking)
        return list(self.verdict)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LABSERVER_STATE", str(tmp_path))
    return tmp_path


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch) -> Cells:
    return Cells(monkeypatch)


@pytest.fixture
def panel() -> Iterator[Panel]:
    panel = Panel(load("E10"))
    yield panel
    wait_until(lambda: not panel.checking)
    for one in list(live._panels):
        one.close()  # type: ignore[attr-defined]


def test_a_new_panel_judges_nothing_and_says_where_the_learner_stands() -> None:
    assert lab.exercise is exercise
    assert repr(exercise("e10")) == "E10 masking: not attempted"
    exercises()["E10"] = {"outcome": "pass", "hints": 1}
    panel = exercise("E10")
    assert repr(panel) == "E10 masking: pass"
    assert (panel.points, panel.most) == (2, 2)
    assert panel.hints + panel.unused == list(load("E10").hints)
    assert len(panel.hints) == 1
    assert exercises()["E10"] == {"outcome": "pass", "hints": 1}
    with pytest.raises(LabError, match="There is no exercise 'E99'"):
        exercise("E99")


def test_it_shows_what_lab_check_says(panel: Panel, cells: Cells) -> None:
    cells.run(WRONG)
    outcome, text = panel.judged()
    assert outcome == panel.outcome == "wrong"
    said = repr(lab.check("E10", cells["mask"]))
    assert text == said.removesuffix('\n  For a hint: lab.hint("E10")') != said
    cells.run(RIGHT)
    assert panel.judged() == ["pass", "✓ E10 mask: passes all 24 cases."]
    assert (panel.points, exercises()["E10"]["checks"]) == (2, 3)
    assert exercises()["E10"]["source"].strip() == RIGHT


def test_a_cell_that_was_edited_runs_first(panel: Panel, cells: Cells) -> None:
    cells.run(WRONG)
    assert panel.press("check", RIGHT) == [{"do": "run", "view": "1"}]
    assert (panel.checking, panel.verdict) == (False, [])
    cells.run(RIGHT)
    assert panel.judged(RIGHT, ran=True)[0] == "pass"
    assert panel.press("check", RIGHT) == [{"do": "heard", "view": "1"}]  # it need not run again


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (f"{WRONG} +", "The cell of mask did not run (SyntaxError in line 2"),
        (f"1 / 0\n{WRONG}", "The cell of mask stopped (ZeroDivisionError)"),
        (WRONG.replace("mask", "mask2"), "The cell above does not define mask"),
    ],
)
def test_what_its_cell_did_not_define_is_not_judged(
    panel: Panel, cells: Cells, source: str, why: str
) -> None:
    cells.run(RIGHT)
    panel.judged()
    cells.run(source)
    told = panel.press("check", source, ran=True)
    assert panel.problem.startswith(why)
    assert (panel.checking, panel.verdict) == (False, [])
    assert told == [{"do": "heard", "view": "1"}]
    assert (panel.outcome, exercises()["E10"]["checks"]) == ("pass", 1)


def test_what_is_not_defined_is_asked_for(panel: Panel, cells: Cells) -> None:
    panel.press("check")
    assert panel.problem.startswith("mask is not defined yet: run the cell with your answer")


def test_a_stub_is_not_attempted_and_nothing_is_kept(panel: Panel, cells: Cells) -> None:
    cells.run(load("E10").stub)
    assert panel.judged() == ["not attempted", "· E10 mask: not attempted yet."]
    assert dict(exercises()) == {}


def test_the_kernel_is_free_while_it_judges_and_stop_ends_it(panel: Panel, cells: Cells) -> None:
    cells.run(ENDLESS)
    with within(0.5):
        panel.press("check")
    assert panel.checking
    other = Panel(load("E10"))
    assert other.checking
    other.press("check")  # once is enough
    with within(3):
        other.press("stop")
        wait_until(lambda: not panel.checking)
    assert panel.problem == other.problem == STOPPED
    assert dict(exercises()) == {}
    assert exercise_panel._checks == {}
    cells.run(RIGHT)
    assert other.judged()[0] == "pass"
    wait_until(lambda: panel.outcome == "pass", "the other panel to show it")


def test_stop_at_once_works_as_well(panel: Panel, cells: Cells) -> None:
    cells.run(ENDLESS)
    panel.press("check")
    panel.press("stop")
    wait_until(lambda: not panel.checking)
    assert panel.problem == STOPPED


def test_what_is_judged_is_what_was_defined_when_check_was_pressed(
    panel: Panel, cells: Cells
) -> None:
    cells.run("KEY = 0\ndef mask(payload, key, offset=0):\n    return payload[:KEY]")
    panel.press("check")
    cells.run(RIGHT)
    wait_until(lambda: not panel.checking)
    assert panel.outcome == "wrong"


def test_hints_unfold_one_by_one_and_a_fourth_is_refused(panel: Panel) -> None:
    hints = list(load("E10").hints)
    for number in (1, 2, 3):
        panel.press("hint")
        assert panel.hints == hints[:number]
        assert panel.problem == ""
    panel.press("hint")
    assert (panel.hints, panel.problem, panel.unused) == (hints, NO_MORE, [])


def test_what_happens_elsewhere_is_shown(panel: Panel, cells: Cells) -> None:
    another, unrelated = Panel(load("E10")), Panel(load("E11"))
    cells.run(WRONG)
    lab.check("E10", cells["mask"])
    lab.hint("e10")
    for one in (panel, another):
        assert (one.outcome, one.verdict[0], len(one.hints)) == ("wrong", "wrong", 1)
    assert (unrelated.outcome, unrelated.hints) == ("not attempted", [])
    exercises()["E10"] = {"outcome": "pass"}  # by another notebook's kernel
    another.press("look")
    assert (another.outcome, another.points) == ("pass", 2)
    another.close()
    lab.hint("E10")
    assert (len(panel.hints), another.hints) == (1, [])


def test_a_look_keeps_what_was_said_and_not_kept(panel: Panel, cells: Cells) -> None:
    panel.press("check")
    panel.press("look")
    assert panel.problem.startswith("mask is not defined yet")
    cells.run(load("E10").stub)
    panel.judged()
    panel.press("look")
    assert panel.verdict[0] == "not attempted"


def test_a_reset_is_written_into_the_cell_once_the_attempt_is_kept(
    panel: Panel, cells: Cells, state: Path
) -> None:
    cells.run(RIGHT)
    panel.judged()
    edited = f"{RIGHT}  # not run yet"
    assert panel.press("reset", edited) == [{"do": "put", "view": "1", "text": panel.stub}]
    (kept,) = (state / "attempts").iterdir()
    assert kept.read_text() == edited
    assert (panel.outcome, panel.verdict, panel.can_bring_back) == ("not attempted", [], True)
    assert panel.press("bring_back", panel.stub)[0]["text"] == edited
    assert (panel.outcome, panel.verdict[0], panel.can_bring_back) == ("pass", "pass", False)


def test_a_page_that_cannot_write_into_the_cell_gets_the_stub_to_copy(
    panel: Panel, cells: Cells
) -> None:
    cells.run(WRONG)
    assert panel.press("reset") == []
    assert panel.offered == [load("E10").stub.rstrip("\n"), "the stub"]
    panel.press("bring_back")
    assert panel.offered == [f"{WRONG}\n", "your attempt"]


def test_an_attempt_that_cannot_be_kept_is_not_replaced(panel: Panel, state: Path) -> None:
    (state / "attempts").write_text("a file where the folder belongs")
    exercises()["E10"] = {"outcome": "wrong"}
    assert not [told for told in panel.press("reset", WRONG) if told["do"] == "put"]
    assert "nothing was changed" in panel.problem
    assert exercises()["E10"]["outcome"] == "wrong"


def test_lab_reset_asks_a_panel_that_a_page_shows(panel: Panel) -> None:
    assert panel.stub in repr(lab.reset("E10"))
    panel.press("look")
    said = repr(lab.reset("e10"))
    assert panel.stub not in said
    assert "The panel under your answer puts the stub into its cell" in said
    assert panel.__dict__["told"] == [{"do": "reset"}]


def test_the_interviewers_answer_comes_when_it_is_asked_for_and_a_note_is_kept(
    panel: Panel,
) -> None:
    question, answer = load("E10").follow_up
    assert (panel.question, panel.answer) == (question, "")
    panel.press("note", text="Not for <b>secrecy</b>")
    assert panel.answer == ""
    panel.press("answer")
    again = Panel(load("E10"))
    assert (again.note, again.answer) == ("Not for <b>secrecy</b>", answer)
    lab.reset("E10")
    assert Panel(load("E10")).note == "Not for <b>secrecy</b>"


def test_a_progress_file_that_cannot_be_used_is_said(panel: Panel, cells: Cells) -> None:
    cells.run(RIGHT)
    panel.press("check")
    path = Path(exercise_panel.exercises.__globals__["_file"]())
    path.write_text('{"version": 99}')
    wait_until(lambda: not panel.checking)
    assert "A newer labserver wrote your progress" in panel.problem


def test_what_a_page_makes_up_is_ignored(panel: Panel) -> None:
    panel.press("nonsense")
    panel.press("note", text="x" * 30_000)
    assert len(panel.note) == exercise_panel.NOTE_MAX
