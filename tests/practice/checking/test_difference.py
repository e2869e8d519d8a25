from __future__ import annotations

from typing import Any

import pytest

from labserver.practice.checking.difference import (
    Difference,
    explain,
    first_difference,
    hexed,
    shown,
    typed,
)
from labserver.practice.checking.play import Raised
from labserver.practice.checking.values import Strange
from labserver.practice.given.frames import Frame


def lines(expected: Any, came: Any) -> list[str]:
    return explain(first_difference(expected, came), lambda index: f"field {index}")


def test_the_caret_stands_under_the_first_wrong_byte_and_names_its_field() -> None:
    assert lines(b"Hello", b"Help!") == [
        "expected  48 65 6c 6c 6f",
        "got       48 65 6c 70 21",
        "                   ^ byte 3: field 3",
    ]


def test_only_the_row_that_differs_is_shown() -> None:
    expected = bytes(range(48))
    came = expected[:17] + b"\xff" + expected[18:]
    assert lines(expected, came) == [
        "expected  10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f …",
        "got       10 ff 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f …",
        "             ^ byte 17: field 17",
    ]


def test_an_answer_that_ends_too_soon_or_too_late_says_so() -> None:
    assert lines(b"abc", b"ab")[-1] == "                ^ byte 2, where yours ends: field 2"
    assert lines(b"ab", b"abc")[-1] == "                ^ byte 2, where it ends: field 2"
    assert lines(bytes(17), bytes(16))[1] == "got       (nothing more)"


def test_texts_have_carets_too_and_no_control_characters() -> None:
    assert lines("a\nbc", "a\nbd") == [
        "expected  a·bc",
        "got       a·bd",
        "             ^ character 3",
    ]


def test_the_way_to_a_difference_is_named() -> None:
    expected = [[], [Frame(True, 1, b"ab")]]
    came = [[], [Frame(True, 1, b"ax")]]
    assert first_difference(expected, came) == Difference("[1][0].payload", b"ab", b"ax")
    assert lines(expected, came)[0] == "at        [1][0].payload"
    assert first_difference({"p50": 1.0}, {"p50": 2.0}) == Difference("['p50']", 1.0, 2.0)


def test_a_missing_item_is_counted() -> None:
    assert lines([1, 2], [1]) == ["          expected 2 items, got 1 item"]
    assert lines([[]], [[1]])[0] == "at        [0]"


def test_another_type_is_named() -> None:
    assert lines("a", b"a") == ["          expected str, got bytes"]
    assert lines([], None) == ["          expected list, got None"]
    assert lines([[True]], [[1]])[-1] == "          expected bool, got int"


def test_a_set_that_comes_back_frozen_is_a_set() -> None:
    assert lines({1}, frozenset({2})) == []
    assert lines({1}, [1]) == ["          expected set, got list"]


@pytest.mark.parametrize(("expected", "came"), [(b"a", Raised("E")), (Raised("V"), Raised("E"))])
def test_an_exception_has_no_difference_to_show(expected: Any, came: Any) -> None:
    assert lines(expected, came) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"", "b''"),
        (b"ab", "b'ab'"),
        (b"a\x00", "<61 00>"),
        (b"caf\xc3\xa9", "<63 61 66 c3 a9>"),
        (b"a" * 25, f"<{'61 ' * 23}61 … (25 bytes)>"),
        (Frame(True, 1, b""), "Frame(fin=True, opcode=1, payload=b'')"),
        ([Frame(False, 0, b"a")], "[Frame(fin=False, opcode=0, payload=b'a')]"),
        ((1,), "(1,)"),
        (list(range(9)), "[0, 1, 2, 3, 4, 5, … (9 in all)]"),
        (Raised("ValueError"), "raises ValueError"),
        ([Raised("ValueError")], "[raises ValueError]"),
        (Strange("E", "'x'"), "'x' (E)"),
        (Strange("E", ""), "a E"),
        (frozenset(), "set()"),
        (frozenset({2, 1}), "{1, 2}"),
        ({"b", "a"}, "{'a', 'b'}"),
        ("x" * 100, f"{'x' * 60!r}… (100 characters)"),
    ],
)
def test_values_are_shown_short(value: Any, text: str) -> None:
    assert shown(value) == text


def test_long_bytes_are_cut_where_they_are_shown_and_typed() -> None:
    assert hexed(bytes(1000)).endswith("00 … (1,000 bytes)>")
    assert typed(bytes(1000)) == r"b'\x00' * 1000"
    assert typed(bytes(range(200))).endswith(" … (200 bytes)>")
    assert typed(b"\x81\x00") == "bytes.fromhex('81 00')"
    assert typed(b"") == "b''"


def test_a_type_of_the_same_name_is_told_apart() -> None:
    came = [Strange("Frame", "Frame(fin=True)")]
    own = "          a Frame of your own, not the one that the stub imports"
    assert lines([Frame(True, 1, b"")], came)[-1] == own
    assert own not in lines([Frame(True, 1, b"")], [Strange("tuple", "()")])
