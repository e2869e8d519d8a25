from __future__ import annotations

import math
import random

import pytest

import labserver as lab
from labserver.measure.verdict import Spread, compare, digits


def test_a_spread_is_least_median_and_most_of_how_many() -> None:
    assert Spread.of([3.0, 1.0, 2.0]) == (1.0, 2.0, 3.0, 3)
    assert str(Spread(1.0, 2.25, 30.0, 3)) == "2.25 (1 to 30)"


def test_what_lies_apart_in_every_repetition_is_decided() -> None:
    verdict = compare(("websocket", [1.0, 1.2, 1.1]), ("polling", [250.0, 240.0, 260.0]))
    assert verdict.decided
    assert verdict.lower == "websocket"
    assert str(verdict) == (
        "websocket is lower, 227.3 times: websocket 1.1 (1 to 1.2), polling 250 (240 to 260)"
    )


def test_the_order_of_the_two_does_not_matter() -> None:
    fast, slow = ("a", [1.0, 2.0]), ("b", [5.0, 6.0])
    assert compare(fast, slow).lower == compare(slow, fast).lower == "a"


@pytest.mark.parametrize(
    ("a", "b", "reason"),
    [
        ([1.0, 3.0], [2.0, 4.0], "overlap"),
        ([1.0, 2.0], [2.0, 3.0], "overlap"),
        ([100.0, 101.0], [105.0, 106.0], "closer than 25%"),
        ([1.0, 1.5], [2.0, 9.0], "by chance"),
        ([1.0], [5.0], "one repetition"),
        ([1.0, 1.0], [1.0, 1.0], "overlap"),
        ([float("inf")] * 2, [float("inf")] * 2, "overlap"),
    ],
)
def test_all_else_is_undecided_and_says_why(a: list[float], b: list[float], reason: str) -> None:
    verdict = compare(("a", a), ("b", b))
    assert not verdict.decided
    assert verdict.lower is None
    assert reason in str(verdict)


def test_what_never_arrived_is_higher_than_what_did() -> None:
    assert compare(("lost", [float("inf")] * 2), ("heard", [9.0, 9.1])).lower == "heard"


def apart(repetitions: int, trials: int = 4000) -> float:
    """Return how often equal values are called different if nearness does not count."""
    rng = random.Random(1)
    found = 0
    for _ in range(trials):
        a, b = ([rng.gauss(0, 1) ** 2 for _ in range(repetitions)] for _ in "ab")
        found += compare(("a", a), ("b", b)).decided
    return found / trials


def test_equals_are_seldom_taken_apart() -> None:
    rates = {repetitions: apart(repetitions) for repetitions in (1, 2, 3, 5)}
    assert rates[1] == 0
    assert rates[2] < 0.12
    assert rates[3] < 0.12
    assert rates[5] < 0.02


@pytest.mark.parametrize(("repetitions", "chance"), [(2, 1 / 3), (3, 1 / 10), (5, 1 / 126)])
def test_the_chance_is_counted(repetitions: int, chance: float) -> None:
    some = [float(number) for number in range(repetitions)]
    assert compare(("a", some), ("b", some)).chance == pytest.approx(chance)


def test_without_figures_there_is_nothing_to_compare() -> None:
    with pytest.raises(lab.LabError, match="measure it first"):
        compare(("a", [1.0]), ("b", []))


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.06834, "0.0683"), (45.04, "45"), (99.96, "100"), (1234.5, "1,234"), (math.inf, "never")],
)
def test_a_measured_value_has_three_digits_or_is_whole(value: float, shown: str) -> None:
    assert digits(value) == shown
    assert str(Spread(1.0, value, value, 3)) == f"{shown} (1 to {shown})"
