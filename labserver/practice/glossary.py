"""`lab.term`: what a term of the lessons means, for somebody who knows HTTP.

The terms are data, in glossary.toml, of which docs/glossary.md is made as well.
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import wrap

from labserver.errors import LabError
from labserver.templates import render

FILE = Path(__file__).with_suffix(".toml")
LINE = 96  # characters per printed line


@dataclass(frozen=True, slots=True)
class Term:
    """A term and its meaning; a cell's last line shows it.

    Attributes:
        name: the term, as the lessons write it.
        text: what it means, in a sentence or two.
        lesson: the number of the lesson in which it first occurs.
        aliases: other names for it, and other forms of it.
        link: where it is defined; "" if nowhere in particular.
    """

    name: str
    text: str
    lesson: int
    aliases: tuple[str, ...] = ()
    link: str = ""

    def __repr__(self) -> str:
        where = f" (lesson {self.lesson:02}{f'; {self.link}' if self.link else ''})"
        return "\n".join(wrap(f"{self.name}: {self.text}{where}", LINE, break_on_hyphens=False))

    def _repr_html_(self) -> str:
        return render("practice/glossary.html", term=self, parts=self.text.split("`"))


@cache
def terms() -> tuple[Term, ...]:
    """Return all terms, in alphabetical order."""
    found = tomllib.loads(FILE.read_text(encoding="utf-8"))["term"]
    return tuple(
        Term(
            one["name"],
            one["text"],
            one["lesson"],
            tuple(one.get("aliases", ())),
            one.get("link", ""),
        )
        for one in found
    )


def term(name: str) -> Term:
    """Return what a term means.

    Args:
        name: the term or another name of it, such as `epoch`; the case does not matter.

    Raises:
        LabError: if it is not in the glossary; the message names those that are similar.
    """
    known = {form.casefold(): one for one in reversed(terms()) for form in (*one.aliases, one.name)}
    wanted = name.strip().casefold()
    for form in (wanted, wanted.removesuffix("s")):
        if form in known:
            return known[form]
    near = [known[form].name for form in difflib.get_close_matches(wanted, known, n=3)]
    near = list(dict.fromkeys(near))
    advice = f"did you mean {' or '.join(near)}?" if near else "docs/glossary.md lists all terms."
    raise LabError(f"{name!r} is not in the glossary: {advice}")


def page() -> str:
    """Return docs/glossary.md: every term, with its meaning, its lesson and its source."""
    lines = [
        "# Glossary",
        "",
        "<!-- Made by `make docs` from labserver/practice/glossary.toml. -->",
        "",
        '`lab.term("epoch")` shows an entry in a notebook. The number after a term is that of the',
        "lesson in which it first occurs.",
    ]
    for one in terms():
        also = f" (also: {', '.join(one.aliases)})" if one.aliases else ""
        source = f" [Source]({one.link})." if one.link else ""
        lines += ["", f"**{one.name}**{also}, {one.lesson:02}. {one.text}{source}"]
    return "\n".join([*lines, ""])
