"""E04: a long poll's wait, in which no event is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from labserver.exercises.e04_wait_for_events.play import TYPES, Happening, Waited, Waiter, play
from labserver.practice.checking.exercise import Case, Diagnosis, Exercise, Failure
from labserver.practice.checking.play import Raised
from labserver.practice.given.event_log import Event, EventLog

NOW = "events that are there already are returned at once"
LATER = "the answer goes out when the event comes, neither earlier nor later"
EMPTY = "RFC 6202 §2.1: a long poll during which nothing happened is answered as well"
LOST = "asyncio.Condition: check and wait under one lock, so that nothing can happen in between"
WOKEN = "asyncio.Condition.wait: a waiter that is woken may find no new event"
GONE = "a cancelled wait ends with CancelledError and releases its lock"

STUB = '''\
import asyncio

from labserver.practice.event_log import Event, EventLog


async def wait_for_events(log: EventLog, after: int, timeout: float) -> list[Event]:
    """Return the events after a cursor as soon as there are any, or [] after the timeout."""
    raise NotImplementedError
'''


async def wait_for_events(log: EventLog, after: int, timeout: float) -> list[Event]:
    """The reference."""
    async with log.changed:
        try:
            await asyncio.wait_for(log.changed.wait_for(lambda: log.after(after)), timeout)
        except TimeoutError:
            return []
        return log.after(after)


ONE, TWO = Event(1, "event 1"), Event(2, "event 2")


def cases() -> Iterator[Case]:
    """From one event that is there already to a hundred waiters."""

    def case(rule: str, waiters: list[Waiter], ended: list[Waited], *what: Happening) -> Case:
        return Case((what, tuple(waiters)), rule, ended)

    yield case(NOW, [Waiter(1)], [Waited(1.0, [ONE])], Happening(0))
    yield case(
        "only events after the cursor are new",
        [Waiter(1, after=1)],
        [Waited(1.0, [TWO])],
        Happening(0),
        Happening(0.5),
    )
    yield case(LATER, [Waiter(0)], [Waited(2.345, [ONE])], Happening(2.345))
    yield case(EMPTY, [Waiter(1, timeout=5)], [Waited(6.0, [])])
    yield case(EMPTY, [Waiter(1, after=1, timeout=5)], [Waited(6.0, [])], Happening(0))
    yield case(LOST, [Waiter(1.2)], [Waited(1.5, [ONE])], Happening(1, writing_s=0.5))
    yield case(WOKEN, [Waiter(0)], [Waited(2.0, [ONE])], Happening(1, None), Happening(2))
    wakes = [Happening(at, None) for at in (1, 2, 3)]
    yield case(WOKEN, [Waiter(0, timeout=3.5)], [Waited(3.5, [])], *wakes)
    gone, stays = Waiter(0, cancelled=1), Waiter(0.5)
    ended = [Waited(1.0, Raised("CancelledError")), Waited(2.0, [ONE])]
    yield case(GONE, [gone, stays], ended, Happening(2))
    yield case(LATER, [Waiter(0)] * 100, [Waited(2.0, [ONE])] * 100, Happening(2))


def shown(given: tuple[Any, ...]) -> list[str]:
    """Show what happens when."""
    happenings, waiters = given
    lines = []
    for at, writing in happenings:
        what = "all waiters are woken, without an event"
        if writing is not None:
            what = f"log.append(…) begins and takes {writing:g} s" if writing else "log.append(…)"
        lines.append((at, what))
    for waiter in dict.fromkeys(waiters):
        times = f"{waiters.count(waiter)} × " if waiters.count(waiter) > 1 else ""
        call = f"wait_for_events(log, after={waiter.after}, timeout={waiter.timeout:g})"
        lines.append((waiter.at, times + call))
        if waiter.cancelled is not None:
            lines.append((waiter.cancelled, "the first wait is cancelled"))
    return [f"at {at:g} s  {what}" for at, what in sorted(lines)]


def _first(failure: Failure) -> tuple[Waited, Waited]:
    """Return the first call that ended in another way than it should have."""
    pairs = zip(failure.expected, failure.actual, strict=True)
    return next((left, right) for left, right in pairs if left != right)


def sleeps_through(failure: Failure) -> bool:
    """Whether an event came but the whole timeout passed."""
    waiters = failure.given[1]
    expected, actual = _first(failure)
    return bool(
        expected.events
        and actual.events in ([], Raised("TimeoutError"), expected.events)
        and actual.at >= expected.at + 1
        and actual.at >= waiters[0].at + waiters[0].timeout
    )


def raises_at_the_end(failure: Failure) -> bool:
    """Whether the timeout raised an exception."""
    expected, actual = _first(failure)
    return bool(actual.events == Raised("TimeoutError") and expected.events == [])


def is_woken_for_nothing(failure: Failure) -> bool:
    """Whether it answered only because it was woken."""
    expected, actual = _first(failure)
    return bool(actual.events == [] and actual.at < expected.at)


def answers_when_cancelled(failure: Failure) -> bool:
    """Whether the cancellation was swallowed."""
    expected, actual = _first(failure)
    return bool(expected.events == Raised("CancelledError") != actual.events)


def restarts_its_timeout(failure: Failure) -> bool:
    """Whether each wake-up restarted the timeout."""
    expected, actual = _first(failure)
    return expected.events == actual.events == [] and actual.at > expected.at


def asks_now_and_then(failure: Failure) -> bool:
    """Whether it came a little late, as it does when one looks every so often."""
    expected, actual = _first(failure)
    return expected.events == actual.events and expected.at < actual.at < expected.at + 1.5


def keeps_the_lock(failure: Failure) -> bool:
    """Whether nobody could go on after a cancellation."""
    cancelled = any(waiter.cancelled is not None for waiter in failure.given[1])
    return cancelled and failure.actual == Raised("Stuck")


def never_ends(failure: Failure) -> bool:
    """Whether it waits forever."""
    return bool(failure.actual == Raised("Stuck"))


EXERCISE = Exercise(
    id="E04",
    name="wait_for_events",
    title="a wait that loses nothing",
    lesson=2,
    points=4,
    questions=(1,),
    stub=STUB,
    cases=cases,
    reference=wait_for_events,
    play=play,
    types=TYPES,
    shown=shown,
    hints=(
        "What if append() runs after your if and before your wait?",
        "Hold the lock across the check and the wait; Condition.wait_for takes a predicate.",
        "async with log.changed:"
        " await asyncio.wait_for(log.changed.wait_for(lambda: ____), timeout)",
    ),
    follow_up=(
        "100,000 clients are waiting, and one event is for all of them. What happens in "
        "the next second?",
        "All of them get an answer, and all of them ask again at once: a thundering herd. "
        "A random pause before the next request spreads it, and collecting several events "
        "per response makes it rarer. The cursor makes sure that no client loses an event "
        "meanwhile.",
    ),
    diagnoses=(
        Diagnosis(
            "an empty answer is the normal end of a long poll, not an error.", raises_at_the_end
        ),
        Diagnosis(
            "an event arrived between your check and your wait; this client slept for the full"
            " timeout (a lost wake-up).",
            sleeps_through,
        ),
        Diagnosis(
            "you were woken and answered without checking whether there is an event.",
            is_woken_for_nothing,
        ),
        Diagnosis(
            "each wake-up restarted your timeout; it counts from the call.", restarts_its_timeout
        ),
        Diagnosis(
            "this wait was cancelled because its client is gone, and yet it answered: let "
            "CancelledError through.",
            answers_when_cancelled,
        ),
        Diagnosis(
            "after the cancelled wait nobody else could go on: it kept the lock.", keeps_the_lock
        ),
        Diagnosis("your wait outlives its timeout and never ends.", never_ends),
        Diagnosis(
            "the answer came late: you look every so often. Wait to be notified.", asks_now_and_then
        ),
    ),
)
