"""What entries of the progress file look like, and which of two with the same key stays. Pure.

- predictions: the guess that was locked in first, with what was measured since.
- exercises: the one that passes, or else was checked more often, with the higher counts.
- explanations: one that is locked in, of two the first, with the ticks of both if they are the same
  text; of two drafts the longer.
- recalls: an answer that was compared with the right one, of two the first; of two drafts the
  longer.
- verdicts: the later one.
- runs: the last values of both.

Whatever one of the two does not know is taken from the other. Merging the same entry twice changes
nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec

from labserver.practice.checking.judge import Outcome
from labserver.practice.progress.runs import is_series, last_values
from labserver.practice.progress.store import Entry

ATTEMPT = r"^E\d{2}-[0-9TZ.-]{8,40}\.py$"  # a name that leads to no other folder

Count = Annotated[int, msgspec.Meta(ge=0)]
AttemptName = Annotated[str, msgspec.Meta(pattern=ATTEMPT)]


# The fields that the code which shows progress relies on; whatever else there is, is let through.
class _Prediction(msgspec.Struct):
    answer: float | str
    locked: str = ""
    measured: float | str = ""


class _Tried(msgspec.Struct):
    outcome: Literal["pass", "wrong"] = "wrong"
    checks: Count = 0
    hints: Count = 0
    source: str = ""
    said: Annotated[list[str], msgspec.Meta(max_length=2)] = []  # the last verdict and its text


class _Attempt(msgspec.Struct):
    file: AttemptName
    was: _Tried


class _Exercise(_Tried):
    attempt: _Attempt | msgspec.UnsetType = msgspec.UNSET
    follow_up: str = ""
    follow_up_shown: bool = False


class _Explanation(msgspec.Struct):
    draft: str = ""
    question: str = ""
    text: str = ""
    locked: str = ""
    points: list[str] = []
    ticked: list[str] = []


class _Recall(msgspec.Struct):
    lesson: int = 0
    draft: str = ""
    text: str = ""
    shown: str = ""
    knew: bool = False
    judged: str = ""


class _Verdict(msgspec.Struct):
    verdict: str = ""
    condition: str = ""
    evidence: str = ""
    at: str = ""
    quick: bool = False


KINDS = {
    "predictions": _Prediction,
    "exercises": _Exercise,
    "explanations": _Explanation,
    "recalls": _Recall,
    "verdicts": _Verdict,
}


def check(section: str, entry: Entry) -> None:
    """Refuse an entry that the code which shows progress could not show.

    Raises:
        ValueError: if it is one.
    """
    if section == "runs":
        if not is_series(entry):
            raise ValueError("no series")
        return
    try:
        msgspec.convert(entry, KINDS[section])
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error
    parts = {"question", "text", "points", "ticked"}
    if section == "explanations" and "locked" in entry and not parts <= entry.keys():
        raise ValueError("locked in, but not whole")


def merged(section: str, own: Entry, other: Entry) -> Entry:
    """Return what stays of two entries with the same key.

    Args:
        section: where they stand, one of SECTIONS.
        own: the one on this machine, which stays if neither is further.
        other: the one that comes in.
    """
    return MERGES[section](own, other)


def _prediction(own: Entry, other: Entry) -> Entry:
    return _joined(*_first(own, other, "locked"))


def _exercise(own: Entry, other: Entry) -> Entry:
    counts: Entry = {
        name: max(own.get(name, 0), other.get(name, 0))
        for name in ("checks", "hints")
        if name in own or name in other
    }
    return {**_joined(*_furthest(own, other, _effort)), **counts}


def _effort(entry: Entry) -> tuple[bool, int, int]:
    passes = entry.get("outcome") == Outcome.PASS.value
    return passes, entry.get("checks", 0), entry.get("hints", 0)


def _explanation(own: Entry, other: Entry) -> Entry:
    if not ("locked" in own and "locked" in other):
        return _furthest(
            own, other, lambda entry: ("locked" in entry, len(entry.get("draft", "")))
        )[0]
    stays, goes = _first(own, other, "locked")
    if stays["text"] != goes["text"]:
        return stays
    ticked = [one for one in stays["points"] if one in stays["ticked"] or one in goes["ticked"]]
    return {**stays, "ticked": ticked}


def _recall(own: Entry, other: Entry) -> Entry:
    if not ("shown" in own and "shown" in other):
        return _furthest(own, other, _recalled)[0]
    stays, goes = _first(own, other, "shown")
    return _joined(stays, goes) if stays.get("text") == goes.get("text") else stays


def _recalled(entry: Entry) -> tuple[bool, bool, int]:
    return "shown" in entry, "knew" in entry, len(entry.get("draft", ""))


def _verdict(own: Entry, other: Entry) -> Entry:
    return other if other.get("at", "") > own.get("at", "") else own


def _run(own: Entry, other: Entry) -> Entry:
    values = own["values"] + [one for one in other["values"] if one not in own["values"]]
    return {**own, "values": last_values(sorted(values, key=lambda one: str(one["at"])))}


def _first(own: Entry, other: Entry, moment: str) -> tuple[Entry, Entry]:
    """Return the two with the earlier one in front; without a time, an entry counts as late."""
    return (other, own) if other.get(moment, "9") < own.get(moment, "9") else (own, other)


def _furthest(own: Entry, other: Entry, how_far: Callable[[Entry], Any]) -> tuple[Entry, Entry]:
    return (other, own) if how_far(other) > how_far(own) else (own, other)


def _joined(stays: Entry, goes: Entry) -> Entry:
    return {**goes, **stays}


MERGES: dict[str, Callable[[Entry, Entry], Entry]] = {
    "predictions": _prediction,
    "exercises": _exercise,
    "explanations": _explanation,
    "recalls": _recall,
    "verdicts": _verdict,
    "runs": _run,
}
