"""Where a learner's function or class comes from, and whether its cell has defined it.

A cell with a syntax error defines nothing, and what an earlier run had defined stays. IPython
keeps each input and the exceptions of those that failed; what was defined is compared with the
latest input that was to define it. A cell's text is found through the code of a function in it,
because Python before 3.13 does not know the source of a class in a notebook.
"""

from __future__ import annotations

import ast
import dis
import functools
import inspect
import linecache
import re
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from labserver.errors import LabError

# What `def NAME` may have become by a slip of the hand, but not `print NAME`.
MEANT = r"^(?:async +)?(?!(?:assert|await|del|from|import|print|raise|return|yield)\b)[a-z]+ +{}\b"


def shell() -> Any:
    """Return the IPython that runs the cells, or None outside a notebook."""
    # Only if IPython is running anyway: importing it takes half a second.
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def source_of(code: Any) -> str:
    """Return the text of the cell or file that defines a function or class, or ""."""
    # What a library's decorator put around it comes last.
    functions = sorted(
        _functions(code), key=lambda one: one.__globals__.get("__name__") != "__main__"
    )
    return _text(functions[0]) if functions else ""


def defined(name: str) -> Any:
    """Return what the notebook defines under a name.

    Raises:
        LabError: if it defines nothing, or the latest cell that was to define it failed.
    """
    found = shell()
    space = found.user_ns if found is not None else {}
    if name in space:
        refuse_outdated(space[name], name)
        return space[name]
    latest = _latest(found, name)
    if latest is not None and latest.problem:
        raise LabError(f"The cell of {name} {latest.problem}. Correct it, run it, and check again.")
    raise LabError(f"{name} is not defined yet: run the cell with your answer, and check again.")


def refuse_outdated(code: Any, name: str) -> None:
    """See to it that the code is what the notebook's cells say now, with all that it calls.

    Args:
        code: the function or class.
        name: what the exercise calls it.

    Raises:
        LabError: if the latest cell that was to define it failed before it had.
    """
    found = shell()
    if found is None:
        return
    own = getattr(code, "__name__", name)
    todo = [(own if found.user_ns.get(own) is code else name, code)]
    seen = set()
    while todo:
        called, one = todo.pop()
        if called in seen or found.user_ns.get(called) is not one:
            continue
        seen.add(called)
        latest = _latest(found, called)
        if latest is not None and latest.problem and not latest.made(one):
            raise LabError(
                f"The cell of {called} {latest.problem}, so nothing was judged: {called} is still"
                " what an earlier run defined. Correct the cell, run it, and check again."
            )
        todo += [(used, found.user_ns[used]) for used in _used(one, found.user_ns)]


def is_current(name: str, source: str) -> bool:
    """Whether the notebook defines a name as a cell's text says, so that it need not run again."""
    found = shell()
    if found is None or name not in found.user_ns:
        return False
    latest = _latest(found, name)
    if latest is None or latest.raw.rstrip() != source.rstrip():
        return False
    return not latest.problem or latest.made(found.user_ns[name])


def defines(source: str, name: str) -> bool:
    """Whether a cell with this text defines a name, or was meant to."""
    return bool(_how(source, name))


@dataclass(frozen=True, slots=True)
class _Input:
    """The latest input that was to define a name.

    Attributes:
        raw: as it was typed.
        text: as Python was given it.
        problem: why it may not have defined the name; "" if it surely has.
    """

    raw: str
    text: str
    problem: str

    def made(self, code: Any) -> bool:
        """Whether a function or class comes from this input."""
        return any(_text(one).rstrip() == self.text.rstrip() for one in _functions(code))


def _latest(found: Any, name: str) -> _Input | None:
    history = getattr(found, "history_manager", None)
    if history is None:
        return None
    failed = getattr(history, "exceptions", {})
    inputs = list(zip(history.input_hist_raw, history.input_hist_parsed, strict=False))
    for number, (raw, text) in reversed(list(enumerate(inputs))):
        how = _how(text, name)
        if not how:
            continue
        problem = ""
        if isinstance(how, SyntaxError):
            line = f" in line {how.lineno}" if how.lineno else ""
            problem = f"did not run ({type(how).__name__}{line}: {how.msg})"
        elif how == "defines" and number in failed:
            problem = f"stopped ({failed[number]['ename']}) before it defined anything new"
        return _Input(raw, text, problem)
    return None


def _how(text: str, name: str) -> str | SyntaxError:
    """Say how an input makes a name: it `defines` or `assigns` it, or not at all.

    Returns:
        The error of an input that is not Python, if it was meant to define the name.
    """
    if name not in text:
        return ""
    try:
        with warnings.catch_warnings(action="ignore"):  # they were shown when the cell ran
            tree = compile(
                text, "<cell>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, True
            )
    except SyntaxError as error:
        return error if re.search(MEANT.format(re.escape(name)), text, re.MULTILINE) else ""
    except (ValueError, RecursionError, MemoryError):
        return ""
    hows = [how for bound, how in _bound(tree) if bound == name]
    return "assigns" if "assigns" in hows else "defines" if hows else ""


def _bound(node: Any) -> Iterator[tuple[str, str]]:
    """Yield the names that a module makes, and how; not those of its functions and classes."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield child.name, "defines"
        elif isinstance(child, ast.alias):
            yield child.asname or child.name, "assigns"
        elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            yield child.id, "assigns"
        elif not isinstance(child, ast.Lambda):
            yield from _bound(child)


def _functions(code: Any) -> list[FunctionType]:
    """Return the functions that something consists of: methods, and what decorators wrapped."""
    found: list[FunctionType] = []
    todo, seen = [code], set()
    while todo:
        one = todo.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, FunctionType):
            found.append(one)
            for cell in one.__closure__ or ():
                try:
                    todo.append(cell.cell_contents)
                except ValueError:  # it is empty still
                    continue
        elif inspect.isclass(one):
            todo += vars(one).values()
        elif isinstance(one, staticmethod | classmethod):
            todo.append(one.__func__)
        elif isinstance(one, property):
            todo += [one.fget, one.fset]
        elif isinstance(one, functools.partial):
            todo.append(one.func)
        if callable(one) and not inspect.isclass(one):
            todo.append(getattr(one, "__dict__", {}).get("__wrapped__"))
    return found


def _used(code: Any, space: dict[str, Any]) -> set[str]:
    """Return the names of the notebook's own functions and classes that some code calls."""
    names: set[str] = set()
    todo = [one.__code__ for one in _functions(code) if one.__globals__ is space]
    while todo:
        inner = todo.pop()
        names |= {
            str(step.argval) for step in dis.get_instructions(inner) if step.opname == "LOAD_GLOBAL"
        }
        todo += [one for one in inner.co_consts if isinstance(one, CodeType)]
    return {name for name in names if getattr(space.get(name), "__module__", "") == "__main__"}


def _text(function: FunctionType) -> str:
    return "".join(linecache.getlines(function.__code__.co_filename))
