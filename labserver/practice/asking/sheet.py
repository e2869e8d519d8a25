"""What the widgets that ask have in common: a question on a sheet, answered in the page or in code.

What is answered lies in the learner's progress, under a key. All sheets of a kernel that share a
key show the same state, so a cell that runs again, or asks twice, loses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import anywidget
import traitlets

from labserver.errors import LabError
from labserver.widgets.assets import es_module, stylesheet

# Says that the text beside the widget's view can be read; a stored notebook then keeps it.
READABLE = {"labserver": {"readable": True}}

_HERE = Path(__file__).parent
_numbers = count()
_live: dict[str, WeakValueDictionary[int, Sheet]] = {}


def script(name: str) -> str:
    """Return a sheet's ES module, which stands in this folder."""
    return es_module(_HERE / name)


class Sheet(anywidget.AnyWidget):
    """A question in the page; its `text/plain` is its `repr`, in full.

    Args:
        shared: names what sheets have in common; when one changes, all of the same name do.
        page_class: the class that marks it in the page.
        traits: the values of further traits.
    """

    _css = stylesheet(_HERE / "sheet.css")

    problem = traitlets.Unicode().tag(sync=True)

    def __init__(self, shared: str, page_class: str, **traits: Any) -> None:
        super().__init__(**traits)
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

    def _on_browser(self, _: object, message: dict[str, Any], __: object) -> None:
        try:
            self.act(message)
            self.problem = ""
        except LabError as error:
            self.problem = str(error)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:  # a widget without a view
            return None
        data, metadata = bundle
        return data | {"text/plain": repr(self)}, metadata | READABLE
