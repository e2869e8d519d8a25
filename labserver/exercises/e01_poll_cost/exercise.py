"""E01: what short polling costs, in requests, bytes and delay."""

from __future__ import annotations

import random
from collections.abc import Iterator
from math import isclose

from labserver.exercises.e01_poll_cost.play import TYPES, play
from labserver.practice.checking.exercise import Case, Diagnosis, Exercise, Failure
from labserver.practice.checking.play import Raised
from labserver.practice.given.answers import PollCost

RULE = "every client asks once per interval; events fall anywhere in it; an answer takes rtt/2"
POSITIVE = "an interval must be longer than 0: otherwise raise ValueError"

STUB = '''\
from labserver.practice.answers import PollCost


def poll_cost(clients: int, interval_s: float, hdr_bytes: int, rtt_s: float) -> PollCost:
    """Return what it costs when each client polls once per interval."""
    raise NotImplementedError
'''


def poll_cost(clients: int, interval_s: float, hdr_bytes: int, rtt_s: float) -> PollCost:
    """The reference."""
    if interval_s <= 0:
        raise ValueError("an interval is longer than 0 s")
    rps = clients / interval_s
    return PollCost(rps, rps * hdr_bytes, interval_s / 2 + rtt_s / 2, interval_s + rtt_s / 2)


def cases() -> Iterator[Case]:
    """Worked by hand, then random ones."""
    yield Case((2, 1.0, 100, 0.0), RULE, PollCost(2.0, 200.0, 0.5, 1.0))
    yield Case((1, 5.0, 700, 0.2), RULE, PollCost(0.2, 140.0, 2.6, 5.1))
    yield Case((0, 5.0, 700, 0.2), RULE, PollCost(0.0, 0.0, 2.6, 5.1))
    yield Case((3, 0.1, 250, 0.2), RULE, PollCost(30.0, 7500.0, 0.15, 0.2))
    yield Case((1_000_000, 5.0, 700, 0.0), RULE, PollCost(200_000.0, 140_000_000.0, 2.5, 5.0))
    yield Case((1, 0.0, 100, 0.0), POSITIVE, Raised("ValueError"))
    yield Case((1, -1.0, 100, 0.0), POSITIVE, Raised("ValueError"))
    draws = random.Random(1)
    for _ in range(20):
        clients, header = draws.randrange(1, 10**6), draws.randrange(100, 2000)
        yield Case((clients, draws.randint(1, 600) / 10, header, draws.random()), RULE)


def _is(actual: float, wanted: float) -> bool:
    return isclose(actual, wanted, rel_tol=1e-9)


def waits_an_interval(failure: Failure) -> bool:
    """Whether the mean delay is a whole interval."""
    _, interval, _, rtt = failure.given
    mean = failure.actual.mean_delay_s
    return any(_is(mean, interval + more) for more in (0, rtt / 2, rtt))


def pays_for_one(failure: Failure) -> bool:
    """Whether the bytes are those of one client."""
    clients, interval, header, _ = failure.given
    return clients > 1 and _is(failure.actual.bytes_per_s, header / interval)


def waits_a_round_trip(failure: Failure) -> bool:
    """Whether the trip to the server was counted as well as the trip back."""
    _, interval, _, rtt = failure.given
    return rtt > 0 and _is(failure.actual.mean_delay_s, interval / 2 + rtt)


def forgets_the_way(failure: Failure) -> bool:
    """Whether the answer was taken to need no time."""
    _, interval, _, rtt = failure.given
    return rtt > 0 and _is(failure.actual.mean_delay_s, interval / 2)


EXERCISE = Exercise(
    id="E01",
    name="poll_cost",
    title="what polling costs",
    lesson=1,
    points=1,
    questions=(1,),
    stub=STUB,
    cases=cases,
    reference=poll_cost,
    play=play,
    types=TYPES,
    hints=(
        "If events fall anywhere in a gap of 5 s, how long does the average one wait?",
        "rps = clients / interval. clients=2, interval=1, hdr=100, rtt=0 → 200 B/s.",
        "mean = interval / ____ + rtt / 2; worst = interval + rtt / 2",
    ),
    follow_up=(
        "A million clients poll every 5 seconds, and for an hour nothing happens. What do "
        "you change first?",
        "Say what each change saves and what it costs. A longer interval saves requests, "
        "and messages arrive later. An ETag saves response bodies, but not one request. "
        "Long polling saves the empty responses, and keeps one connection open per "
        "client.",
    ),
    diagnoses=(
        Diagnosis(
            "an event falls anywhere in the interval; on average it waits half of it, plus "
            "the trip back.",
            waits_an_interval,
        ),
        Diagnosis(
            "you returned one client's bytes; the server pays for all of them.", pays_for_one
        ),
        Diagnosis(
            "when the poll reaches the server, the event is already there; only the answer's "
            "trip, half a round trip, still delays it.",
            waits_a_round_trip,
        ),
        Diagnosis("the answer takes half a round trip to arrive.", forgets_the_way),
    ),
)
