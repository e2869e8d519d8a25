from __future__ import annotations

import pytest

from labserver.errors import LabError
from labserver.practice.checking.play import Raised, call, load_play, package_of, packages


def test_a_folder_is_an_exercise_by_its_name() -> None:
    assert package_of("E12") == packages()["E12"] == "labserver.exercises.e12_frame_decoder"
    assert all(len(one) == 3 and one[0] == "E" for one in packages())


def test_an_exercise_is_played_by_what_stands_in_its_play_py() -> None:
    from labserver.practice.given.frames import Frame

    play, types = load_play("E12")
    assert play.__module__ == "labserver.exercises.e12_frame_decoder.play"
    assert types == (Frame,)
    assert load_play("E08").play is call


@pytest.mark.parametrize("wrong", ["E99", "f12", ""])
def test_another_id_is_a_lab_error(wrong: str) -> None:
    with pytest.raises(LabError, match="take one of E01"):
        load_play(wrong)


def test_a_function_is_played_by_calling_it() -> None:
    assert call(max, 1, 2) == 2


def test_an_exception_is_an_answer_by_its_name() -> None:
    assert repr(Raised("ValueError")) == "raises ValueError"
