from __future__ import annotations

from typing import Any

import pytest

from labserver.practice.progress.merging import check, merged

EARLY, LATE = "2026-11-01T10:00:00.000Z", "2026-11-02T10:00:00.000Z"
POINTS = ["a", "b", "c"]


def explained(text: str, locked: str, *ticked: str) -> dict[str, Any]:
    return {
        "question": "why?", "text": text, "locked": locked, "points": POINTS, "ticked": [*ticked],
    }  # fmt: skip


def answered(text: str, shown: str, **more: Any) -> dict[str, Any]:
    return {"lesson": 2, "text": text, "shown": shown, **more}


CASES = {
    "the guess that was locked in first": (
        "predictions",
        {"answer": 60, "locked": EARLY},
        {"answer": 50, "locked": LATE},
        {"answer": 60, "locked": EARLY},
    ),
    "what was measured since": (
        "predictions",
        {"answer": 60, "locked": EARLY},
        {"answer": 67, "locked": LATE, "measured": 67},
        {"answer": 60, "locked": EARLY, "measured": 67},
    ),
    "the exercise that was checked more often": (
        "exercises",
        {"outcome": "wrong", "checks": 2, "hints": 3, "source": "a", "follow_up": "so"},
        {"outcome": "wrong", "checks": 5, "hints": 1, "source": "b"},
        {"outcome": "wrong", "checks": 5, "hints": 3, "source": "b", "follow_up": "so"},
    ),
    "a pass": (
        "exercises",
        {"outcome": "pass", "checks": 1, "source": "a"},
        {"outcome": "wrong", "checks": 9, "source": "b"},
        {"outcome": "pass", "checks": 9, "source": "a"},
    ),
    "the explanation that is locked in": (
        "explanations",
        explained("because", LATE),
        {"draft": "because it may well be that"},
        explained("because", LATE),
    ),
    "the first explanation": (
        "explanations",
        explained("because", EARLY, "a"),
        explained("therefore", LATE, "a", "b"),
        explained("because", EARLY, "a"),
    ),
    "the ticks of both": (
        "explanations",
        explained("because", EARLY, "c"),
        explained("because", EARLY, "a"),
        explained("because", EARLY, "a", "c"),
    ),
    "the longer draft": (
        "explanations",
        {"draft": "because"},
        {"draft": "because it"},
        {"draft": "because it"},
    ),
    "the first answer": (
        "recalls",
        answered("101", EARLY),
        answered("200", LATE, knew=True, judged=LATE),
        answered("101", EARLY),
    ),
    "how well it was known": (
        "recalls",
        answered("101", EARLY),
        answered("101", EARLY, knew=True, judged=LATE),
        answered("101", EARLY, knew=True, judged=LATE),
    ),
    "an answer rather than a draft": (
        "recalls",
        answered("101", LATE),
        {"lesson": 2, "draft": "one hundred and one"},
        answered("101", LATE),
    ),
    "the later verdict": (
        "verdicts",
        {"verdict": "holds when", "condition": "so", "at": EARLY},
        {"verdict": "holds", "condition": "", "at": LATE},
        {"verdict": "holds", "condition": "", "at": LATE},
    ),
}


@pytest.mark.parametrize("what", CASES)
def test_of_two_entries_it_keeps(what: str) -> None:
    section, one, other, stays = CASES[what]
    assert merged(section, one, other) == stays
    assert merged(section, other, one) == stays, "whichever of them is here"
    assert merged(section, stays, one) == merged(section, stays, other) == stays, "a second time"


@pytest.mark.parametrize("what", CASES)
def test_what_lessons_keep_passes_the_check(what: str) -> None:
    section, *entries = CASES[what]
    for entry in entries:
        check(section, entry)
        check(section, {**entry, "of a later edition": {"more": [1]}})


@pytest.mark.parametrize(
    ("section", "entry"),
    [
        ("predictions", {"locked": EARLY}),
        ("predictions", {"answer": ["lost"]}),
        ("exercises", {"said": "pass"}),
        ("exercises", {"attempt": "E12-20261130T101500.123Z.py"}),
        ("exercises", {"attempt": {"file": "../../.ssh/config", "was": {}}}),
        ("exercises", {"attempt": {"file": "E12-20261130T101500.123Z.py", "was": []}}),
        ("explanations", {"text": "because", "locked": EARLY}),
        ("explanations", explained("because", EARLY) | {"points": "a"}),
        ("recalls", {"draft": None}),
        ("recalls", answered("101", EARLY, knew="yes")),
        ("verdicts", {"verdict": 1}),
        ("runs", {"key": "n", "values": []}),
    ],
)
def test_what_a_lesson_could_not_show_is_refused(section: str, entry: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        check(section, entry)
