"""Mutants of the solutions: each changes one thing, and a checker must not pass it.

    python -m tests.exercises.mutants [E12 …]

Prints how many of each exercise are found out, and every survivor. EQUIVALENT has those that do
the same as the solution, or break only what the task leaves open, each with its reason; a
survivor that is not among them is a hole in a checker, and so is an entry that does not survive.
"""

from __future__ import annotations

import argparse
import ast
import copy
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from labserver.classroom.marking.cells import DeferredCells
from labserver.classroom.marking.references import find_references
from labserver.practice.checking import sandbox
from labserver.practice.checking.exercise import load
from labserver.practice.checking.judge import judge

Change = Callable[[Any], None]

COMPARED: dict[type, tuple[type, ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
COUNTED: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.BitXor: ast.BitOr,
}
DROPPED = (ast.Assign, ast.AugAssign, ast.Raise, ast.Return, ast.Expr, ast.Break, ast.Continue)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change.

    Attributes:
        line: what stood there.
        what: the change.
        source: all of it, changed.
    """

    line: str
    what: str
    source: str

    @property
    def key(self) -> tuple[str, str]:
        """What it is known by in EQUIVALENT."""
        return self.line, self.what


def mutants(source: str) -> Iterator[Mutant]:
    """All mutants of a source, one change each."""
    tree = ast.parse(source)
    lines = source.splitlines()
    left_alone = _left_alone(tree)
    before: Counter[tuple[str, str]] = Counter()
    for at, node in enumerate(ast.walk(tree)):
        if node in left_alone:
            continue
        line = lines[getattr(node, "lineno", 1) - 1].strip()
        for what, change in _changes(node):
            other = copy.deepcopy(tree)
            change(list(ast.walk(other))[at])
            text = ast.unparse(ast.fix_missing_locations(other))
            before[line, what] += 1
            again = f" ({before[line, what]})" if before[line, what] > 1 else ""
            yield Mutant(line, what + again, text)


def _left_alone(tree: ast.Module) -> set[ast.AST]:
    """Docstrings, annotations, and the words of exceptions."""
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        for name in ("annotation", "returns"):
            if isinstance(part := getattr(node, name, None), ast.AST):
                found |= set(ast.walk(part))
        if isinstance(node, ast.Raise) and node.exc is not None:
            texts = (n for n in ast.walk(node.exc) if isinstance(n, ast.Constant))
            found |= {text for text in texts if isinstance(text.value, str)}
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found |= {node, node.value}
    return found


def _changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if isinstance(node, ast.Compare):
        for place, kind in enumerate(node.ops):
            for other in COMPARED[type(kind)]:
                yield f"{_name(kind)} → {other.__name__}", _item("ops", place, other())
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in COUNTED:
        other = COUNTED[type(node.op)]
        yield f"{_name(node.op)} → {other.__name__}", _set("op", other())
    if isinstance(node, ast.BoolOp):
        swapped = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield f"{_name(node.op)} → {_name(swapped)}", _set("op", swapped)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        # Doubled, as a node cannot be replaced without its parent.
        yield "not x → x", lambda n: setattr(n, "operand", ast.UnaryOp(ast.Not(), n.operand))
    if isinstance(node, ast.Constant):
        yield from _constants(node.value)
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        yield "negated", lambda n: setattr(n, "test", ast.UnaryOp(ast.Not(), n.test))
        yield "never", _set("test", ast.Constant(value=False))
    if isinstance(node, ast.comprehension):
        for place in range(len(node.ifs)):
            yield "any", _item("ifs", place, ast.Constant(value=True))
    body = getattr(node, "body", None)
    for place, statement in enumerate(body if isinstance(body, list) else ()):
        if isinstance(statement, DROPPED) and not _is_docstring(statement):
            yield f"no {ast.unparse(statement).splitlines()[0]}", _item("body", place, ast.Pass())


def _constants(value: object) -> Iterator[tuple[str, Change]]:
    if isinstance(value, bool):
        yield f"{value} → {not value}", _set("value", not value)
    elif isinstance(value, int):
        for other in (value + 1, value - 1):
            yield f"{value} → {other}", _set("value", other)
    elif isinstance(value, str | bytes) and value:
        longer = value + (b"x" if isinstance(value, bytes) else "x")
        yield f"{value!r} → {longer!r}", _set("value", longer)
    elif value is None:
        yield "None → 0", _set("value", 0)


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _name(kind: ast.AST) -> str:
    return type(kind).__name__


def _set(field: str, value: Any) -> Change:
    return lambda node: setattr(node, field, value)


def _item(field: str, place: int, value: Any) -> Change:
    return lambda node: getattr(node, field).__setitem__(place, value)


def solutions() -> dict[str, tuple[list[tuple[str, str]], str]]:
    """Exercise → the answers before it, by name, and its solution."""
    found = {}
    for reference in find_references():
        before: list[tuple[str, str]] = []
        for exercise, cell in reference.answers.items():
            found[exercise] = (list(before), cell.source)
            before.append((f"<{exercise}>", cell.source))
    return found


def survives(exercise_id: str, before: list[tuple[str, str]], mutant: Mutant) -> bool:
    """Whether a checker passes it."""
    exercise, own = load(exercise_id), f"<{exercise_id} mutant>"
    return judge(
        exercise, DeferredCells((*before, (own, mutant.source)), own, exercise.name)
    ).passed


SIZES = "for first, last, w in ((0, 125, 2), (126, 0xFFFF, 4), (0x10000, 2**63 - 1, 10)):"
PAD = "pad = (turned * (len(payload) // 4 + 1))[: len(payload)]"
FRAME = "return Frame(first > 0x7F, opcode, mask(payload, key) if key else payload)"
CODES = "allowed = 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999"
HALF = "fail = None if allowed and len(payload) > 1 else 1002"

# Exercise → (the line, the change) → why nobody can tell.
EQUIVALENT: dict[str, dict[tuple[str, str], str]] = {
    "E04": {
        ("except TimeoutError:", "no return []"): "nothing is after the cursor then: [] again",
    },
    "E10": {
        (PAD, "FloorDiv → Mult"): "a longer pad is cut to the same",
        (PAD, "1 → 2"): "a longer pad is cut to the same",
        (PAD, "4 → 3"): "a longer pad is cut to the same",
    },
    "E11": {
        (
            "opcode: int, payload: bytes, fin: bool = True, mask_key: bytes | None = None",
            "None → 0",
        ): "0 is as false as None",
        (
            "if opcode >= 8 and (size > 125 or not fin):",
            "8 → 7",
        ): "opcode 7 is reserved: nobody sends it",
    },
    "E12": {
        ("if len(self.buffer) < start:", "never"): "the end of the frame is not there either",
        ("if len(self.buffer) < start:", "no return None"): "the same",
        (FRAME, "Gt → GtE"): "0x7f has reserved bits, and was refused",
        (FRAME, "127 → 126"): "0x7f has reserved bits, and was refused",
        ("if opcode >= 8 and size > 125:", "8 → 7"): "opcode 7 was refused",
    },
    "E13": {("if frame.opcode >= 8:", "8 → 7"): "no decoder gives a frame with opcode 7"},
    "E15": {
        (CODES, "LtE → Lt (4)"): "1014 is IANA's, not the RFC's: it is not asked for",
        (CODES, "1014 → 1013"): "1014 is IANA's, not the RFC's: it is not asked for",
        (HALF, "Gt → GtE"): "one byte is no code from 1000 on",
        (HALF, "1 → 0"): "one byte is no code from 1000 on",
    },
    "E27": {
        (SIZES, "126 → 125"): "at 125 the shorter header holds as well",
        (SIZES, "65536 → 65535"): "at 65,535 the shorter header holds as well",
    }
    | {
        (SIZES, what): "no header fields are 2**62 bytes long: it is not asked for"
        for what in ("Sub → Add", "1 → 2", "1 → 0", "2 → 3 (2)", "63 → 64", "63 → 62")
    },
    "E28": {
        (
            "delays = sorted(end - due for due, end in zip(scheduled, done, strict=True))",
            "True → False",
        ): "both lists are as long",
    },
}


def main(wanted: list[str]) -> int:
    """Try all mutants of some exercises, or of all; gives how many holes there are."""
    for exercise in wanted:
        load(exercise)  # or it says which there are
    sandbox.LOAD_MAX_S = sandbox.CASE_MAX_S = 1.0  # many a mutant loops for ever
    holes = killed = total = 0
    for exercise, (before, source) in sorted(solutions().items()):
        if wanted and exercise not in wanted:
            continue
        tried = list(mutants(source))
        alive = [mutant for mutant in tried if survives(exercise, before, mutant)]
        known = EQUIVALENT.get(exercise, {})
        print(f"{exercise}: {len(tried) - len(alive)} of {len(tried)}", flush=True)
        killed, total = killed + len(tried) - len(alive), total + len(tried)
        for mutant in alive:
            print(f"    {mutant.key!r}: {known.get(mutant.key, '?')!r},", flush=True)
        holes += len({mutant.key for mutant in alive} ^ set(known))
    print(f"all: {killed} of {total}; holes: {holes}")
    return holes


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Mutants of the solutions, and which survive.")
    parser.add_argument("exercise", nargs="*", metavar="E12", help="default: all")
    sys.exit(bool(main(parser.parse_args().exercise)))
