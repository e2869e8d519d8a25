"""A text that a cell shows as it is."""

from __future__ import annotations

import html
from dataclasses import dataclass

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
        return f"<pre style='{WRAP}'>{html.escape(self.text)}</pre>"
