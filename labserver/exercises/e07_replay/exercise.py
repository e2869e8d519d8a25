"""E07: what a client missed, or that it cannot be known."""

from __future__ import annotations

import random
from collections.abc import Iterator

from labserver.exercises.e07_replay.play import TYPES, play
from labserver.practice.checking.exercise import Case, Diagnosis, Exercise, Failure
from labserver.practice.checking.play import Raised
from labserver.practice.checking.values import Strange
from labserver.practice.given.sse_events import Event, Reset

MISSED = (
    "WHATWG HTML §9.2.4: Last-Event-ID names the last event that arrived; later ones were missed"
)
OPAQUE = "WHATWG HTML §9.2.6: an id is any text without NUL; it has no order but the log's"
NEW = "here: a client without Last-Event-ID is new; it missed nothing"
TRIMMED = "here: the server knows the last `keep` events; where a gap cannot be filled, it says so"
UNKNOWN = "here: an id that is not among the kept events gets Reset, whatever became of it"

STUB = '''\
from labserver.practice.sse_events import Event, Reset


def replay(log: list[Event], last_event_id: str | None, keep: int) -> list[Event] | Reset:
    """Return what a returning client has missed; keep: how many events the server keeps."""
    raise NotImplementedError
'''

Given = tuple[list[Event], str | None, int]


def replay(log: list[Event], last_event_id: str | None, keep: int) -> list[Event] | Reset:
    """The reference.

    Args:
        log: all events, the oldest first.
        last_event_id: what the client sent; None: it is new.
        keep: how many of the newest are kept.
    """
    if last_event_id is None:
        return []
    kept = log[max(0, len(log) - keep) :]
    for index, event in enumerate(kept):
        if event.id == last_event_id:
            return kept[index + 1 :]
    return Reset(last_event_id)


def events(*ids: object) -> list[Event]:
    """A log with these ids."""
    return [Event("message", f"news {one}", str(one)) for one in ids]


def cases() -> Iterator[Case]:
    """Numbers, their borders, ids that are none, and random logs."""
    few, many = events(*range(1, 9)), events(*range(1, 14))
    yield Case((few, "6", 100), MISSED, events(7, 8))
    yield Case((few, "8", 100), MISSED, [])
    yield Case((few, None, 100), NEW, [])
    yield Case((events(8, 9, 10, 11), "9", 100), OPAQUE, events(10, 11))
    yield Case((events(8, 9, 10, 11), "10", 100), OPAQUE, events(11))
    yield Case((many, "3", 5), TRIMMED, Reset("3"))
    yield Case((many, "10", 5), TRIMMED, events(11, 12, 13))
    yield Case((many, "9", 5), TRIMMED, events(10, 11, 12, 13))
    yield Case((many, "8", 5), TRIMMED, Reset("8"))
    yield Case((events("b7", "a3", "c1"), "b7", 100), OPAQUE, events("a3", "c1"))
    yield Case((events("zwölf", "x 1", "1.5"), "zwölf", 100), OPAQUE, events("x 1", "1.5"))
    yield Case((events("7", "07", "7.0"), "7", 100), OPAQUE, events("07", "7.0"))
    yield Case((events("e1-9", "e2-1", "e2-2"), "e1-9", 100), OPAQUE, events("e2-1", "e2-2"))
    yield Case((few, "99", 100), UNKNOWN, Reset("99"))
    yield Case((few, "0", 100), UNKNOWN, Reset("0"))
    yield Case((few, "yesterday-3", 100), UNKNOWN, Reset("yesterday-3"))
    yield Case((events("e1-9", "e2-1", "e2-2"), "e2", 100), UNKNOWN, Reset("e2"))
    yield Case(([], None, 5), NEW, [])
    yield Case(([], "1", 5), UNKNOWN, Reset("1"))
    yield Case((few, "8", 1), TRIMMED, [])
    yield Case((few, "6", 0), TRIMMED, Reset("6"))
    yield Case((few, None, 0), NEW, [])
    draws = random.Random(7)
    for _ in range(60):
        ids = draws.sample((*range(1, 13), "a", "b", "a-1", "b-1"), k=draws.randint(0, 8))
        last = draws.choice((None, "5", *map(str, ids), *map(str, ids)))
        yield Case((events(*ids), last, draws.randint(0, 8)), MISSED)


def smaller(given: Given) -> Iterator[Given]:
    """Give logs without one of their events."""
    log, last, keep = given
    for index in range(len(log)):
        yield log[:index] + log[index + 1 :], last, keep


def shown(given: Given) -> list[str]:
    """Show the log by its ids, and the call."""
    log, last, keep = given
    ids = ", ".join(repr(event.id) for event in log)
    return [
        f"ids = [{ids}]",
        'log = [Event("message", f"news {id}", id) for id in ids]',
        f"replay(log, {last!r}, {keep})",
    ]


