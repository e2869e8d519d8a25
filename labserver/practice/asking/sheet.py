"""What the widgets that ask have in common: a question on a sheet, answered in the page or in code.

What is answered lies in the learner's progress, under a key. All sheets of a kernel that share a
key show the same state, so a cell that runs again, or asks twice, loses nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import wraps
from inspect import cleandoc
from itertools import count
from pathlib import Path
from textwrap import fill
from threading import RLock
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakValueDictionary

import anywidget
import traitlets

from labserver.errors import LabError
from labserver.widgets.assets import es_module, stylesheet
from labserver.widgets.window import ANSWERS_KEPT, say_when_it_is_gone

# Says that the text beside the widget's view can be read; a stored notebook then keeps it.
READABLE = {"labserver": {"readable": True}}
TEXT_COLUMNS = 100  # a page of the book does not wrap what a cell shows as text

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound="Sheet")

_HERE = Path(__file__).parent
# JupyterLab sends one message to the kernel's main thread and the next to a subshell's.
_one_at_a_time = RLock()
_numbers = count()
_live: dict[str, WeakValueDictionary[int, Sheet]] = {}


def script(name: str) -> str:
    """Return a sheet's ES module, which stands in this folder."""
    return es_module(_HERE / name)


def flowing(text: str) -> str:
    """Return a text without the line breaks of its source; blank lines part its paragraphs."""
    paragraphs = re.split(r"\n\s*\n", cleandoc(text))
    return "\n\n".join(" ".join(one.split()) for one in paragraphs)


def alone(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Let a method that reads and then writes what is kept run while no other does."""

    @wraps(method)
    def runs(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with _one_at_a_time:
            return method(self, *args, **kwargs)

    return runs


class Sheet(anywidget.AnyWidget):
    """A question in the page; its `text/plain` is its `repr`, wrapped.

    Args:
        shared: names what sheets have in common; when one changes, all of the same name do.
        page_class: the class that marks it in the page.
        traits: the values of further traits.
    """

    _css = stylesheet(_HERE / "sheet.css")

    problem = traitlets.Unicode().tag(sync=True)

    def __init__(self, shared: str, page_class: str, **traits: Any) -> None:
        super().__init__(**traits)
        say_when_it_is_gone(ANSWERS_KEPT)
        self._alike = _live.setdefault(shared, WeakValueDictionary())
        self._alike[next(_numbers)] = self
        self.add_class(page_class.replace(" ", "-"))  # a space would make two classes of it
        self.on_msg(self._on_browser)

    def refresh(self) -> None:
        """Show what is kept now."""
        raise NotImplementedError

    def act(self, message: Mapping[str, Any]) -> None:
        """Do what a button in the page asks for.

        Raises:
            LabError: if that cannot be done.
        """
        raise NotImplementedError

    def _refresh_all(self) -> None:
        # In the order in which they were made: the latest has the last word.
        for _, sheet in sorted(self._alike.items()):
            try:
                sheet.refresh()
            except LabError as error:
                if sheet is self:
                    raise
                sheet.problem = str(error)

    @alone
    def _on_browser(self, _: object, message: dict[str, Any], __: object) -> None:
        self.problem = ""  # so that the same problem is said again
        try:
            self.act(message)
        except LabError as error:
            self.problem = str(error)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:  # a widget without a view
            return None
        data, metadata = bundle
        lines = [fill(line, TEXT_COLUMNS) for line in repr(self).splitlines()]
        return data | {"text/plain": "\n".join(lines)}, metadata | READABLE
