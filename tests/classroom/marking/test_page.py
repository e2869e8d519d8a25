from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

from labserver.classroom.marking.gradebook import gradebook
from labserver.classroom.marking.mark import Mark, MarkedNotebook
from labserver.classroom.marking.page import class_page, page
from labserver.classroom.marking.references import Reference
from labserver.practice.checking.judge import Outcome

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
CLASS = Path("class")


class Tags(HTMLParser):
    """All tags with their attributes, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def marked(name: str) -> list[MarkedNotebook]:
    marks = (
        Mark("E10", "mask", Outcome.PASS, 2, 2, "✓ E10 mask: passes"),
        Mark("E11", "encode_frame", Outcome.WRONG, 0, 3, f"✗ E11 {EVIL}\n  came {EVIL}"),
    )
    broken = MarkedNotebook(CLASS / name / f"{EVIL}.ipynb", problem=f"{EVIL} is no notebook.")
    return [MarkedNotebook(CLASS / name / "05_frames.ipynb", "05_frames", marks), broken]


def test_marks_and_messages_are_there() -> None:
    text = Tags(page(marked("bob"))).text
    for part in ("05_frames.ipynb", "2 of 5 points", "E10 mask", "✓ pass", "✗ wrong", "0 of 3"):
        assert part in text


def test_a_class_has_a_row_a_learner(references: list[Reference]) -> None:
    found = Tags(class_page(gradebook(marked("bob"), CLASS, references)))
    assert found.tags.count("tr") == 2
    assert "of 5" in found.text
    assert "bob" in found.text


def test_what_learners_write_is_text(references: list[Reference]) -> None:
    for made in (page(marked(EVIL)), class_page(gradebook(marked(EVIL), CLASS, references))):
        found = Tags(made)
        assert not {"script", "img"} & set(found.tags)
        assert "onerror" not in found.attributes
        assert EVIL in found.text


def test_nothing_is_fetched() -> None:
    made = page(marked("bob"))
    assert "default-src 'none'" in made
    assert "http://" not in made
    assert "https://" not in made