def _kept(failure: Failure) -> list[Event]:
    log, _, keep = failure.given
    return list(log[max(0, len(log) - keep) :])


def _gap(failure: Failure) -> bool:
    """Whether events were returned although nobody can know what was missed."""
    return type(failure.expected) is Reset and type(failure.actual) is list


def replays_what_is_gone(failure: Failure) -> bool:
    """Whether events were returned that are no longer kept."""
    return _gap(failure) and any(event not in _kept(failure) for event in failure.actual)


def compares_texts(failure: Failure) -> bool:
    """Whether 10 and 11 were sorted before 9."""
    return bool(
        failure.given[1] == "9" and failure.expected == events(10, 11) and failure.actual == []
    )


def needs_numbers(failure: Failure) -> bool:
    """Whether ids were read as numbers."""
    return isinstance(failure.actual, Raised) and failure.raised.startswith("invalid literal")


def sorts(failure: Failure) -> bool:
    """Whether events were chosen by another order than the log's."""
    both = type(failure.expected) is type(failure.actual) is list
    return both and not str(failure.given[1]).isdigit()


EXERCISE = Exercise(
    id="E07",
    name="replay",
    title="what was missed",
    lesson=3,
    points=3,
    questions=(3,),
    stub=STUB,
    cases=cases,
    reference=replay,
    play=play,
    types=TYPES,
    shown=shown,
    smaller=smaller,
    hints=(
        "What must the client be told when you cannot fill the gap?",
        "Ids are opaque: find the position among the kept events, do not compare.",
        "pos = index.get(last); if pos is None: return ____; return kept[pos + 1:]",
    ),
    follow_up=(
        "The server is redeployed, its log is empty, and 100,000 clients come back at "
        "once. What happens? And when would you choose SSE over a WebSocket?",
        "Every client is told to reset and loads the whole state again: the most work at "
        "the moment when the server's caches are empty. A log outside the process avoids "
        "the reset, and a `retry` that differs from client to client spreads the "
        "reconnects.\n"
        "Choose SSE when data flows mainly from the server to the client. The browser "
        "reconnects by itself; the log and the replay remain your job.",
    ),
    diagnoses=(
        Diagnosis(
            "a client without an id is new: it missed nothing, and there is nothing to reset.",
            lambda failure: failure.given[1] is None,
        ),
        Diagnosis(
            "'10' > '9' is False for strings: ids 10 and 11 were not replayed.", compares_texts
        ),
        Diagnosis("ids are opaque: not all of them are numbers.", needs_numbers),
        Diagnosis(
            "an unknown id is not a server error: tell the client to reset.",
            lambda failure: isinstance(failure.actual, Raised) and type(failure.expected) is Reset,
        ),
        Diagnosis(
            "you returned the class Reset itself; return an instance of it.",
            lambda failure: isinstance(failure.actual, Strange) and failure.actual.type == "type",
        ),
        Diagnosis(
            "log[-0:] is the whole log; nothing is kept here.",
            lambda failure: failure.given[2] == 0 and _gap(failure) and failure.actual != [],
        ),
        Diagnosis(
            "you replayed events that are gone: only the last `keep` events are kept.",
            replays_what_is_gone,
        ),
        Diagnosis(
            "id 3 has left the buffer; events 4 to 8 are gone. Say so: return Reset.",
            lambda failure: _gap(failure) and failure.given[1:] == ("3", 5),
        ),
        Diagnosis(
            "id 8 was the last to leave the buffer, so nothing is missing here. But a server "
            "that keeps 5 events cannot tell 8 from an id that it never gave.",
            lambda failure: _gap(failure) and failure.given[1:] == ("8", 5),
        ),
        Diagnosis(
            "nobody knows this id, but an empty answer says that nothing was missed.",
            lambda failure: type(failure.expected) is Reset and failure.actual in ([], None),
        ),
        Diagnosis(
            "nobody knows this id: what you replay may have a gap before it, or repeat what the"
            " client has.",
            _gap,
        ),
        Diagnosis(
            "nothing came after this event: the client missed nothing, so there is no gap.",
            lambda failure: failure.expected == [] and type(failure.actual) is Reset,
        ),
        Diagnosis(
            "the client has the event with this id: it missed those after it.",
            lambda failure: failure.actual[0].id == failure.given[1],
        ),
        Diagnosis(
            "this id is among the kept events: there is no gap.",
            lambda failure: type(failure.actual) is Reset and type(failure.expected) is list,
        ),
        Diagnosis("ids are opaque: only the log has an order.", sorts),
    ),
)
