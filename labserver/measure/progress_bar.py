"""A progress bar that a terminal or a notebook shows while it runs, and of which nothing stays.

Output that goes to a file or a pipe gets none. In a notebook the bar is not left to rich, which
would leave an empty output and the view of a widget that no longer exists in the notebook's file,
and knows nothing of JupyterLab's themes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

Move = Callable[[str, int, int], None]

DRAW_S = 0.1  # a notebook's page is not told more often
GUESS_S = 2.0  # after this long the time that is left can be told


@contextmanager
def progress_bar(shown: bool = True, *, terminal: bool = True) -> Iterator[Move]:
    """Show a bar for the length of a block.

    Args:
        shown: whether there is one at all.
        terminal: whether there is one in a terminal, and not in a notebook only.

    Yields:
        What moves it; called with what is being done, how much is done, and of how much.
    """
    from rich.console import Console

    console = Console(stderr=True)
    chosen: AbstractContextManager[Move] = nullcontext(lambda _doing, _done, _total: None)
    if shown and console.is_jupyter:
        chosen = _in_notebook()
    elif shown and terminal and console.is_terminal:
        chosen = _in_terminal(console)
    with chosen as move:
        yield move


@contextmanager
def _in_terminal(console: Any) -> Iterator[Move]:
    """Show a bar as the terminal's last line, which is erased in the end."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:3.0f}%"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        auto_refresh=False,  # it is drawn when it moves: there is no need for a thread
        redirect_stdout=False,
        redirect_stderr=False,
    )
    task = bar.add_task("", total=None)

    def move(doing: str, done: int, total: int) -> None:
        bar.update(task, description=doing, completed=done, total=total)
        bar.refresh()

    with bar:
        yield move


@contextmanager
def _in_notebook() -> Iterator[Move]:
    """Show a bar as one output of a cell, which is empty in the end."""
    from IPython.display import HTML, display

    from labserver.templates import render

    output = display({}, raw=True, display_id=True)  # type: ignore[no-untyped-call]
    began = time.monotonic()
    drawn = 0.0

    def move(doing: str, done: int, total: int) -> None:
        nonlocal drawn
        now = time.monotonic()
        if now - drawn < DRAW_S and done < total:
            return
        drawn = now
        bar = render(
            "measure/progress_bar.html",
            doing=doing,
            percent=round(100 * done / total) if total else 0,
            left=time_left(now - began, done, total),
        )
        output.update(HTML(bar))  # type: ignore[no-untyped-call]

    try:
        yield move
    finally:
        output.update({}, raw=True)


def time_left(elapsed_s: float, done: int, total: int) -> str:
    """Return how long the rest will take in a few words; nothing while that cannot be told."""
    if elapsed_s < GUESS_S or not 0 < done < total:
        return ""
    left_s = elapsed_s * (total - done) / done
    return f"about {left_s:.0f} s left" if left_s < 100 else f"about {left_s / 60:.0f} min left"
