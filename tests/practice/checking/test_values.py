from __future__ import annotations

import inspect
import json
from enum import StrEnum
from http import HTTPStatus
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labserver.practice.checking.play import Raised
from labserver.practice.checking.values import Strange, TooMuch, decode, encode, same
from labserver.practice.given.frames import Frame

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.binary()
    | st.text(st.characters())
    | st.builds(Raised, st.text(max_size=5))
    | st.builds(Frame, st.booleans(), st.integers(), st.binary())
)
plain = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
    ),
    max_leaves=10,
)


def through(value: Any) -> Any:
    """As it arrives."""
    return decode(json.loads(json.dumps(encode(value, (Frame,)))), (Frame,))


@given(plain)
def test_a_plain_value_arrives_as_it_was(value: Any) -> None:
    arrived = through(value)
    assert type(arrived) is type(value)
    assert arrived == value
    assert same(value, arrived)


def test_sets_arrive_as_frozen_ones() -> None:
    assert through({1, 2}) == frozenset({1, 2})
    assert same({"a", "b"}, through(frozenset({"b", "a"})))


class Equal:
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        raise ValueError


class EqualInt(int):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


class EqualFrame(Frame):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class EqualList(list[int]):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class Pretender:
    @property
    def __class__(self) -> type:  # type: ignore[override]
        return int

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = object.__hash__


class Other(NamedTuple):
    fin: bool
    opcode: int
    payload: bytes


class Technique(StrEnum):
    SSE = "sse"


class Payload(bytes):
    pass


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (HTTPStatus.NOT_MODIFIED, 304),
        (np.float64(0.5), 0.5),
        (Technique.SSE, "sse"),
        (Payload(b"a"), b"a"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_number_or_text_of_another_class_counts_as_what_it_is(value: Any, plain: Any) -> None:
    assert type(through(value)) is type(plain)
    assert same([plain], through([value]))


def test_a_subclass_takes_nothing_of_its_own_with_it() -> None:
    assert not same(3, through(EqualInt(4)))
    assert type(through(EqualInt(4))) is int


@pytest.mark.parametrize(
    ("cheat", "expected"),
    [
        (Equal(), 3),
        (EqualFrame(True, 1, b""), Frame(True, 1, b"")),
        (EqualList([1]), [1]),
        (Pretender(), 3),
        (Other(True, 1, b""), Frame(True, 1, b"")),
    ],
    ids=lambda one: type(one).__name__,
)
def test_what_is_not_of_the_very_type_equals_nothing(cheat: Any, expected: Any) -> None:
    assert isinstance(through(cheat), Strange)
    assert not same(expected, through(cheat))
    assert not same([expected], through([cheat]))


@pytest.mark.parametrize(
    ("expected", "came", "is_same"),
    [
        (True, 1, False),
        (1, True, False),
        (0.5, 0.5 + 1e-12, True),
        (0.5, 0.51, False),
        (2.0, 2, True),
        (1.0, True, False),
        (2, 2.0, False),
        (b"a", "a", False),
        ([1], (1,), False),
        ([1], [1, 2], False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": 0.1}, {"a": 0.1 + 1e-13}, True),
        (Raised("ValueError"), "ValueError", False),
        ("ValueError", Raised("ValueError"), False),
        (float("inf"), float("inf"), True),
        (0.5, float("nan"), False),
    ],
)
def test_what_counts_as_the_same(expected: Any, came: Any, is_same: bool) -> None:
    assert same(expected, through(came)) is is_same


@pytest.mark.parametrize(
    "value",
    [b"x" * 5_000_000, "x" * 5_000_000, [0] * 200_000, [[0] * 1000] * 1000, [b"x" * 10**6] * 5],
    ids=["bytes", "text", "list", "lists", "together"],
)
def test_too_much_is_refused(value: Any) -> None:
    with pytest.raises(TooMuch):
        encode(value, ())


def test_a_list_within_itself_ends() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert "strange" in json.dumps(encode(endless, ()))


def test_an_address_that_differs_in_every_run_is_left_out() -> None:
    assert through(object()) == Strange("object", "<object object>")


def test_a_coroutine_is_named_and_does_not_complain_later() -> None:
    async def code() -> None:
        pass

    coroutine = code()
    assert through(coroutine).type == "coroutine"
    assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED


def test_a_number_without_end_is_not_written_out() -> None:
    assert through(10**100_000) == Strange("int", "a number of more than 300 digits")


@pytest.mark.parametrize("text", ['{"named": [7, []]}', '{"strange": 3}', "{}", '{"odd": []}'])
def test_what_no_encoder_wrote_is_refused(text: str) -> None:
    with pytest.raises((ValueError, LookupError, TypeError)):
        decode(json.loads(text), ())
