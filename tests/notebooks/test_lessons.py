"""Every lesson speaks the same language: its header, its marks, its links, and how it ends."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest
from nbformat import NotebookNode

from tests.notebooks.execute import REPOSITORY
from tests.notebooks.test_form import FORM

LESSONS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
# A box has a colour and a word, which says the same to those who cannot see the colour.
MARKS = {
    "Predict": "#0072B2",
    "See": "#009E73",
    "Explain": "#CC79A7",
    "Change it": "#56B4E9",
    "Break it": "#E69F00",
    "When not to": "#D55E00",
}
HEADER = re.compile(
    r"# (?P<number>\d\d) · .+\n"
    r"\n(?P<why>(?:\S.*\n)+)"
    r"\n\*\*You will\*\*\n"
    r"\n(?P<objectives>(?:- .+\n)+)"
    r"\n\*\*(?P<minutes>\d+) minutes\*\* · needs .+"
    r"(?:\n\n(?P<navigation>\[(?:.+\n?)+))?"
)
STYLE = "border-left: 5px solid {colour}; padding: 10px 14px 1px; margin: 12px 0"
MARK = re.compile(
    r'<div style="(?P<style>[^"]*)">\n\n\*\*(?P<word>[^*]+)\.\*\* (?P<text>.+?)</div>', re.S
)
LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")
README_ROW = re.compile(r"^\| \[(\d\d) [^\]]*\]\(notebooks/[^)]*\) \|.*\| (\d+) \|$", re.M)


@pytest.fixture(params=LESSONS, ids=[path.stem for path in LESSONS])
def path(request: pytest.FixtureRequest) -> Path:
    """Each lesson."""
    return request.param


@pytest.fixture
def cells(path: Path) -> list[NotebookNode]:
    """Its cells."""
    return list(nbformat.read(path, as_version=4).cells)


def prose(cells: list[NotebookNode]) -> list[str]:
    return [cell.source for cell in cells if cell.cell_type == "markdown"]


def headings(path: Path) -> set[str]:
    """The anchors of a notebook's headings, as JupyterLab makes them."""
    text = "\n".join(prose(nbformat.read(path, as_version=4).cells))
    return {title.replace(" ", "-") for title in re.findall(r"^#+ (.+)$", text, re.M)}


def test_it_opens_with_why_three_objectives_minutes_and_needs(
    path: Path, cells: list[NotebookNode]
) -> None:
    header = HEADER.fullmatch(cells[0].source)
    assert header
    assert header["number"] == path.stem[:2]
    assert header["why"].strip().endswith(".")
    assert len(header["objectives"].splitlines()) == 3
    minutes = dict(README_ROW.findall((REPOSITORY / "README.md").read_text(encoding="utf-8")))
    assert header["minutes"] == minutes[header["number"]]


def test_each_mark_is_there(cells: list[NotebookNode]) -> None:
    words = {mark["word"] for source in prose(cells) for mark in MARK.finditer(source)}
    assert words | {"Change it"} == set(MARKS)  # which tests/notebooks/test_form.py asks for


def test_a_mark_is_its_word_and_its_colour(cells: list[NotebookNode]) -> None:
    for source in prose(cells):
        marks = list(MARK.finditer(source))
        assert len(marks) == source.count("<div") == source.count("</div>")
        for mark in marks:
            assert mark["style"] == STYLE.format(colour=MARKS[mark["word"]])
            assert mark["text"].endswith("\n\n")  # or what follows is read as HTML


# But for the first, which says what the marks are, and for those that ask with lab.explain.
@pytest.mark.parametrize(
    "path", [path for path in LESSONS[1:] if path.stem not in FORM], ids=lambda path: path.stem
)
def test_a_model_explanation_is_folded_under_its_question(cells: list[NotebookNode]) -> None:
    asked = [m["text"] for s in prose(cells) for m in MARK.finditer(s) if m["word"] == "Explain"]
    assert asked
    for text in asked:
        assert re.search(r"\?.*\n\n<details><summary>.+</summary>\n\n.+\n\n</details>", text, re.S)


def test_every_link_leads_somewhere_and_every_image_has_a_text(
    path: Path, cells: list[NotebookNode]
) -> None:
    links = [link for source in prose(cells) for link in LINK.finditer(source)]
    assert links
    for link in links:
        assert link["text"].strip()
        target, _, anchor = unquote(link["target"]).partition("#")
        if target.startswith("https://"):
            continue
        assert (path.parent / target).is_file(), target
        assert not anchor or anchor in headings(path.parent / target)
    assert not any("<img" in source for source in prose(cells))


def test_it_ends_with_where_to_go_on_and_the_progress(
    path: Path, cells: list[NotebookNode]
) -> None:
    go_on, progress, failures = cells[-3:]
    assert go_on.source.startswith("## Go on\n\n- **")
    number = int(path.stem[:2])
    if number:
        assert "- **Practise:** [E" in go_on.source
    (after,) = re.findall(r"^- \*\*Next:\*\* \[[^\]]+\]\(([^)#]+)", go_on.source, re.M)
    names = [lesson.name for lesson in LESSONS]
    # The last one leads back to the map.
    assert after == [*names, names[0]][names.index(path.name) + 1]
    assert progress.source == (f"lab.progress(lesson={number})" if number else "lab.progress()")
    assert "nbval-ignore-output" in progress.metadata.tags
    assert failures.source.endswith("lab.failures()")


def test_what_is_stored_is_nobodys_progress(cells: list[NotebookNode]) -> None:
    (output,) = cells[-2].outputs
    said = output.data["text/plain"].splitlines()
    assert all("not attempted" in line for line in said[1:-2])
    assert re.fullmatch(r"0 of \d+ exercises pass(; 0 predictions locked in)?\.", said[-1])
