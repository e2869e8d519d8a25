"""A notebook's cells without a kernel: a real IPython, in this process."""

from __future__ import annotations

from typing import Any

import IPython
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config


class Cells:
    """The cells that a learner runs, one after the other.

    Args:
        monkeypatch: makes it the IPython that runs.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # Not a singleton, and nothing of it on the disk.
        self.shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
        self.shell.showtraceback = self.shell.showsyntaxerror = lambda *_, **__: None
        monkeypatch.setattr(IPython, "get_ipython", lambda: self.shell)

    def run(self, source: str) -> None:
        """Run a cell; an error in it is the learner's."""
        self.shell.run_cell(source, store_history=True)

    def __getitem__(self, name: str) -> Any:
        return self.shell.user_ns[name]
