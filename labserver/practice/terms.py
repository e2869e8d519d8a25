"""`lab.term`: what a term means, in a plain sentence.

The terms stand in glossary.toml beside this file, from which docs/glossary.md is made as well.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files

from labserver.errors import LabError
from labserver.practice.course_links import lesson_link
from labserver.templates import render

RFC = re.compile(r"RFC (?P<number>\d+)(?: §(?P<section>[\d.]+))?")


@dataclass(frozen=True, slots=True)
class Term:
    """A term of the course; a cell's last line shows what it means.

    Attributes:
        name: the term, as it is written within a sentence.
        aliases: other names for it.
        says: what it means.
        lesson: the number of the lesson in which it first occurs.
        source: where to read on, such as `RFC 6455 §5.3`, or "".
        link: the address of that, or "".
    """

    name: str
    aliases: tuple[str, ...]
    says: str
    lesson: int
    source: str
    link: str

    @property
    def names(self) -> str:
        """The term and its other names, such as `JWT (JSON Web Token)`."""
        return f"{self.name} ({', '.join(self.aliases)})" if self.aliases else self.name

    def __repr__(self) -> str:
        where = f"lesson {self.lesson:02}"
        if self.source:
            where += f"; {self.source}, {self.link}"
        return f"{self.names}: {self.says} ({where})"

    def _repr_html_(self) -> str:
        return render("practice/term.html", terms=[self], links=_lesson_links([self]))


@dataclass(frozen=True, slots=True)
class Glossary:
    """Terms in alphabetical order; a cell's last line shows them.

    Attributes:
        terms: the terms.
    """

    terms: tuple[Term, ...]

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.terms))

    def _repr_html_(self) -> str:
        return render("practice/term.html", terms=self.terms, links=_lesson_links(self.terms))


def term(name: str | None = None) -> Term | Glossary:
    """Show what a term means.

    Args:
        name: the term, such as `epoch`, in any case, singular or plural; None for all terms.

    Raises:
        LabError: if the glossary does not have it; it names some that are near.
    """
    terms = glossary()
    if name is None:
        return Glossary(terms)
    by_name = {_plain(each): one for one in terms for each in (one.name, *one.aliases)}
    wanted = _plain(name)
    for form in (wanted, wanted.removesuffix("s"), wanted.removesuffix("es")):
        if form in by_name:
            return by_name[form]
    near = [by_name[each].name for each in get_close_matches(wanted, by_name, n=3, cutoff=0.6)]
    near += [one.name for plain, one in by_name.items() if wanted and wanted in plain]
    hint = (
        f"did you mean {' or '.join(dict.fromkeys(near[:3]))}?" if near else "lab.term() lists all."
    )
    raise LabError(f"The glossary does not have {name!r}: {hint}")


@cache
def glossary() -> tuple[Term, ...]:
    """Return all terms, in alphabetical order."""
    text = files("labserver.practice").joinpath("glossary.toml").read_text(encoding="utf-8")
    return tuple(
        Term(
            entry["name"],
            tuple(entry.get("aliases", ())),
            entry["says"],
            entry["lesson"],
            source := entry.get("source", ""),
            entry.get("link") or _rfc_link(source),
        )
        for entry in tomllib.loads(text)["terms"]
    )


def _rfc_link(source: str) -> str:
    found = RFC.fullmatch(source)
    if found is None:
        return ""
    section = f"#section-{found['section']}" if found["section"] else ""
    return f"https://www.rfc-editor.org/rfc/rfc{found['number']}.html{section}"


def _plain(name: str) -> str:
    """Return a name as it is looked up: case, hyphens and spaces do not matter."""
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()


def _lesson_links(terms: list[Term] | tuple[Term, ...]) -> dict[int, str | None]:
    return {number: lesson_link(number) for number in {one.lesson for one in terms}}
