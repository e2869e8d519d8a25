from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labserver.chat.names import NAME_MAX, check_name
from labserver.errors import Refused

ALLOWED = string.ascii_letters + string.digits + "_.-"


@given(st.text(ALLOWED, min_size=1, max_size=NAME_MAX))
def test_a_name_comes_back_as_it_was(name: str) -> None:
    assert check_name(name, "user") == name


@given(st.text(max_size=NAME_MAX + 2))
def test_whatever_is_let_through_is_made_of_allowed_characters(text: str) -> None:
    try:
        check_name(text, "user")
    except Refused as refused:
        assert (refused.status, refused.code) == (400, "bad_name")
        assert not (1 <= len(text) <= NAME_MAX and set(text) <= set(ALLOWED))
    else:
        assert 1 <= len(text) <= NAME_MAX
        assert set(text) <= set(ALLOWED)


@pytest.mark.parametrize("name", ["a", "a" * 64, ".", "..", "-", "A.b_c-9"])
def test_one_to_64_characters_are_a_name(name: str) -> None:
    assert check_name(name, "room") == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a" * 65,
        "alice\n",  # `$` would let it through
        "\nalice",
        "alice bob",
        "alice/bob",
        "alice\x00",
        "élise",
        "١٢",  # digits, but not 0-9
        "\N{KELVIN SIGN}",
        "\ud800",
        "<img>",
    ],
)
def test_anything_else_is_a_bad_name(text: str) -> None:
    with pytest.raises(Refused) as refused:
        check_name(text, "room")
    assert (refused.value.status, refused.value.code) == (400, "bad_name")


def test_the_message_says_which_one_and_does_not_repeat_it() -> None:
    with pytest.raises(Refused, match=r"^recipientId must be 1 to 64") as refused:
        check_name("<script>", "recipientId")
    assert "script" not in refused.value.message
