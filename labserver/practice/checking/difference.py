"""Where an answer first differs from the expected one, in words, and in bytes with a caret."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from labserver.practice.checking.play import Raised
from labserver.practice.checking.values import Strange, same

ROW = 16  # bytes in a row
TEXT_ROW = 48  # characters in a row
SHOWN_BYTES = 24
SHOWN_ITEMS = 6


class Difference(NamedTuple):
    """The first place where two answers differ.

    Attributes:
        path: the way there from the whole value, such as `[1].payload`; "" for the whole itself.
        expected, actual: what stands there.
    """

    path: str
    expected: Any
    actual: Any


def first_difference(expected: Any, actual: Any) -> Difference:
    """Find the first place where `actual` differs from `expected`; the two must differ."""
    if type(expected) is type(actual) and isinstance(expected, (list, tuple)):
        names = getattr(expected, "_fields", None)
        for index, (left, right) in enumerate(zip(expected, actual, strict=False)):
            if not same(left, right):
                step = f".{names[index]}" if names else f"[{index}]"
                inner = first_difference(left, right)
                return inner._replace(path=step + inner.path)
    if isinstance(expected, dict) and type(actual) is dict:
        for key, left in expected.items():
            if key in actual and not same(left, actual[key]):
                inner = first_difference(left, actual[key])
                return inner._replace(path=f"[{key!r}]" + inner.path)
    return Difference("", expected, actual)


def explain(difference: Difference, field: Callable[[int], str]) -> list[str]:
    """Return the lines that show a difference.

    Args:
        difference: what `first_difference` found.
        field: gives the name of the field that the byte at an index belongs to, or "".
    """
    expected, actual = difference.expected, difference.actual
    lines = [f"at        {difference.path}"] if difference.path else []
    if isinstance(actual, Raised) and not difference.path:
        return []  # it is shown already, with its text and its line
    if type(expected) is type(actual) and type(expected) in (bytes, str) and expected and actual:
        return lines + _carets(expected, actual, field)
    if isinstance(expected, (list, tuple, dict)) and type(expected) is type(actual):
        return [*lines, f"          expected {_items(len(expected))}, got {_items(len(actual))}"]
    if difference.path:
        lines += [f"expected  {shown(expected)}", f"got       {shown(actual)}"]
    fields = getattr(expected, "_fields", None)
    if fields and isinstance(actual, Strange) and actual.type == _type(expected):
        lines.append(f"          a {actual.type} of your own, not the one that the stub imports")
    speaks = isinstance(actual, Strange | Raised) or isinstance(expected, Raised)
    if _type(expected) != _type(actual) and not speaks:
        lines.append(f"          expected {_type(expected)}, got {_type(actual)}")
    return lines


def shown(value: Any) -> str:
    """Return a short form of a value: bytes as text or hex, long values and lists cut."""
    if type(value) is bytes:
        is_text = len(value) <= SHOWN_BYTES and value.isascii() and value.decode().isprintable()
        return repr(value) if is_text else hexed(value)
    if type(value) is str and not isinstance(value, Raised):
        return repr(value) if len(value) <= 80 else f"{value[:60]!r}… ({len(value):,} characters)"
    if isinstance(value, tuple) and hasattr(value, "_fields") and not isinstance(value, Strange):
        fields = zip(value._fields, value, strict=True)
        return f"{type(value).__name__}({', '.join(f'{n}={shown(one)}' for n, one in fields)})"
    if type(value) is list:
        return f"[{_joined(value)}]"
    if type(value) is tuple:
        return f"({_joined(value)}{',' if len(value) == 1 else ''})"
    if type(value) in (set, frozenset):
        return f"{{{_joined(sorted(value, key=repr))}}}" if value else "set()"
    return repr(value)


def hexed(data: bytes) -> str:
    """Return bytes as hex, shortened where there are many."""
    cut = f" … ({len(data):,} bytes)" if len(data) > SHOWN_BYTES else ""
    return f"<{data[:SHOWN_BYTES].hex(' ')}{cut}>"


def typed(value: Any) -> str:
    """Return a value as one would type it, or in angle brackets if it is too long for that."""
    if type(value) is not bytes or len(value) < 2:
        return repr(value)
    if len(value) > SHOWN_BYTES:
        if len(set(value)) == 1:
            return f"{value[:1]!r} * {len(value)}"
        return hexed(value)
    return f"bytes.fromhex('{value.hex(' ')}')"


def _carets(expected: bytes | str, actual: bytes | str, field: Callable[[int], str]) -> list[str]:
    pairs = zip(expected, actual, strict=False)
    common = min(len(expected), len(actual))
    index = next((i for i, (left, right) in enumerate(pairs) if left != right), common)
    width, row = (3, ROW) if isinstance(expected, bytes) else (1, TEXT_ROW)
    start = index - index % row
    what = "byte" if isinstance(expected, bytes) else "character"
    end = "" if index < common else f", where {'yours' if len(actual) == index else 'it'} ends"
    named = field(index) if isinstance(expected, bytes) else ""
    return [
        f"expected  {_row(expected, start, row)}",
        f"got       {_row(actual, start, row)}",
        f"          {' ' * (width * (index - start))}^ {what} {index}{end}"
        + (f": {named}" if named else ""),
    ]


def _row(data: bytes | str, start: int, length: int) -> str:
    piece = data[start : start + length]
    if not piece:
        return "(nothing more)"
    if isinstance(piece, bytes):
        text = piece.hex(" ")
    else:
        text = "".join(c if c.isprintable() else "·" for c in piece)
    return text + (" …" if len(data) > start + length else "")


def _joined(values: Sequence[Any]) -> str:
    more = [f"… ({len(values)} in all)"] if len(values) > SHOWN_ITEMS else []
    return ", ".join([shown(one) for one in values[:SHOWN_ITEMS]] + more)


def _items(count: int) -> str:
    return f"{count} item" if count == 1 else f"{count} items"


def _type(value: Any) -> str:
    if type(value) is frozenset:
        return "set"  # the learner returned a set
    return "None" if value is None else type(value).__name__
