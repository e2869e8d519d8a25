"""Wrong ideas about what polling costs."""

from __future__ import annotations

from labserver.practice.given.answers import PollCost


def mean_delay_is_the_interval(
    clients: int, interval_s: float, hdr_bytes: int, rtt_s: float
) -> PollCost:
    rps = clients / interval_s
    return PollCost(rps, rps * hdr_bytes, interval_s, interval_s + rtt_s / 2)


def bytes_of_one_client(clients: int, interval_s: float, hdr_bytes: int, rtt_s: float) -> PollCost:
    rps = clients / interval_s
    return PollCost(rps, hdr_bytes / interval_s, (interval_s + rtt_s) / 2, interval_s + rtt_s / 2)


def whole_round_trip(clients: int, interval_s: float, hdr_bytes: int, rtt_s: float) -> PollCost:
    rps = clients / interval_s
    return PollCost(rps, rps * hdr_bytes, interval_s / 2 + rtt_s, interval_s + rtt_s)


def no_way_back(clients: int, interval_s: float, hdr_bytes: int, rtt_s: float) -> PollCost:
    rps = clients / interval_s
    return PollCost(rps, rps * hdr_bytes, interval_s / 2, interval_s)


def divides_by_zero(clients: int, interval_s: float, hdr_bytes: int, rtt_s: float) -> PollCost:
    rps = clients / interval_s
    return PollCost(rps, rps * hdr_bytes, (interval_s + rtt_s) / 2, interval_s + rtt_s / 2)


def a_plain_tuple(clients: int, interval_s: float, hdr_bytes: int, rtt_s: float) -> object:
    rps = clients / interval_s
    return rps, rps * hdr_bytes, (interval_s + rtt_s) / 2, interval_s + rtt_s / 2


# Wrong solution → a part of what the learner is told first.
MESSAGES = {
    "mean_delay_is_the_interval": "on average it waits half of it",
    "bytes_of_one_client": "the server pays for all of them",
    "whole_round_trip": "when the poll reaches the server, the event is",
    "no_way_back": "the answer takes half a round trip",
    "divides_by_zero": "wrong.",
    "a_plain_tuple": "wrong.",
}
