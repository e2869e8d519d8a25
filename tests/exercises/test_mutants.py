"""The mutator makes the changes it says, and a sample of its mutants is found out."""

from __future__ import annotations

import ast
import random

import pytest

from labserver.practice.checking import sandbox
from tests.exercises.mutants import EQUIVALENT, mutants, solutions, survives

SAMPLE = 3  # of each exercise; `python -m tests.exercises.mutants` tries all

SOLVED = solutions()


def changed(source: str) -> dict[str, str]:
    """The mutants of a source, by what was changed."""
    return {mutant.what: mutant.source for mutant in mutants(source)}


@pytest.mark.parametrize(
    ("source", "what", "becomes"),
    [
        ("a < b", "Lt → LtE", "a <= b"),
        ("a < b", "Lt → GtE", "a >= b"),
        ("a == b", "Eq → NotEq", "a != b"),
        ("a in b", "In → NotIn", "a not in b"),
        ("a + b", "Add → Sub", "a - b"),
        ("a += b", "Add → Sub", "a -= b"),
        ("a % b", "Mod → FloorDiv", "a // b"),
        ("a and b", "And → Or", "a or b"),
        ("not a", "not x → x", "not not a"),
        ("f(1)", "1 → 2", "f(2)"),
        ("f(1)", "1 → 0", "f(0)"),
        ("f(True)", "True → False", "f(False)"),
        ("f('a')", "'a' → 'ax'", "f('ax')"),
        ("f(b'a')", "b'a' → b'ax'", "f(b'ax')"),
        ("f(None)", "None → 0", "f(0)"),
        ("x if a else y", "negated", "x if not a else y"),
        ("x if a else y", "never", "x if False else y"),
        ("[x for x in a if x]", "any", "[x for x in a if True]"),
        ("f(a)", "no f(a)", "pass"),
        ("a = b", "no a = b", "pass"),
    ],
)
def test_one_thing_is_changed(source: str, what: str, becomes: str) -> None:
    assert changed(source)[what] == becomes


def test_docstrings_annotations_and_the_words_of_errors_are_left_alone() -> None:
    source = 'def f(a: "x") -> "y":\n    """Says 1."""\n    raise ValueError("two")'
    assert list(changed(source)) == ["no raise ValueError('two')"]


def test_a_change_that_a_line_allows_twice_has_a_number() -> None:
    assert list(changed("a + b + c")) == ["no a + b + c", "Add → Sub", "Add → Sub (2)"]


@pytest.mark.parametrize("exercise", SOLVED)
def test_every_mutant_is_a_program_and_another_one(exercise: str) -> None:
    _, source = SOLVED[exercise]
    found = list(mutants(source))
    same = ast.dump(ast.parse(source))
    assert len({mutant.key for mutant in found}) == len(found) > 0
    assert all(ast.dump(ast.parse(mutant.source)) != same for mutant in found)
    assert set(EQUIVALENT.get(exercise, {})) <= {mutant.key for mutant in found}


@pytest.mark.parametrize("exercise", SOLVED)
def test_a_sample_is_found_out(exercise: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "LOAD_MAX_S", 2.0)
    monkeypatch.setattr(sandbox, "CASE_MAX_S", 2.0)
    before, source = SOLVED[exercise]
    known = EQUIVALENT.get(exercise, {})
    rest = [mutant for mutant in mutants(source) if mutant.key not in known]
    for mutant in random.Random(exercise).sample(rest, min(SAMPLE, len(rest))):
        assert not survives(exercise, before, mutant), mutant.key
