"""`lab.source`: show a program that a lesson reads, with line numbers, in the theme's colours.

The colours are those of JupyterLab's own editor, as variables, so that they follow its theme. The
numbers cannot be selected: what is copied is the program alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from labserver.errors import LabError
from labserver.templates import render

MOST_BYTES = 100_000  # a program that a lesson reads has a page or two


@dataclass(frozen=True, slots=True)
class Source:
    """Some lines of a program; a cell's last line shows them.

    Attributes:
        path: the file, as it was given.
        first: the number of the first line.
        lines: the lines, without their ends.
        html: the same as HTML, highlighted.
    """

    path: str
    first: int
    lines: tuple[str, ...]
    html: tuple[str, ...]

    def __repr__(self) -> str:
        return "\n".join(self.lines)

    def _repr_html_(self) -> str:
        from jupyterlab_pygments import JupyterStyle
        from pygments.formatters import HtmlFormatter

        styles = HtmlFormatter(style=JupyterStyle).get_token_style_defs(".lab-source")
        last = self.first + len(self.html) - 1
        return render(
            "practice/source.html",
            styles="\n".join(styles),
            path=self.path,
            first=self.first,
            last=last,
            digits=len(str(last)),
            html=self.html,
        )


def source(path: str, lines: tuple[int, int] | None = None) -> Source:
    """Show a program beside the notebook.

    Args:
        path: the file, relative to the notebook's folder, such as `code/tornado_chat.py`.
        lines: the numbers of the first and the last line to show; None for all.

    Raises:
        LabError: if there is no such file in the notebook's folder, it is no text, or it does not
            have these lines.
    """
    text = _read(path)
    all_lines = text.splitlines()
    if not all_lines:
        raise LabError(f"{path} is empty.")
    first, last = (1, len(all_lines)) if lines is None else lines
    if not 1 <= first <= last <= len(all_lines):
        raise LabError(
            f"{path} has lines 1 to {len(all_lines)}: lines=({first}, {last}) is not a part of it."
        )
    # The whole is highlighted and then cut, as a line's colours depend on those before it.
    chosen = slice(first - 1, last)
    return Source(
        path, first, tuple(all_lines[chosen]), tuple(_highlighted(path, all_lines)[chosen])
    )


def _read(path: str) -> str:
    folder = Path.cwd().resolve()
    found = (folder / path).resolve()  # a link out of the folder is followed, and refused
    if not found.is_relative_to(folder):
        raise LabError(f"{path} is outside the notebook's folder: give a file below it.")
    try:
        with found.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise LabError(
            f"There is no file {path} beside this notebook ({folder}): the lessons' programs lie"
            " in its folder code/."
        ) from error
    if len(content) > MOST_BYTES:
        raise LabError(f"{path} has more than {MOST_BYTES:,} bytes: it is no program to read.")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise LabError(f"{path} is no text in UTF-8.") from error


def _highlighted(path: str, lines: list[str]) -> list[str]:
    """Return each line as HTML."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_for_filename
    from pygments.lexers.special import TextLexer
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_for_filename(path, stripnl=False)
    except ClassNotFound:
        lexer = TextLexer(stripnl=False)
    # It ends what spans several lines at each of their ends, so lines can be taken apart.
    html: str = highlight("\n".join(lines), lexer, HtmlFormatter(nowrap=True))
    return html.split("\n")[: len(lines)]
