from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labserver.errors import LabError
from labserver.network.link import Link, OneWayPath


def lane(link: Link) -> OneWayPath:
    return OneWayPath(link, random.Random(1))


def test_half_the_round_trip_each_way() -> None:
    assert lane(Link(rtt_ms=80)).arrival(now=5.0, size=100) == pytest.approx(5.04)


def test_bytes_queue_where_the_link_is_narrow() -> None:
    narrow = lane(Link(kbit_s=8))  # a thousand bytes a second
    assert narrow.arrival(0.0, 500) == pytest.approx(0.5)
    assert narrow.arrival(0.0, 500) == pytest.approx(1.0)
    assert narrow.arrival(5.0, 500) == pytest.approx(5.5)  # it was idle in between


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 10_000)), max_size=50), st.floats(0, 50))
def test_nothing_overtakes_and_nothing_arrives_before_it_was_sent(
    sends: list[tuple[float, int]], jitter_ms: float
) -> None:
    bumpy = lane(Link(rtt_ms=100, jitter_ms=jitter_ms))
    now = last = 0.0
    for pause, size in sends:
        now += pause
        at = bumpy.arrival(now, size)
        assert at >= max(now, last)
        assert at <= max(last, now + (50 + jitter_ms) / 1000 + 1e-9)
        last = at


def test_the_same_seed_gives_the_same_delays() -> None:
    link = Link(rtt_ms=50, jitter_ms=20)
    one, other = lane(link), lane(link)
    assert [one.arrival(n, 1) for n in range(9)] == [other.arrival(n, 1) for n in range(9)]


@given(st.binary(max_size=200), st.integers(1, 50))
def test_chopping_loses_nothing(data: bytes, chop: int) -> None:
    pieces = list(lane(Link(chop=chop)).cut(data)) if data else []
    assert b"".join(pieces) == data
    assert all(len(piece) <= chop for piece in pieces)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rtt_ms": -1},
        {"rtt_ms": float("nan")},
        {"kbit_s": 0},
        {"chop": 0},
        {"cut_after": 0},
        {"idle_timeout_s": -5},
        {"rtt_ms": 10, "jitter_ms": 6},
    ],
)
def test_a_figure_that_makes_no_sense_is_said_in_the_cell(wrong: dict[str, float]) -> None:
    with pytest.raises(LabError, match=r"Link\("):
        Link(**wrong)  # type: ignore[arg-type]


def test_a_link_says_what_it_is() -> None:
    assert str(Link(rtt_ms=80, seed=3)) == "Link(rtt_ms=80)"
