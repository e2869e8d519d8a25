"""Wrong ideas about what a client missed."""

from __future__ import annotations

from typing import Any

from labserver.practice.given.sse_events import Event, Reset

Log = list[Event]


def _kept(log: Log, keep: int) -> Log:
    return log[max(0, len(log) - keep) :]


def _after(kept: Log, last: str | None) -> Any:
    """A function that works, on the kept events."""
    if last is None:
        return []
    ids = [event.id for event in kept]
    return kept[ids.index(last) + 1 :] if last in ids else Reset(last)


def compares_strings(log: Log, last: str | None, keep: int) -> Any:
    return [] if last is None else [event for event in _kept(log, keep) if event.id > last]


def compares_numbers(log: Log, last: str | None, keep: int) -> Any:
    kept = _kept(log, keep)
    if last is None:
        return []
    if not kept or not int(kept[0].id) <= int(last) <= int(kept[-1].id):
        return Reset(last)
    return [event for event in kept if int(event.id) > int(last)]


def what_is_left(log: Log, last: str | None, keep: int) -> Any:
    kept = _kept(log, keep)
    came = _after(kept, last)
    return kept if isinstance(came, Reset) else came


def all_of_the_log(log: Log, last: str | None, keep: int) -> Any:
    return _after(log, last)


def keeps_the_oldest(log: Log, last: str | None, keep: int) -> Any:
    return _after(log[:keep], last)


def resumes_at_the_border(log: Log, last: str | None, keep: int) -> Any:
    kept, ids = _kept(log, keep), [event.id for event in log]
    if last in ids and len(log) - len(kept) == ids.index(last) + 1:
        return kept
    return _after(kept, last)


def nothing_kept_nothing_missed(log: Log, last: str | None, keep: int) -> Any:
    return [] if keep == 0 else _after(_kept(log, keep), last)


def everything_for_the_new(log: Log, last: str | None, keep: int) -> Any:
    kept = _kept(log, keep)
    return kept if last is None else _after(kept, last)


def reset_for_the_new(log: Log, last: str | None, keep: int) -> Any:
    return Reset("") if last is None else _after(_kept(log, keep), last)


def unknown_missed_nothing(log: Log, last: str | None, keep: int) -> Any:
    kept, ids = _kept(log, keep), [event.id for event in log]
    return _after(kept, last) if last in ids else []


def unknown_gets_all(log: Log, last: str | None, keep: int) -> Any:
    kept, ids = _kept(log, keep), [event.id for event in log]
    return _after(kept, last) if last is None or last in ids else kept


def unknown_is_an_error(log: Log, last: str | None, keep: int) -> Any:
    kept = _kept(log, keep)
    return [] if last is None else kept[[event.id for event in kept].index(last) + 1 :]


def nothing_is_a_gap(log: Log, last: str | None, keep: int) -> Any:
    return [] if last is None else _after(_kept(log, keep), last) or Reset(last)


def the_event_again(log: Log, last: str | None, keep: int) -> Any:
    kept = _kept(log, keep)
    came = _after(kept, last)
    return came if last is None or isinstance(came, Reset) else kept[-len(came) - 1 :]


def minus_zero(log: Log, last: str | None, keep: int) -> Any:
    return _after(log[-keep:], last)


def one_too_few(log: Log, last: str | None, keep: int) -> Any:
    return _after(_kept(log, keep - 1), last)


def sorts_them(log: Log, last: str | None, keep: int) -> Any:
    came = _after(_kept(log, keep), last)
    return came if isinstance(came, Reset) else sorted(came, key=lambda event: event.id)


def ids_in_order(log: Log, last: str | None, keep: int) -> Any:
    def order(event: Event) -> tuple[int, str]:
        return len(event.id), event.id

    return _after(sorted(_kept(log, keep), key=order), last)


def the_class(log: Log, last: str | None, keep: int) -> Any:
    came = _after(_kept(log, keep), last)
    return Reset if isinstance(came, Reset) else came


def only_ids(log: Log, last: str | None, keep: int) -> Any:
    came = _after(_kept(log, keep), last)
    return came if isinstance(came, Reset) else [event.id for event in came]


# Wrong solution → a part of what the learner is told first.
MESSAGES = {
    "compares_strings": "ids 10 and 11 were not replayed",
    "compares_numbers": "not all of them are numbers",
    "sorts_them": "ids are opaque: only the log has an order.",
    "ids_in_order": "ids are opaque: only the log has an order.",
    "what_is_left": "events 4 to 8 are gone. Say so",
    "all_of_the_log": "you replayed events that are gone: only the last",
    "keeps_the_oldest": "you replayed events that are gone: only the last",
    "one_too_few": "there is no gap",
    "minus_zero": "log[-0:] is the whole log",
    "resumes_at_the_border": "cannot tell 8 from an id that it never gave",
    "nothing_kept_nothing_missed": "an empty answer says that nothing was missed",
    "unknown_missed_nothing": "an empty answer says that nothing was missed",
    "unknown_gets_all": "may have a gap before it",
    "unknown_is_an_error": "an unknown id is not a server error: tell the",
    "everything_for_the_new": "a client without an id is new",
    "reset_for_the_new": "a client without an id is new",
    "nothing_is_a_gap": "nothing came after this event: the client missed",
    "the_event_again": "the client has the event with this id: it missed",
    "the_class": "the class Reset itself",
    "only_ids": "wrong.",
}
