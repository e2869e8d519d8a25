"""Cells that are executed where they are unpickled: in the checker's process, not here."""

from __future__ import annotations

import ast
import asyncio
import importlib.abc
import inspect
import linecache
import re
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any

SOLUTIONS = "labserver.exercises"
MAGIC = re.compile(r"^[ \t]*[%!].*$", re.MULTILINE)

Sources = tuple[tuple[str, str], ...]


class DeferredCells:
    """The code of some cells, which `judge` takes in place of the learner's function.

    Args:
        sources: a name and the source of each cell, in order.
        own: the name of the answer's cell; exceptions in the others are ignored.
        wanted: the name that the answer defines.
    """

    def __init__(self, sources: Sources, own: str, wanted: str) -> None:
        self._given = sources, own, wanted
        for name, source in sources:  # so that messages can show a line of it
            linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return run, self._given


def run(sources: Sources, own: str, wanted: str) -> Any:
    """Execute the cells, and return what the answer defines.

    Raises:
        NameError: if it does not define that name.
        BaseException: whatever the answer's cell raises before it has defined the name.
    """
    sys.meta_path.insert(0, _NoSolutions())
    space: dict[str, Any] = {"__name__": "__main__"}
    for name, source in sources:
        try:
            _execute(source, name, space)
        except BaseException:  # SystemExit, too, ends only a cell
            if name == own and wanted not in space:
                raise
    if wanted not in space:
        raise NameError(f"the cell does not define {wanted}")
    return space[wanted]


def _execute(source: str, name: str, space: dict[str, Any]) -> None:
    plain = MAGIC.sub("", source)
    code = compile(plain, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    if code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(types.FunctionType(code, space)())
    else:
        exec(code, space)


class _NoSolutions(importlib.abc.MetaPathFinder):
    """Finds no exercise: the process has loaded the play.py that it needs, and no reference.

    Whoever wants to read a solution can, because it lies on the disk; but importing it is not an
    answer.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> None:
        if fullname.startswith(SOLUTIONS):
            raise ImportError("an answer does not import the solution")
