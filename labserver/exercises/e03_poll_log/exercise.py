"""E03: a log that is read by cursor."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from labserver.exercises.e03_poll_log.play import TYPES, Script, Step, play
from labserver.practice.checking.exercise import Case, Diagnosis, Exercise, Failure, shorter

IDS = "the first event is 1, the next one 2: a client that has none asks with 0"
AFTER = "only events after the cursor are new"
LIMIT = "at most limit events, the oldest first; the rest comes with the next poll"
NEXT = "next is the id of the last event in this answer, or after if there is none"
RETRY = "an answer may be lost on the way: only the next cursor proves that it arrived"
ALL = "a client that continues from each answer's next gets every event once, in order"

STUB = '''\
from typing import Any


class PollLog:
    """A log of events that is read from a cursor."""

    def __init__(self) -> None:
        raise NotImplementedError

    def append(self, event: Any) -> int:
        """Keep an event and return its id: 1, 2, 3 …"""
        raise NotImplementedError

    def poll(self, after: int, limit: int) -> tuple[list[Any], int]:
        """Return at most limit events after a cursor, and the cursor to ask with next."""
        raise NotImplementedError
'''

ROW_MAX = 3


class PollLog:
    """The reference."""

    def __init__(self) -> None:
        self._events: list[Any] = []

    def append(self, event: Any) -> int:
        """Keep an event."""
        self._events.append(event)
        return len(self._events)

    def poll(self, after: int, limit: int) -> tuple[list[Any], int]:
        """What is after a cursor."""
        batch = self._events[after : after + limit]
        return batch, after + len(batch)


def append(*events: str) -> Script:
    """Calls of append."""
    return tuple(("append", event) for event in events)


def poll(after: int, limit: int = 10) -> Step:
    """A call of poll."""
    return ("poll", after, limit)


def cases() -> Iterator[Case]:
    """From one event to a thousand, with clients that fall behind and lose answers."""

    def case(rule: str, script: Script, *expected: Any) -> Case:
        return Case((script,), rule, list(expected))

    yield case(IDS, append("a"), 1)
    yield case(NEXT, (poll(0),), ([], 0))
    yield case(IDS, (*append("a"), poll(0)), 1, (["a"], 1))
    yield case(AFTER, (*append("a"), poll(1)), 1, ([], 1))
    yield case(AFTER, (*append("a", "b"), poll(1)), 1, 2, (["b"], 2))
    yield case(NEXT, (*append("a", "b", "c"), poll(0, 2)), 1, 2, 3, (["a", "b"], 2))
    behind = (*append("a", "b", "c"), poll(0, 2), poll(2, 2), poll(3, 2))
    yield case(LIMIT, behind, 1, 2, 3, (["a", "b"], 2), (["c"], 3), ([], 3))
    yield case(RETRY, (*append("a"), poll(0), poll(0)), 1, (["a"], 1), (["a"], 1))
    later = (*append("a"), poll(0), *append("b"), poll(0), poll(1))
    yield case(RETRY, later, 1, (["a"], 1), 2, (["a", "b"], 2), (["b"], 2))
    same = (*append("a", "a"), poll(0), poll(1))
    yield case(IDS, same, 1, 2, (["a", "a"], 2), (["a"], 2))
    draws = random.Random(3)
    for events in (5, 10, 20, 40, 1000):
        yield Case((_script(draws, events),), ALL)


def _script(draws: random.Random, events: int) -> Script:
    """Return the first call that went wrong: its index, and what was expected and returned."""
    cursors, script, said = [0, 0, 0], list[Step](), 0
    while said < events:
        if draws.random() < 0.6:
            said += 1
            script.append(("append", f"event {said}"))
            continue
        client, limit = draws.randrange(3), draws.choice((1, 2, 5))
        script.append(poll(cursors[client], limit))
        if draws.random() < 0.8:
            cursors[client] = min(cursors[client] + limit, said)
    return *script, *(poll(cursor, events) for cursor in cursors)


def smaller(given: tuple[Script]) -> Iterator[tuple[Script]]:
    """Give the start of the script, and its last call after appends alone."""
    (script,) = given
    for cut in shorter(len(script)):
        yield (script[:cut],)
    alone = (*(step for step in script[:-1] if step[0] == "append"), script[-1])
    if len(alone) < len(script):
        yield (alone,)


def shown(given: tuple[Script]) -> list[str]:
    """Show the calls, with consecutive appends in one line."""
    (script,) = given
    lines = ["log = PollLog()"]
    for name, steps in groupby(script, key=itemgetter(0)):
        if name == "poll":
            lines += [f"log.poll(after={after}, limit={limit})" for _, after, limit in steps]
            continue
        events = [event for _, event in steps]
        if len(events) > ROW_MAX:  # only random scripts have so many: event 1, event 2 …
            first = int(events[0].removeprefix("event "))
            lines.append(f"for n in range({first}, {first + len(events)}):")
            lines.append('    log.append(f"event {n}")')
        else:
            lines.append("; ".join(f"log.append({event!r})" for event in events))
    return lines


def _first(failure: Failure) -> tuple[int, Any, Any]:
    """Return the first call that went wrong: its index, what was expected, and what it returned."""
    pairs = enumerate(zip(failure.expected, failure.actual, strict=True))
    return next((at, wants, actual) for at, (wants, actual) in pairs if wants != actual)


def _polled(failure: Failure) -> tuple[Step, list[Any], int, list[Any], Any]:
    """The first poll that went otherwise: it, the events and next expected, and those that came.

    Raises:
        TypeError: if it was no poll, or no two values came of it.
    """
    at, wants, actual = _first(failure)
    step = failure.given[0][at]
    if step[0] != "poll" or len(actual) != 2 or not isinstance(actual[0], list):
        raise TypeError
    return step, *wants, *actual


def _said(failure: Failure) -> list[str]:
    """Return what had been appended before that call."""
    at = _first(failure)[0]
    return [step[1] for step in failure.given[0][:at] if step[0] == "append"]


def counts_in_time(failure: Failure) -> bool:
    """Whether an id is a time."""
    _, wants, actual = _first(failure)
    return isinstance(wants, int) and bool(actual > 1_000_000)


def counts_from_zero(failure: Failure) -> bool:
    """Whether the first event is 0."""
    _, wants, actual = _first(failure)
    return bool((wants, actual) == (1, 0))


def forgets_what_was_read(failure: Failure) -> bool:
    """Whether a cursor that was used before got less than it should."""
    _, wanted, _, actual, _ = _polled(failure)
    at = _first(failure)[0]
    script = failure.given[0]
    reads = [step for step in script[:at] if step[0] == "poll" and step[1] <= script[at][1]]
    return bool(reads) and len(actual) < len(wanted)


def gives_too_many(failure: Failure) -> bool:
    """Whether the limit was exceeded."""
    (_, _, limit), _, _, actual, _ = _polled(failure)
    return bool(len(actual) > limit)


def gives_the_last_again(failure: Failure) -> bool:
    """Whether the event at the cursor was returned again."""
    (_, after, _), _, _, actual, _ = _polled(failure)
    return after > 0 and bool(actual[:1] == _said(failure)[after - 1 : after])


def gives_the_newest(failure: Failure) -> bool:
    """Whether the newest unread events came first."""
    _, wanted, _, actual, _ = _polled(failure)
    return len(actual) == len(wanted) and actual != wanted and set(actual) <= set(_said(failure))


def skips_the_rest(failure: Failure) -> bool:
    """Whether next is beyond the events in this answer."""
    _, wanted, following, actual, then = _polled(failure)
    return actual == wanted != [] and then > following


def moves_for_nothing(failure: Failure) -> bool:
    """Whether an empty answer changes the cursor."""
    _, wanted, following, actual, then = _polled(failure)
    return bool(actual == wanted == [] and then != following)


EXERCISE = Exercise(
    id="E03",
    name="PollLog",
    title="a log that is read by cursor",
    lesson=2,
    points=3,
    questions=(1,),
    stub=STUB,
    cases=cases,
    reference=PollLog,
    play=play,
    types=TYPES,
    shown=shown,
    smaller=smaller,
    hints=(
        "After an answer is lost on the way, what does the client know that the server does not?",
        "next is the id of the last event in THIS answer: after three appends poll(0, limit=2)"
        " gives next == 2.",
        "batch = [e for e in self.log if e.id > after][:limit];"
        " return batch, (batch[-1].id if batch else ____)",
    ),
    follow_up=(
        "The log of a busy room grows by a million events a day. What do you keep, and "
        "what do you tell a client whose cursor is older than that?",
        "State how many events you keep, or for how long. Tell a client with an older "
        "cursor that events are missing: send a reset, and say where to start again. "
        "Without that, an incomplete answer looks exactly like a complete one.",
    ),
    diagnoses=(
        Diagnosis(
            "your cursor is a time. Two events can have the same time, and then the second "
            "is never delivered.",
            counts_in_time,
        ),
        Diagnosis(
            "the first event's id is 1: a client that has none asks with 0.", counts_from_zero
        ),
        Diagnosis("this answer holds more events than the limit allows.", gives_too_many),
        Diagnosis(
            "the event at the cursor came again, although the client has it already.",
            gives_the_last_again,
        ),
        Diagnosis(
            "an answer was lost, and the same cursor, asked again, got less: you took "
            "delivery for receipt. Only the client's next cursor proves receipt.",
            forgets_what_was_read,
        ),
        Diagnosis(
            "these are not the oldest unread events: those before them are never read.",
            gives_the_newest,
        ),
        Diagnosis(
            "next skips events that this answer does not hold: they are never delivered.",
            skips_the_rest,
        ),
        Diagnosis("no event was returned, and yet the cursor moved.", moves_for_nothing),
    ),
)
