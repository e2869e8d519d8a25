"""The errors of labserver: each says who can do something about it, and what.

`LabError` addresses the person at the notebook. `Refused` is what a server answers to a request
that it refuses. It carries the answer in the terms of each protocol: the HTTP status, the stable
word of an ERROR event, and the WebSocket close code.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

_LIBRARIES = ("stdlib", "platstdlib", "purelib", "platlib")

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class LabError(Exception):
    """An error that the person at the notebook can do something about; the message says what."""

    def _render_traceback_(self) -> list[str]:
        """Return what a cell shows, for IPython: the reader's own lines, and none of the lab's."""
        return [*_places(self), headline(self)]


class Refused(LabError):
    """A request or an event that was not accepted.

    Args:
        status: the HTTP status.
        code: a stable snake_case word, for the ERROR event.
        message: one sentence that says what to change.
        headers: HTTP response headers that belong to the status.
        close_code: the WebSocket close code, if the connection must end (RFC 6455 §7.4.1).
        retry_after_s: seconds after which the same request may be accepted.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] = NO_HEADERS,
        close_code: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers
        self.close_code = close_code
        self.retry_after_s = retry_after_s


class NotConnected(LabError):
    """The client is closed, or could not reach the server within the time it was given."""


def headline(error: Exception) -> str:
    """Return an error's kind, in red, and what it says, as a cell shows it."""
    return f"\x1b[31m{type(error).__name__}\x1b[39m: {error}"


def _places(error: LabError) -> Iterator[str]:
    """Yield where an error passed through code that is neither ours nor a library's."""
    import sysconfig
    import traceback

    ours = (str(Path(__file__).parent), *(sysconfig.get_path(name) for name in _LIBRARIES))
    for frame in traceback.extract_tb(error.__traceback__):
        if not frame.filename.startswith((*ours, "<frozen")):
            yield f"{_name_of(frame.filename)}, line {frame.lineno}\n----> {frame.line}\n"


def _name_of(filename: str) -> str:
    """Return a cell's name, such as `Cell In[3]`; for a file its path."""
    core = sys.modules.get("IPython.core.getipython")
    shell = core and core.get_ipython()
    cell = shell and shell.compile.format_code_name(filename)
    return " ".join(cell) if cell else filename
