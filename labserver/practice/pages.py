"""docs/note.md and docs/glossary.md, made from the data that `lab.verdicts` and `lab.term` show.

`make docs` writes them; a test says if they are no longer what the data says.
"""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

from labserver.practice.course_links import lesson_link
from labserver.practice.note.claims import claims
from labserver.practice.terms import glossary

MADE = "<!-- Made by `make docs` from labserver/practice/{source}: change that instead. -->\n"

NOTE = """\
# The study note, claim by claim

The course begins with a study note of the kind that people take into a system-design interview: two
tables, a Java server, a React hook, an SSE controller, a table of AWS services, and three questions
with their answers. It is useful, but do not trust it as it stands. It names neither sources nor
dates. It gives adjectives (*low*, *medium*, *hard*) where there are numbers, which depend on the
size of a message, on the network and on how many clients there are. Some of its code does not
compile, and some of it works only as long as everybody has one tab open. It says *full* and
*unlimited* of things that have limits. So each of its claims is a hypothesis here. A lesson tests
it, and says that it **holds**, **holds when** a condition is met, **does not hold**, or is
**undecided**. `lab.verdicts()` shows what your own runs have said so far.

The claims are in the note's own words, in its own order. A lesson records a verdict under the
claim's id: `lab.verdict("accept-hash", …)`.
"""
GLOSSARY = """\
# Glossary

The terms of the course, each in a sentence or two for somebody who knows HTTP and nothing else. In
a notebook, `lab.term("epoch")` shows one of them. The last column is the lesson in which the term
first occurs.
"""


def note_page(docs: Path) -> str:
    """Return docs/note.md.

    Args:
        docs: the folder of the page, which its links are relative to.
    """
    parts = [NOTE, MADE.format(source="note/claims.toml")]
    for section, group in groupby(claims().values(), key=lambda each: each.section):
        parts.append(f"## {section}\n")
        rows = [
            f"| `{each.id}` | {_cell(each.about)} | {_code(each.words)}"
            f" | {', '.join(_lesson(number, docs) for number in each.lessons)} |"
            for each in group
        ]
        parts.append(
            "\n".join(["| id | where | the note | lesson |", "|---|---|---|---|", *rows, ""])
        )
    return "\n".join(parts)


def glossary_page(docs: Path) -> str:
    """Return docs/glossary.md.

    Args:
        docs: the folder of the page, which its links are relative to.
    """
    rows = [
        f"| **{term.name}**{''.join(f', {alias}' for alias in term.aliases)} | {_cell(term.says)}"
        f" | {f'[{term.source}]({term.link})' if term.link else ''}"
        f" | {_lesson(term.lesson, docs)} |"
        for term in glossary()
    ]
    table = "\n".join(
        ["| term | what it means | read on | lesson |", "|---|---|---|---|", *rows, ""]
    )
    return "\n".join([GLOSSARY, MADE.format(source="glossary.toml"), table])


PAGES = {"note.md": note_page, "glossary.md": glossary_page}


def write_pages(docs: Path) -> None:
    """Write all pages into a folder."""
    for name, page in PAGES.items():
        (docs / name).write_text(page(docs), encoding="utf-8")


def _lesson(number: int, docs: Path) -> str:
    link = lesson_link(number, docs)
    return f"{number:02}" if link is None else f"[{number:02}]({link})"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _code(text: str) -> str:
    """Return the note's words as code, where nothing in them means anything to Markdown."""
    return f"`{_cell(text)}`"


if __name__ == "__main__":
    write_pages(Path(sys.argv[1]))
