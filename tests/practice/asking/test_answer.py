from __future__ import annotations

from typing import Any

import pytest

from labserver.errors import LabError
from labserver.practice.asking.answer import Asked, shown


@pytest.mark.parametrize(
    ("answer", "unit", "text"),
    [
        (126, "bytes", "126 bytes"),
        (65_536.0, "bytes", "65,536 bytes"),
        (1, "bytes", "1 byte"),
        (1, "ms", "1 ms"),
        (1, "bytes per poll", "1 bytes per poll"),
        (0.125, "s", "0.125 s"),
        (65.432, "%", "65.43 %"),
        (12_345.6, "", "12,346"),
        (1e300, "", "1e+300"),
        ("lost", "", "“lost”"),
    ],
)
def test_an_answer_is_written_as_people_read_it(answer: Any, unit: str, text: str) -> None:
    assert shown(answer, unit) == text


def test_what_is_wanted_is_said_in_words() -> None:
    assert Asked("?", unit="%", low=0, high=100).wanted() == "a number between 0 and 100 %"
    assert Asked("?", unit="bytes", low=1).wanted() == "a number that is at least 1 byte"
    assert Asked("?", high=5).wanted() == "a number that is at most 5"
    assert Asked("?", unit="ms").wanted() == "a number"
    assert Asked("?", ("a", "b")).wanted() == "one of a, b"


def test_a_number_fits_within_its_bounds_and_may_be_measured_beyond_them() -> None:
    asked = Asked("?", low=0, high=100)
    assert asked.fits(0)
    assert asked.fits(100)
    assert not asked.fits(100.5)
    assert asked.is_one(100.5)


def test_choices_and_bounds_do_not_go_together() -> None:
    for wrong in ({"choices": ("a", "b"), "unit": "%"}, {"low": 2, "high": 1}):
        with pytest.raises(LabError, match="Give"):
            Asked("?", **wrong)  # type: ignore[arg-type]
