"""`lab.exercise`: the panel under an answer, with its check, hints, reset, points and follow-up.

Making a panel judges nothing. The page finds the answer's cell where JupyterLab lets it, and sends
the cell's text along; elsewhere the panel judges what is defined, and shows the stub to be copied.
What it shows is read from the progress file, so that all panels of an exercise show the same. The
judging waits in a thread of its own, so that other cells can run meanwhile.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from labserver.errors import LabError
from labserver.practice import live
from labserver.practice.check import keep
from labserver.practice.checking.exercise import Exercise, load
from labserver.practice.checking.judge import Outcome, Result, hint_line, judge_in
from labserver.practice.checking.sandbox import Sandbox
from labserver.practice.definition import defined, defines, is_current, source_of
from labserver.practice.progress.hints import NO_MORE, give
from labserver.practice.progress.reset import bring_back, last_source, start_again
from labserver.practice.progress.store import change_exercises, exercises
from labserver.widgets.assets import es_module, stylesheet
from labserver.widgets.rerun import close_on_rerun
from labserver.widgets.window import ANSWERS_KEPT, say_when_it_is_gone

STOPPED = "Stopped: nothing was judged."
NOTE_MAX = 20_000  # characters that are kept of the learner's answer to the follow-up

_HERE = Path(__file__).parent
_checks: dict[str, Check] = {}  # those that are running, by exercise


def exercise(exercise_id: str) -> ExercisePanel:
    """Show the panel of an exercise; it belongs below the cell with the answer.

    Args:
        exercise_id: such as `E12`.

    Returns:
        The widget. Nothing is judged until its Check is pressed.

    Raises:
        LabError: if there is no such exercise.
    """
    return ExercisePanel(load(exercise_id))


class ExercisePanel(anywidget.AnyWidget):
    """An exercise's panel; made by `exercise`.

    Args:
        exercise: the exercise.

    The page sends what to `do`, `view` (which of its views asks) and `source` (the text of the
    answer's cell, or null where it cannot be read): `look`, `check` (`ran`: the cell has run for
    it), `stop`, `hint`, `reset`, `bring_back`, `note` (`text`), `answer`. It is told to `run` the
    cell, to `put` a `text` into it, to `reset`, and that a check was `heard`.
    """

    _esm = es_module(_HERE / "exercise_panel.mjs")
    _css = stylesheet(_HERE / "exercise_panel.css")

    exercise_id = traitlets.Unicode().tag(sync=True)
    name = traitlets.Unicode().tag(sync=True)
    title = traitlets.Unicode().tag(sync=True)
    most = traitlets.Int().tag(sync=True)  # points
    stub = traitlets.Unicode().tag(sync=True)
    outcome = traitlets.Unicode().tag(sync=True)
    points = traitlets.Int().tag(sync=True)
    checking = traitlets.Bool().tag(sync=True)
    verdict = traitlets.List(traitlets.Unicode()).tag(sync=True)  # outcome and text of a check
    problem = traitlets.Unicode().tag(sync=True)
    hints = traitlets.List(traitlets.Unicode()).tag(sync=True)
    unused = traitlets.List(traitlets.Unicode()).tag(sync=True)
    offered = traitlets.List(traitlets.Unicode()).tag(sync=True)  # a text to copy, and what it is
    can_bring_back = traitlets.Bool().tag(sync=True)
    question = traitlets.Unicode().tag(sync=True)
    prepares_for = traitlets.Unicode().tag(sync=True)
    answer = traitlets.Unicode().tag(sync=True)  # "" until the learner asks for it
    note = traitlets.Unicode().tag(sync=True)

    def __init__(self, exercise: Exercise) -> None:
        self.exercise = exercise
        self._seen = False
        self._one_at_a_time = threading.Lock()
        self._kept_verdict: list[str] = []
        asked = " and ".join(f"Q{number}" for number in exercise.questions)
        super().__init__(
            exercise_id=exercise.id,
            name=exercise.name,
            title=exercise.title,
            most=exercise.points,
            stub=exercise.stub.rstrip("\n"),
            question=exercise.follow_up[0],
            prepares_for=f"{asked} of the study note" if asked else "",
        )
        say_when_it_is_gone(ANSWERS_KEPT)
        self.refresh()
        self.add_class(f"exercise-{exercise.id.lower()}")
        self.on_msg(self._on_browser)
        live.join(self)
        close_on_rerun(self)

    @property
    def shows(self) -> str:
        """The id of the exercise."""
        return self.exercise.id

    @property
    def seen(self) -> bool:
        """Whether a page has shown it, and can be asked for something."""
        return self._seen

    def refresh(self, result: Result | None = None, problem: str = "") -> None:
        """Show what is kept now; from any thread.

        Args:
            result: how a check went just now; None: as it was kept.
            problem: why there was no check.
        """
        try:
            entry = exercises().get(self.exercise.id, {})
        except LabError as error:  # a thread that judges has nobody to raise it for
            entry, problem = {}, str(error)
        with self._one_at_a_time, self.hold_sync():
            self._show(entry, result, problem)

    def _show(self, entry: dict[str, Any], result: Result | None, problem: str) -> None:
        passed = entry.get("outcome") == Outcome.PASS.value
        self._kept_verdict = list(entry.get("said", []))
        shown = [result.outcome.value, result.text] if result else self._kept_verdict
        last = f"\n{hint_line(self.exercise.id)}"  # the panel has a button for it
        given = min(int(entry.get("hints", 0)), len(self.exercise.hints))
        self.outcome = str(entry.get("outcome", Outcome.NOT_ATTEMPTED.value))
        self.points = self.exercise.points if passed else 0
        self.verdict = [] if problem else [str(one).removesuffix(last) for one in shown]
        self.problem = problem
        self.hints = list(self.exercise.hints[:given])
        self.unused = list(self.exercise.hints[given:]) if passed else []
        self.can_bring_back = "attempt" in entry
        self.answer = self.exercise.follow_up[1] if entry.get("follow_up_shown") else ""
        self.note = str(entry.get("follow_up", ""))
        self.checking = self.exercise.id in _checks

    def ask_for_reset(self) -> None:
        """Let the page put the stub into the answer's cell."""
        self.send({"do": "reset"})

    def close(self) -> None:
        """Let go of the panel; what was kept stays."""
        live.leave(self)
        super().close()

    def _on_browser(self, _: object, message: dict[str, Any], __: object) -> None:
        self._seen = True
        act = getattr(self, f"_do_{message.get('do', '')}", None)
        if act is None:
            return
        try:
            act(message)
        except LabError as error:
            self.refresh(problem=str(error))
            self.send({"do": "heard", "view": message.get("view")})

    def _do_look(self, message: dict[str, Any]) -> None:
        """A page shows the panel: another notebook may have changed what is kept."""
        kept, verdict, problem = self._kept_verdict, self.verdict, self.problem
        self.refresh()
        if self._kept_verdict == kept:
            self.verdict, self.problem = verdict, problem or self.problem  # these were not kept

    def _do_check(self, message: dict[str, Any]) -> None:
        """Judge the answer; a cell whose text is not what is defined has to run first."""
        name, source = self.exercise.name, message.get("source")
        if self.exercise.id in _checks:
            self.send({"do": "heard", "view": message.get("view")})
            return
        if source is not None and not message.get("ran") and not is_current(name, source):
            self.send({"do": "run", "view": message.get("view")})
            return
        if source is not None and not defines(source, name):
            raise LabError(f"The cell above does not define {name}, so nothing was judged.")
        code = defined(name)
        _checks[self.exercise.id] = running = Check(self.exercise, code)
        live.tell(self.exercise.id)
        running.start()
        self.send({"do": "heard", "view": message.get("view")})

    def _do_stop(self, message: dict[str, Any]) -> None:
        if running := _checks.get(self.exercise.id):
            running.sandbox.stop()

    def _do_hint(self, message: dict[str, Any]) -> None:
        _, is_new = give(self.exercise)
        live.tell(self.exercise.id)
        if not is_new:
            self.problem = NO_MORE

    def _do_reset(self, message: dict[str, Any]) -> None:
        source = message.get("source")
        start_again(self.exercise, last_source(self.exercise) if source is None else source)
        live.tell(self.exercise.id)
        self._hand_over(message, self.stub, "the stub")

    def _do_bring_back(self, message: dict[str, Any]) -> None:
        text = bring_back(self.exercise, message.get("source") or "")
        live.tell(self.exercise.id)
        self._hand_over(message, text, "your attempt")

    def _hand_over(self, message: dict[str, Any], text: str, what: str) -> None:
        """Let the page that asked write a text into the cell, or show it to be copied."""
        if message.get("source") is None:
            self.offered = [text, what]
        else:
            self.offered = []
            self.send({"do": "put", "view": message.get("view"), "text": text})

    def _do_note(self, message: dict[str, Any]) -> None:
        self._keep(follow_up=str(message.get("text", ""))[:NOTE_MAX])

    def _do_answer(self, message: dict[str, Any]) -> None:
        self._keep(follow_up_shown=True)

    def _keep(self, **values: Any) -> None:
        with change_exercises() as kept:
            kept.setdefault(self.exercise.id, {}).update(values)
        live.tell(self.exercise.id)

    def __repr__(self) -> str:
        return f"{self.exercise.id} {self.exercise.title}: {self.outcome}"


