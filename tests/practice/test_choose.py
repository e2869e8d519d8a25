from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

import labserver as lab
from labserver.practice.choose import TREE, Question, Requirements, choose, outline


def leaves(node: Question | str) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    else:
        yield from leaves(node.yes)
        yield from leaves(node.no)


@pytest.mark.parametrize(
    ("needs", "technique"),
    [
        ({}, "sse"),
        ({"media": True}, "webrtc"),
        ({"max_age_s": 60}, "short_polling"),
        ({"both_ways": True}, "websocket"),
        ({"binary": True}, "websocket"),
        ({"both_ways": True, "upgrade_passes": False}, "long_polling"),
        ({"streams_pass": False}, "websocket"),
        ({"streams_pass": False, "upgrade_passes": False}, "long_polling"),
        ({"tabs": 7}, "sse"),
        ({"tabs": 7, "http2": False}, "websocket"),
    ],
)
def test_the_tree_leads_to(needs: dict[str, object], technique: str) -> None:
    assert choose(**needs).technique == technique


def test_every_leaf_is_a_technique_that_some_requirements_reach() -> None:
    flags = [
        dict(zip(("media", "both_ways", "streams_pass", "upgrade_passes"), values, strict=True))
        for values in product((False, True), repeat=4)
    ]
    reached = {choose(**each, max_age_s=age).technique for each in flags for age in (1, 60)}
    assert reached == set(leaves(TREE)) == set(lab.TECHNIQUES)


def test_a_reversal_leads_where_it_says() -> None:
    for needs in ({}, {"both_ways": True}, {"tabs": 9, "http2": False}):
        for change, other in choose(**needs).reversals:
            name, _, value = change.partition("=")
            changed = {**needs, name: eval(value, {})}
            assert choose(**changed).technique == other


def test_a_choice_gives_its_reasons_and_what_would_reverse_it() -> None:
    said = str(choose(both_ways=True))
    assert said.startswith("websocket, because\n  Is it media")
    assert "With upgrade_passes=False it would be long_polling." in said


def test_single_needs_go_before_the_requirements() -> None:
    assert choose(Requirements(media=True), media=False, both_ways=True).technique == "websocket"


def test_the_outline_has_every_question() -> None:
    assert outline().count("?") == 5 + 3  # the one about Upgrade three times
    assert outline().count("→ websocket") == 3


@pytest.mark.parametrize("wrong", [{"max_age_s": 0}, {"tabs": 0}, {"speed": 9}])
def test_senseless_requirements_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(lab.LabError):
        choose(**wrong)
