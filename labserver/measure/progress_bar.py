"""A progress bar that a terminal or a notebook shows while it runs, and of which nothing stays.

Output that goes to a file or a pipe gets none. In a notebook the bar is not left to rich, which
would leave an empty output and the view of a widget that no longer exists in the notebook's file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

Move = Callable[[str, int, int], None]


@contextmanager
def progress_bar(shown: bool = True) -> Iterator[Move]:
    """Show a bar for the length of a block.

    Args:
        shown: whether there is one at all.

    Yields:
        What moves it; called with what is being done, how much is done, and of how much.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    in_notebook = shown and console.is_jupyter
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:3.0f}%"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=in_notebook or not (shown and console.is_terminal),
        auto_refresh=False,  # it is drawn when it moves: there is no need for a thread
        redirect_stdout=False,
        redirect_stderr=False,
    )
    task = bar.add_task("", total=None)
    with bar, _in_notebook(bar) if in_notebook else nullcontext(bar.refresh) as draw:

        def move(doing: str, done: int, total: int) -> None:
            bar.update(task, description=doing, completed=done, total=total)
            draw()

        yield move


@contextmanager
def _in_notebook(bar: Progress) -> Iterator[Callable[[], None]]:
    """Show a bar as one output of a cell, which is empty in the end."""
    from IPython.display import display

    output = display({}, raw=True, display_id=True)  # type: ignore[no-untyped-call]
    try:
        yield lambda: output.update(bar)
    finally:
        output.update({}, raw=True)
