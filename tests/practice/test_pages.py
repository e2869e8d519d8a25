from __future__ import annotations

from pathlib import Path

import pytest

from labserver.practice.note.claims import claims
from labserver.practice.pages import PAGES, write_pages
from labserver.practice.terms import glossary
from tests.notebooks.execute import REPOSITORY

DOCS = REPOSITORY / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_its_data_says(name: str) -> None:
    committed = (DOCS / name).read_text(encoding="utf-8")
    assert committed == PAGES[name](DOCS), "run `make docs`"


def test_the_note_lists_every_claim_once() -> None:
    page = PAGES["note.md"](DOCS)
    assert all(page.count(f"| `{name}` |") == 1 for name in claims())
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert all(row.replace("\\|", "").count("|") == 5 for row in rows)


def test_the_glossary_lists_every_term() -> None:
    rows = [line for line in PAGES["glossary.md"](DOCS).splitlines() if line.startswith("| **")]
    assert len(rows) == len(glossary())


def test_links_of_a_page_lead_somewhere() -> None:
    page = PAGES["glossary.md"](DOCS)
    targets = {part.partition(")")[0] for part in page.split("](../")[1:]}
    assert targets
    assert all((REPOSITORY / target).is_file() for target in targets)


def test_they_are_written_where_they_are_wanted(tmp_path: Path) -> None:
    write_pages(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(PAGES)
