from __future__ import annotations

import re

import pytest

from labserver.errors import LabError
from labserver.measure.claims import TECHNIQUES, claims_table
from labserver.practice.note.claims import claim, claims, table_claim_id
from tests.notebooks.execute import REPOSITORY


def test_the_cells_of_the_notes_table_are_those_that_lesson_09_measures() -> None:
    measured = {
        table_claim_id(row.dimension, row.technique): row.note
        for row in claims_table().itertuples()
    }
    noted = {name: each.words for name, each in claims().items() if name.startswith("table-")}
    assert len(measured) == 8 * len(TECHNIQUES)
    assert noted == measured


def test_lesson_09_judges_the_whole_table() -> None:
    assert all(9 in each.lessons for name, each in claims().items() if name.startswith("table-"))


def test_a_claim_has_an_id_words_and_a_lesson() -> None:
    for name, each in claims().items():
        assert re.fullmatch("[a-z0-9]+(-[a-z0-9]+)+", name)
        assert each.words == " ".join(each.words.split())
        assert each.lessons
        assert all(1 <= number <= 13 for number in each.lessons)
        assert len(set(each.lessons)) == len(each.lessons)


def test_no_two_claims_are_the_same() -> None:
    said = [(each.section, each.about, each.words) for each in claims().values()]
    assert len(set(said)) == len(said) > 100


def test_the_ids_are_the_files() -> None:
    text = (REPOSITORY / "labserver/practice/note/claims.toml").read_text(encoding="utf-8")
    ids = re.findall(r'^id = "(.+)"$', text, re.M)
    assert ids == list(claims())  # a second one of an id would take the place of the first


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("accept-hsh", "accept-hash"), ("hash", "accept-hash"), ("latency", "table-latency-sse")],
)
def test_an_unknown_claim_is_told_with_those_that_are_near(wrong: str, near: str) -> None:
    with pytest.raises(LabError, match=f"did you mean .*{near}"):
        claim(wrong)


def test_where_nothing_is_near_it_says_where_they_are_listed() -> None:
    with pytest.raises(LabError, match=r"lab\.verdicts\(\)"):
        claim("qqqq")