class Check:
    """A check that runs in a thread of its own.

    Args:
        exercise: the exercise.
        code: the learner's; it is taken as it is now.

    Raises:
        LabError: if the code cannot be sent to another process.
    """

    def __init__(self, exercise: Exercise, code: Any) -> None:
        self.sandbox = Sandbox(exercise, code)
        self._exercise = exercise
        self._source = source_of(code)

    def start(self) -> None:
        """Judge, keep how it went, and let the panels show it."""
        threading.Thread(
            target=self._run, name=f"check of {self._exercise.id}", daemon=True
        ).start()

    def _run(self) -> None:
        result, problem = None, "The check ended without a result: check again."
        try:
            result = judge_in(self.sandbox, self._exercise)
        except LabError as error:
            problem = str(error)
        finally:
            del _checks[self._exercise.id]
            self._report(result, STOPPED if self.sandbox.stopped else problem)

    def _report(self, result: Result | None, problem: str) -> None:
        if result is not None and not self.sandbox.stopped:
            try:
                keep(self._exercise, result, self._source)
                if result.outcome is Outcome.NOT_ATTEMPTED:  # of which nothing is kept
                    live.tell(self._exercise.id, result)
                return
            except LabError as error:  # the progress file cannot be written
                problem = str(error)
        live.tell(self._exercise.id, problem=problem)
