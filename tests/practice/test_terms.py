from __future__ import annotations

import re
from pathlib import Path

import pytest

import labserver as lab
from labserver.errors import LabError
from labserver.practice.terms import Glossary, Term, glossary, term


def found(name: str) -> Term:
    one = term(name)
    assert isinstance(one, Term)
    return one


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("epoch", "epoch"),
        ("Epochs", "epoch"),
        (" OFFSET ", "offset"),
        ("json web token", "JWT"),
        ("JWTs", "JWT"),
        ("head of line blocking", "head-of-line blocking"),
        ("HOL blocking", "head-of-line blocking"),
        ("TIME_WAIT", "TIME_WAIT"),
        ("server-sent events", "server-sent events"),
        ("426", "426 Upgrade Required"),
        ("proxy", "proxy"),
    ],
)
def test_a_term_is_found_in_any_case_in_the_plural_and_by_its_other_names(
    asked: str, name: str
) -> None:
    assert found(asked).name == name


def test_it_is_shown_with_its_lesson_and_where_to_read_on() -> None:
    said = repr(lab.term("masking"))
    assert said.startswith("masking (mask, masking key): Combining each byte")
    assert said.endswith(
        "(lesson 05; RFC 6455 §5.3, https://www.rfc-editor.org/rfc/rfc6455.html#section-5.3)"
    )


@pytest.mark.parametrize(
    ("wrong", "near"), [("epic", "epoch"), ("curser", "cursor"), ("deflate", "permessage-deflate")]
)
def test_an_unknown_term_is_told_with_those_that_are_near(wrong: str, near: str) -> None:
    with pytest.raises(LabError, match=f"did you mean .*{near}"):
        term(wrong)


@pytest.mark.parametrize("wrong", ["", "qqqq"])
def test_where_nothing_is_near_it_says_how_to_list_them(wrong: str) -> None:
    with pytest.raises(LabError, match=r"lab\.term\(\)"):
        term(wrong)


def test_without_a_name_all_are_listed() -> None:
    listed = term()
    assert isinstance(listed, Glossary)
    assert len(repr(listed).splitlines()) == len(listed.terms) >= 70
    assert listed._repr_html_().count("<p ") == len(listed.terms)


def test_they_stand_in_alphabetical_order() -> None:
    names = [one.name.casefold() for one in glossary()]
    assert names == sorted(names)


def test_a_name_means_one_thing() -> None:
    names = [
        re.sub(r"[\s_-]+", " ", name).casefold()
        for one in glossary()
        for name in (one.name, *one.aliases)
    ]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("one", glossary(), ids=lambda one: one.name)
def test_a_term_is_one_or_two_whole_sentences(one: Term) -> None:
    assert one.says.endswith((".", ".)"))
    assert len(one.says) <= 250
    assert len(re.findall(r"[.?!]\)?(?= [A-Z(]|$)", one.says)) <= 2
    assert not one.says.casefold().startswith(f"{one.name.casefold()} ")


@pytest.mark.parametrize("one", glossary(), ids=lambda one: one.name)
def test_a_link_has_a_name_and_the_other_way_round(one: Term) -> None:
    assert bool(one.source) == bool(one.link)
    assert one.link.startswith("https://") or not one.link


def test_the_lesson_is_a_link_where_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "05_frames.ipynb").touch()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert '<a href="05_frames.ipynb">lesson 05</a>' in found("opcode")._repr_html_()
    assert "lesson 05</a>" not in found("epoch")._repr_html_()
