"""What a learner's code returned, as JSON and back: plain values, and a few given NamedTuples.

The judge compares what it reads here, in a process that the learner's objects never enter: an
object that claims to equal everything arrives as `Strange`, which equals nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from types import CoroutineType
from typing import Any, NamedTuple

from labserver.practice.checking.play import Raised

ITEMS_MAX = 100_000  # in all lists together; no answer has more than a few hundred
BYTES_MAX = 4_000_000  # in all texts and bytes together; the largest answer has 1 MiB
DEPTH_MAX = 20
DIGITS_MAX = 400  # of an int; JSON would take any
REPR_MAX = 60

# Each plain type with the method of its own that gives a subclass's value.
ATOMS: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (int, int.__int__),
    (float, float.__float__),
    (str, str.__str__),
    (bytes, bytes.__bytes__),
)


class TooMuch(Exception):
    """The value is larger than any answer could be."""


class Strange(NamedTuple):
    """A value of a type that no answer has.

    Attributes:
        type: its name.
        text: its repr, shortened.
    """

    type: str
    text: str

    def __repr__(self) -> str:
        return f"{self.text} ({self.type})" if self.text else f"a {self.type}"


def encode(value: Any, types: Sequence[type]) -> Any:
    """Turn a value into what JSON can hold.

    Args:
        value: what the learner's code returned.
        types: the NamedTuples that may be in it.

    Raises:
        TooMuch: if it is too large.
    """
    return _Encoder(types).encode(value, 0)


class _Encoder:
    def __init__(self, types: Sequence[type]) -> None:
        self._types = types
        self._items = ITEMS_MAX
        self._bytes = BYTES_MAX

    def encode(self, value: Any, depth: int) -> Any:
        kind = type(value)  # not isinstance, because a class can pretend
        if kind is Raised:
            return {"raised": str(value)}
        for plain, taken in ATOMS:
            # HTTPStatus.OK and numpy.float64(2) are numbers; nothing else of a subclass crosses.
            if kind is not plain and kind is not bool and issubclass(kind, plain):
                kind, value = plain, taken(value)
        if value is None or kind is bool:
            return value
        if kind is int:
            if value.bit_length() > DIGITS_MAX * 3:
                return {"strange": ["int", "a number of more than 300 digits"]}
            return value
        if kind is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if kind is str:
            self._spend(len(value))
            return {"str": value.encode("utf-8", "surrogatepass").hex()}
        if kind is bytes:
            self._spend(len(value))
            return {"bytes": value.hex()}
        if depth < DEPTH_MAX:
            if kind in (list, tuple):
                return {kind.__name__: self._all(value, depth)}
            if kind is dict:
                return {"dict": [self._all(pair, depth) for pair in dict.items(value)]}
            if kind in (set, frozenset):
                return {"set": self._all(_sorted(value), depth)}
            if kind in self._types:
                return {"named": [self._types.index(kind), self._all(tuple(value), depth)]}
        if kind is CoroutineType:
            value.close()  # otherwise Python warns that nobody awaited it
        return {"strange": [kind.__name__[:REPR_MAX], _shown(value)]}

    def _all(self, values: Sequence[Any], depth: int) -> list[Any]:
        self._items -= len(values)
        if self._items < 0:
            raise TooMuch
        return [self.encode(one, depth + 1) for one in values]

    def _spend(self, size: int) -> None:
        self._bytes -= size
        if self._bytes < 0:
            raise TooMuch


def decode(value: Any, types: Sequence[type]) -> Any:
    """Return the value that `encode` was given.

    Raises:
        ValueError: if it is malformed.
    """
    if not isinstance(value, dict):
        return value
    ((kind, held),) = value.items()
    if kind == "str":
        return bytes.fromhex(held).decode("utf-8", "surrogatepass")
    if kind == "bytes":
        return bytes.fromhex(held)
    if kind == "float":
        return float(held)
    if kind == "raised":
        return Raised(held)
    if kind == "strange":
        name, text = held
        return Strange(str(name), str(text))
    if kind == "named":
        index, fields = held
        return types[index](*(decode(one, types) for one in fields))
    if kind == "dict":
        return {decode(key, types): decode(one, types) for key, one in held}
    make = {"list": list, "tuple": tuple, "set": frozenset}[kind]
    return make(decode(one, types) for one in held)


def same(expected: Any, actual: Any) -> bool:
    """Whether an answer is the expected one: by type, then by value; floats within 1e-9."""
    if type(expected) is float:
        return type(actual) in (int, float) and math.isclose(
            expected, actual, rel_tol=1e-9, abs_tol=1e-12
        )
    if isinstance(expected, (set, frozenset)):
        return type(actual) in (set, frozenset) and bool(expected == actual)
    if type(expected) is not type(actual):
        return False
    if isinstance(expected, (list, tuple)):
        return len(expected) == len(actual) and all(map(same, expected, actual))
    if isinstance(expected, dict):
        return expected.keys() == actual.keys() and all(
            same(one, actual[key]) for key, one in expected.items()
        )
    return bool(expected == actual)


def _sorted(values: set[Any] | frozenset[Any]) -> list[Any]:
    return sorted(values, key=lambda one: (type(one).__name__, _shown(one)))


def _shown(value: Any) -> str:
    """Return a value's repr, shortened; the learner's own __repr__ may do anything."""
    try:
        return re.sub(" at 0x[0-9a-fA-F]*", "", repr(value)[:REPR_MAX])  # it differs in each run
    except Exception:  # noqa: BLE001
        return ""
