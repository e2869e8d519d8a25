"""Every exercise: its solution passes, its stub is not attempted, wrong ideas are named."""

from __future__ import annotations

import ast
import os
import pickle
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from labserver.practice.checking.exercise import Case, Exercise, Failure, ids, load
from labserver.practice.checking.judge import Outcome, Result, judge
from labserver.practice.checking.play import Raised
from labserver.practice.checking.values import decode, encode, same
from tests.exercises.wrong import messages_of, wrong_of

ALL = ids()


@pytest.fixture(params=ALL)
def exercise(request: pytest.FixtureRequest) -> Exercise:
    """Each exercise."""
    return load(request.param)


def stub_of(exercise: Exercise) -> Any:
    """What the stub defines."""
    defined: dict[str, Any] = {"__name__": "__main__"}
    exec(exercise.stub, defined)
    return defined[exercise.name]


def test_the_solution_passes_in_one_line_that_is_always_the_same(exercise: Exercise) -> None:
    first, second = judge(exercise, exercise.reference), judge(exercise, exercise.reference)
    assert first.outcome is Outcome.PASS
    assert first.points == exercise.points > 0
    assert repr(first).startswith(f"✓ {exercise.id} {exercise.name}: passes all ")
    assert "\n" not in repr(first)
    assert (repr(first), first._repr_html_()) == (repr(second), second._repr_html_())


def test_the_stub_is_not_attempted(exercise: Exercise) -> None:
    result = judge(exercise, stub_of(exercise))
    assert (result.outcome, result.points) == (Outcome.NOT_ATTEMPTED, 0)
    assert f'lab.hint("{exercise.id}")' in repr(result)


@cache
def judged(exercise_id: str, name: str) -> Result:
    """How a wrong solution is judged, which takes a process: once, for all that look at it."""
    return judge(load(exercise_id), wrong_of(exercise_id)[name])


@pytest.mark.parametrize(
    ("exercise_id", "name"), [(one, name) for one in ALL for name in messages_of(one)], ids=str
)
def test_a_wrong_idea_is_told_what_is_wrong_with_it(exercise_id: str, name: str) -> None:
    result = judged(exercise_id, name)
    assert result.outcome is Outcome.WRONG
    told, *rest = repr(result).splitlines()
    assert told.startswith(f"✗ {exercise_id} ")
    assert messages_of(exercise_id)[name] in told
    labels = [line.split()[0] for line in rest if line.strip()]
    assert {"input", "expected", "rule"} <= set(labels)


def test_every_wrong_solution_is_tried() -> None:
    assert {one: set(wrong_of(one)) for one in ALL} == {one: set(messages_of(one)) for one in ALL}


def test_every_diagnosis_is_reached_by_a_wrong_solution(exercise: Exercise) -> None:
    told = {repr(judged(exercise.id, name)).splitlines()[0] for name in wrong_of(exercise.id)}
    unused = [one.message for one in exercise.diagnoses if not any(one.message in t for t in told)]
    assert unused == []


def test_an_expectation_of_its_own_is_what_the_solution_gives(exercise: Exercise) -> None:
    """Vectors from a standard keep the reference honest, and the other way round."""
    cases = list(exercise.cases())
    vectors = [case for case in cases if case.expected is not ...]
    assert vectors
    assert vectors[0] is cases[0] or same(vectors[0].expected, cases[0].expected)
    for case in vectors:
        assert same(case.expected, answer(exercise, case)), case.given


def answer(exercise: Exercise, case: Case) -> Any:
    """What the reference gives, as it would come from the child and be compared."""
    try:
        came = exercise.play(exercise.reference, *case.given)
    except Exception as error:  # noqa: BLE001
        return Raised(type(error).__name__)
    came = decode(encode(came, exercise.types), exercise.types)
    return exercise.canonical(case.given, came)


def test_cases_are_the_same_in_every_run_and_cross_to_the_child(exercise: Exercise) -> None:
    first, second = list(exercise.cases()), list(exercise.cases())
    assert first == second
    for case in first:
        assert pickle.loads(pickle.dumps(case.given)) == case.given
        assert case.rule


PRINT_EVERY_CASE = """
from labserver.practice.checking.exercise import ids, load
for one in ids():
    for case in load(one).cases():
        print(one, case.given, case.rule)
"""


def test_cases_are_the_same_in_every_process_whatever_its_hash_seed() -> None:
    printed = {
        subprocess.run(
            [sys.executable, "-c", PRINT_EVERY_CASE],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "random")
    }
    assert len(printed) == 1
    assert len(printed.pop().splitlines()) == sum(len(list(load(one).cases())) for one in ALL)


def test_a_smaller_case_is_another_one(exercise: Exercise) -> None:
    for case in exercise.cases():
        if case.expected is ...:
            assert case.given not in list(exercise.smaller(case.given))


def test_every_byte_of_an_answer_has_its_field_or_none(exercise: Exercise) -> None:
    for case in exercise.cases():
        failure = Failure(case.given, b"12345678", b"")
        assert all(isinstance(exercise.field(failure, index), str) for index in range(8))


def test_the_stub_has_a_docstring_and_names_what_is_asked_for(exercise: Exercise) -> None:
    tree = ast.parse(exercise.stub)
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    (defined,) = (node for node in tree.body if isinstance(node, kinds))
    assert defined.name == exercise.name
    assert ast.get_docstring(defined)


def test_it_has_what_a_learner_needs(exercise: Exercise) -> None:
    assert 0 <= exercise.lesson <= 12
    assert set(exercise.questions) <= {1, 2, 3}
    assert len(exercise.hints) == 3
    assert all(exercise.hints)
    question, answer = exercise.follow_up
    assert question.endswith("?")
    assert answer.endswith(".")
    assert all(text.count("`") % 2 == 0 for text in exercise.follow_up)
    assert len({one.message for one in exercise.diagnoses}) == len(exercise.diagnoses)
