from __future__ import annotations

import subprocess
import sys

import pytest

from labserver.errors import LabError
from labserver.practice.checking.exercise import (
    Failure,
    as_it_is,
    ids,
    load,
    no_field,
    nothing_smaller,
    shorter,
)


def test_each_id_loads_the_exercise_that_bears_it() -> None:
    assert ids() == sorted(ids())
    assert [load(one).id for one in ids()] == ids()


def test_an_exercise_is_imported_when_it_is_asked_for() -> None:
    code = (
        "import sys\n"
        "from labserver.practice.checking.exercise import ids, load\nids(); load('E08')\n"
        "print(sorted(n for n in sys.modules if n.startswith('labserver.exercises.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    package = "labserver.exercises.e08_accept_key"
    assert done.stdout.strip() == f"['{package}', '{package}.exercise', '{package}.play']"


@pytest.mark.parametrize("wrong", ["E99", "f12", "", "E1"])
def test_another_id_is_a_lab_error(wrong: str) -> None:
    with pytest.raises(LabError, match="take one of E01"):
        load(wrong)


def test_what_an_exercise_need_not_say() -> None:
    assert as_it_is((1,), 2) == 2
    assert list(nothing_smaller((1,))) == []
    assert no_field(Failure((), 1, 2), 0) == ""
    assert list(shorter(1000)) == [500, 750, 875, 938, 969, 985, 993, 997, 999]
    assert list(shorter(1)) == []
