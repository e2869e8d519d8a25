from __future__ import annotations

import pytest

from labserver.errors import LabError
from labserver.measure.claims import claims_table
from labserver.practice.note.claims import NoteClaim, claim, claims, page


def test_an_id_is_unique_and_every_claim_has_words_and_a_lesson() -> None:
    ids = [one.id for one in claims()]
    assert len(set(ids)) == len(ids) > 80
    assert all(one.words.strip() and one.lessons for one in claims())
    assert all(1 <= number <= 13 for one in claims() for number in one.lessons)


def test_a_claim_is_found_by_its_id() -> None:
    assert claim("accept-hash").words == "Sec-WebSocket-Accept: <hash>"


def test_an_unknown_id_names_those_that_are_similar() -> None:
    with pytest.raises(LabError, match="did you mean accept-hash"):
        claim("accept-hsah")
    with pytest.raises(LabError, match=r"docs/note.md lists all claims"):
        claim("%")


def test_the_comparison_table_is_the_one_that_lesson_09_judges() -> None:
    names = {
        "short_polling": "Polling",
        "long_polling": "Long Polling",
        "sse": "SSE",
        "websocket": "WebSocket",
    }
    judged = {
        f"{row.dimension}, {names[row.technique]}: {row.note}"
        for row in claims_table().itertuples()
    }
    assert {one.words for one in claims() if one.section == "Comparison table"} == judged


def test_the_sections_stand_together() -> None:
    sections = [one.section for one in claims()]
    assert sections == sorted(sections, key=list(dict.fromkeys(sections)).index)


def test_the_page_has_every_claim_and_takes_no_word_for_markup() -> None:
    text = page()
    assert all(f"| `{one.id}` |" in text for one in claims())
    assert "Sec-WebSocket-Accept: &lt;hash>" in text
    assert "<hash>" not in text


def test_a_claim_is_data() -> None:
    assert isinstance(claims()[0], NoteClaim)
    assert claims() is claims()
