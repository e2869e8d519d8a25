from __future__ import annotations

import pytest

import labserver as lab
from labserver.errors import LabError
from labserver.practice.glossary import page, term, terms

ASKED = [  # never explained before (the curriculum's list)
    "epoch", "cursor", "head-of-line blocking", "backpressure", "jitter", "ALPN", "median",
    "percentile", "ECDF", "JWT", "chunked", "STUN", "TURN", "NAT", "permessage-deflate",
]  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
def test_what_the_lessons_use_is_explained(name: str) -> None:
    assert term(name).name == name


def test_a_name_is_unique_among_names_and_aliases() -> None:
    forms = [form.casefold() for one in terms() for form in (one.name, *one.aliases)]
    assert len(set(forms)) == len(forms)


def test_the_terms_are_in_order_and_each_is_a_sentence_or_three() -> None:
    names = [one.name.casefold() for one in terms()]
    assert names == sorted(names)
    for one in terms():
        assert one.text.endswith(".")
        assert len(one.text) <= 220, one.name
        assert one.link == "" or one.link.startswith("https://")
        assert one.text.count("`") % 2 == 0


def test_case_plural_and_other_names_do_not_matter() -> None:
    assert term(" Epochs ") == term("epoch")
    assert term("sse").name == "server-sent events"
    assert term("Close Codes").name == "close code"


def test_an_unknown_term_names_those_that_are_similar() -> None:
    with pytest.raises(LabError, match="did you mean backpressure"):
        term("backpresure")
    with pytest.raises(LabError, match=r"docs/glossary.md lists all terms"):
        term("zzzz")


def test_it_shows_its_lesson_its_source_and_code() -> None:
    shown = term("ALPN")
    assert "(lesson 03; https://www.rfc-editor.org/rfc/rfc7301)" in repr(shown).replace("\n", " ")
    assert "<code>h2</code>" in shown._repr_html_()
    assert 'href="https://www.rfc-editor.org/rfc/rfc7301"' in shown._repr_html_()


def test_the_page_has_every_term() -> None:
    assert all(f"**{one.name}**" in page() for one in terms())


def test_the_name_is_the_package_s_own() -> None:
    assert lab.term is term
