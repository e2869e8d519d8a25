from __future__ import annotations

import gc

from labserver.practice import live
from labserver.practice.checking.judge import Outcome, Result


class Panel:
    """What an exercise's panel is to the others."""

    def __init__(self, shows: str, seen: bool = True) -> None:
        self.shows, self.seen = shows, seen
        self.told: list[tuple[Result | None, str]] = []
        self.asked = 0

    def refresh(self, result: Result | None = None, problem: str = "") -> None:
        self.told.append((result, problem))

    def ask_for_reset(self) -> None:
        self.asked += 1


def joined(shows: str, seen: bool = True) -> Panel:
    panel = Panel(shows, seen)
    live.join(panel)
    return panel


def test_the_panels_of_an_exercise_are_told_and_no_others() -> None:
    first, second, other = joined("E98"), joined("E98"), joined("E99")
    result = Result("E98", Outcome.WRONG, "✗", 0)
    live.tell("E98", result)
    live.tell("E98", problem="no")
    assert first.told == second.told == [(result, ""), (None, "no")]
    assert other.told == []
    live.leave(second)
    live.tell("E98")
    assert (len(first.told), len(second.told)) == (3, 2)


def test_one_panel_that_a_page_has_shown_is_asked_for_a_reset() -> None:
    unseen = joined("E98", seen=False)
    assert not live.ask_for_reset("E98")
    shown = [joined("E98"), joined("E98")]
    assert live.ask_for_reset("E98")
    assert (unseen.asked, sum(panel.asked for panel in shown)) == (0, 1)


def test_a_panel_that_is_gone_is_forgotten() -> None:
    joined("E97")
    gc.collect()
    assert not live.ask_for_reset("E97")
