"""How tests wait: what they may blame on the machine, and what not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests import waiting
from tests.waiting import Lateness, eventually, lateness, wait_until, within


def machine(late: Lateness, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def known() -> Iterator[Lateness]:
        yield late

    monkeypatch.setattr(waiting, "lateness", known)


def test_what_takes_too_long_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(Lateness([0.001] * 10), monkeypatch)
    with pytest.raises(AssertionError, match="allowed"), within(0.05):
        time.sleep(0.1)


def test_a_machine_that_is_late_extends_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(Lateness([60.0]), monkeypatch)
    with within(0.05):
        time.sleep(0.1)


def test_what_fails_within_the_limit_fails_as_it_is() -> None:
    with pytest.raises(LookupError), within():
        raise LookupError


def test_the_probe_counts_its_rounds() -> None:
    with lateness() as late:
        wait_until(lambda: time.sleep(0.1) is None)
    assert late.rounds_s
    assert late.total_s >= 0


@pytest.mark.parametrize(("late", "hides"), [(0.0001, False), (0.002, True)])
def test_a_difference_is_hidden_by_what_is_as_large(late: float, hides: bool) -> None:
    assert Lateness([late] * 50).hides(0.002) is hides


def test_one_late_round_hides_nothing_and_no_round_hides_all() -> None:
    assert not Lateness([0.0] * 50 + [1.0]).hides(0.002)
    assert Lateness([]).hides(0.002)


async def test_what_does_not_happen_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "DEADLINE_S", 0.02)
    with pytest.raises(AssertionError, match="no tide"):
        wait_until(lambda: False, "no tide")
    with pytest.raises(AssertionError, match="no tide"):
        await eventually(lambda: False, "no tide")
    assert await eventually(lambda: "a value") == "a value"
