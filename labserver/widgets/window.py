"""What all windows of the lab have in common: how they are closed, and what stays in their place.

JupyterLab asks a kernel for the state of all its widgets at once when a page is loaded, and one
widget that cannot be told leaves all of them at "Loading widget…". A box with a closed widget in
it is one that cannot be told, so a window that is closed leaves its boxes.

Of a widget that no kernel knows any more JupyterLab says "model not found". Only the page can say
something better by then, so the cell's output brings a style sheet that does.
"""

from __future__ import annotations

from typing import Any

import anywidget
import ipywidgets
from IPython.display import HTML, display

# The list of widgets is private to ipywidgets; its public name is deprecated.
from ipywidgets.widgets.widget import _instances

from labserver.templates import render
from labserver.widgets.rerun import close_on_rerun, first_of_this_run

_ABOVE = "a new kernel needs the cells above it first."
WINDOW_GONE = (
    f"This window was closed, or belonged to a kernel that has ended. Run its cell again; {_ABOVE}"
)
ANSWERS_KEPT = f"What you answer is kept. Run this cell again to see it; {_ABOVE}"


class Window(anywidget.AnyWidget):
    """A widget that is closed when its cell is run again.

    Args:
        traits: the values of its traits.
    """

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        say_when_it_is_gone()
        close_on_rerun(self)

    def close(self) -> None:
        """Close the window, and take it out of the boxes that show it."""
        _take_out_of_boxes(self)
        self.layout.close()
        super().close()


def say_when_it_is_gone(text: str = WINDOW_GONE) -> None:
    """Let the page say what to do about the widgets of this cell once no kernel knows them.

    Args:
        text: what it says, without a quotation mark or an apostrophe, as it stands in a style
            sheet; the first widget of a cell decides.
    """
    if first_of_this_run():
        display(HTML(render("widgets/window_gone.html", text=text)))  # type: ignore[no-untyped-call]


def _take_out_of_boxes(widget: ipywidgets.Widget) -> None:
    """Remove a widget from every box, and close the boxes that are empty then."""
    for box in list(_instances.values()):
        if not isinstance(box, ipywidgets.Box) or widget not in box.children:
            continue
        box.children = tuple(child for child in box.children if child is not widget)
        if not box.children:
            _take_out_of_boxes(box)
            box.close()
