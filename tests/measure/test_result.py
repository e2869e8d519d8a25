from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pandas
import pytest

import labserver as lab
from labserver.measure.result import MeasuredResult, environment


@dataclass(frozen=True, repr=False)
class Lengths(MeasuredResult):
    """A result for these tests."""

    columns: ClassVar[tuple[str, ...]] = ("name", "length")


@pytest.fixture
def lengths() -> Lengths:
    """Values that are not easily written as decimals."""
    table = pandas.DataFrame({"name": ["a", "b", "c"], "length": [0.1 + 0.2, math.inf, 1e-17]})
    return Lengths(table, environment(), ("c was cut",))


def test_what_was_saved_is_read_as_it_was(lengths: Lengths, tmp_path: Path) -> None:
    path = lengths.save(tmp_path / "new folder" / "lengths.csv")
    again = Lengths.load(path)
    pandas.testing.assert_frame_equal(again.table, lengths.table, check_exact=True)
    assert again.environment == lengths.environment
    assert again.notes == lengths.notes


def test_beside_the_table_stands_what_it_was_measured_on(lengths: Lengths, tmp_path: Path) -> None:
    path = lengths.save(tmp_path / "lengths.csv")
    about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert about["environment"]["python"].startswith("CPython 3.")
    assert about["environment"]["cores"] >= 1
    assert about["environment"]["packages"]["websockets"]
    assert len(about["environment"]["load_average"]) == 3


def test_a_name_that_does_not_end_in_csv_is_refused(lengths: Lengths, tmp_path: Path) -> None:
    with pytest.raises(lab.LabError, match=r"'lengths\.csv'"):
        lengths.save(tmp_path / "lengths.parquet")


def test_what_cannot_be_written_is_told(lengths: Lengths, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(lab.LabError, match="choose another place"):
        lengths.save(tmp_path / "file" / "lengths.csv")


def test_another_table_is_not_taken_for_it(lengths: Lengths, tmp_path: Path) -> None:
    other = Lengths(lengths.table.rename(columns={"length": "width"}), lengths.environment)
    path = other.save(tmp_path / "widths.csv")
    with pytest.raises(lab.LabError, match="'length' is missing"):
        Lengths.load(path)


@pytest.mark.parametrize("about", ["", "[]", "{}"])
def test_a_broken_file_is_told(lengths: Lengths, tmp_path: Path, about: str) -> None:
    path = lengths.save(tmp_path / "lengths.csv")
    path.with_suffix(".json").write_text(about)
    with pytest.raises(lab.LabError, match="measure and save it again"):
        Lengths.load(path)
    with pytest.raises(lab.LabError, match="measure and save it again"):
        Lengths.load(tmp_path / "missing.csv")


def test_it_says_what_it_is(lengths: Lengths) -> None:
    assert repr(lengths) == f"<Lengths: 3 rows, {lengths.environment['date']}>"
