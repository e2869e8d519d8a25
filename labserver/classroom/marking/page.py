"""Marks as one HTML page that opens without a network. What learners wrote is data in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from labserver.classroom.marking.mark import Mark, Marked, titles
from labserver.classroom.marking.register import Register
from labserver.practice.checking.judge import MARKS, Outcome

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
CLASSES = {Outcome.PASS: "pass", Outcome.WRONG: "wrong", Outcome.NOT_ATTEMPTED: "not"}
STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --pass: #00704f;
        --wrong: #b34700; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ddd; --paper: #111; --pass: #2fc394; --wrong: #f08a4b; }
}
body { background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif;
       margin: 0 auto; max-width: 960px; padding: 1em; }
h1, h2 { line-height: 1.2; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: 1em 0; }
th, td { border-bottom: 1px solid #8886; padding: 4px 14px 4px 0; text-align: left;
         vertical-align: top; }
.number { font-variant-numeric: tabular-nums; text-align: right; }
.pass { color: var(--pass); }
.wrong { color: var(--wrong); }
pre { border-left: 4px solid var(--wrong); font-size: 14px; overflow-wrap: anywhere;
      padding: 4px 12px; white-space: pre-wrap; }
"""


def page(marked: Sequence[Marked]) -> str:
    """The marks of notebooks, and what is wrong."""
    parts = []
    for title, one in zip(titles(marked), marked, strict=True):
        parts.append(f"<h2>{escape(title)}</h2>")
        if one.problem:
            parts.append(f"<p class='wrong'>{escape(one.problem)}</p>")
            continue
        parts.append(f"<p>{one.points} of {one.most} points.</p>")
        rows = [
            [_text(f"{mark.exercise} {mark.name}"), _outcome(mark, word=True), _number(mark)]
            for mark in one.marks
        ]
        parts.append(_table(["exercise", "outcome", "points"], rows))
        parts += [f"<pre>{escape(m.text)}</pre>" for m in one.marks if m.says_more]
    return _html("Marks", parts)


def class_page(register: Register) -> str:
    """How a class went: a row a learner."""
    rows = []
    for learner in register.learners:
        marks = [learner.marks.get(exercise) for exercise in register.exercises]
        cells = [_outcome(mark) if mark else "<td></td>" for mark in marks]
        rows.append([_text(learner.name), *cells, f"<td class='number'>{learner.points}</td>"])
    parts = [_table(["learner", *register.exercises, f"of {register.most}"], rows)]
    parts += [
        f"<p>{escape(learner.name)}: {escape(problem)}</p>"
        for learner in register.learners
        for problem in learner.problems
    ]
    key = ", ".join(f"{sign} {outcome.value}" for outcome, sign in MARKS.items())
    return _html("A class", [*parts, f"<p>{escape(key)}; empty: no notebook.</p>"])


def _html(title: str, parts: Iterable[str]) -> str:
    return (
        "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>"
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{title}</title><style>{STYLE}</style></head><body><h1>{title}</h1>"
        + "\n".join(parts)
        + "</body></html>\n"
    )


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in headings)
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return (
        f"<div class='scroll'><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _text(text: str) -> str:
    return f"<td>{escape(text)}</td>"


def _number(mark: Mark) -> str:
    return f"<td class='number'>{mark.points} of {mark.most}</td>"


def _outcome(mark: Mark, *, word: bool = False) -> str:
    """The sign of an outcome; its word beside it, or where one points at it."""
    said = f" {mark.outcome.value}" if word else ""
    told = escape(mark.text.partition("\n")[0], quote=True)
    return f'<td class="{CLASSES[mark.outcome]}" title="{told}">{MARKS[mark.outcome]}{said}</td>'
