"""A text that a cell shows as it is."""

from __future__ import annotations

from dataclasses import dataclass

from labserver.templates import render

# JupyterLab breaks a <pre> in the middle of words.
WRAP = "margin:0;white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a call says to the learner.

    Attributes:
        text: one line or more.
    """

    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return render("practice/shown.html", wrap=WRAP, text=self.text)
