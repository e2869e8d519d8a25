"""Which technique for which requirements: a decision tree, and the way through it.

The tree is a table, so that what a lesson draws is what decides. Each question has its reason
and the experiment or source behind it; a choice says which answers led to it and which change
of requirements would reverse it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from textwrap import fill
from typing import Any

from labserver.errors import LabError

PATIENT_S = 10.0  # news that may be so old can be fetched: six requests a minute, not more
LINE = 90  # characters of what is printed
POOL = 6  # HTTP/1.1 connections of a browser to a host (MDN, EventSource; November 2026)


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What an application needs of the way its news travel.

    Attributes:
        media: audio, video or bulk data between two users' devices.
        max_age_s: how old news may be when it arrives, seconds.
        both_ways: clients say something about as often as they hear something.
        binary: what is said is bytes rather than text.
        upgrade_passes: every proxy on the way passes `Upgrade`, or sees only TLS.
        streams_pass: no proxy on the way holds a response back until it is complete.
        tabs: how many tabs or widgets of a user listen at once, each with a stream of its own.
        http2: server and proxies speak HTTP/2 to the browser.

    Raises:
        LabError: if a figure makes no sense.
    """

    media: bool = False
    max_age_s: float = 1.0
    both_ways: bool = False
    binary: bool = False
    upgrade_passes: bool = True
    streams_pass: bool = True
    tabs: int = 1
    http2: bool = True

    def __post_init__(self) -> None:
        if not self.max_age_s > 0:
            raise LabError("Requirements(max_age_s=…) is seconds, more than 0.")
        if self.tabs < 1:
            raise LabError("Requirements(tabs=…) is a number of tabs, 1 or more.")


@dataclass(frozen=True, slots=True)
class Question:
    """A fork of the tree.

    Attributes:
        text: the question, answered by yes or no.
        asks: the answer, of some requirements.
        why: why the answer matters.
        yes, no: the next question, or the technique.
    """

    text: str
    asks: Callable[[Requirements], bool]
    why: str
    yes: Question | str
    no: Question | str


_UPGRADE = Question(
    "Does Upgrade pass every proxy?",
    lambda r: r.upgrade_passes,
    "a proxy that strips it ends the handshake with 426; inside TLS it sees nothing to strip",
    yes="websocket",
    no="long_polling",
)
TREE = Question(
    "Is it media or bulk data between two users?",
    lambda r: r.media,
    "through a server it takes the way twice, and late audio is worse than lost audio",
    yes="webrtc",
    no=Question(
        f"May news be {PATIENT_S:g} s old?",
        lambda r: r.max_age_s >= PATIENT_S,
        "then a poll is rare, and nothing has to be held open",
        yes="short_polling",
        no=Question(
            "Do clients speak about as often as they listen, or in bytes?",
            lambda r: r.both_ways or r.binary,
            "over HTTP each word up is a request with its headers, and SSE carries text only",
            yes=_UPGRADE,
            no=Question(
                "Do unfinished responses pass every proxy?",
                lambda r: r.streams_pass,
                "one that buffers them delivers nothing of a stream",
                yes=Question(
                    f"HTTP/2, or fewer than {POOL} streams a user?",
                    lambda r: r.http2 or r.tabs < POOL,
                    f"on HTTP/1.1 a browser has {POOL} connections to a host, for all its tabs",
                    yes="sse",
                    no=_UPGRADE,
                ),
                no=_UPGRADE,
            ),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A technique, and why it.

    Attributes:
        technique: its name.
        way: the questions that led to it, with their answers.
        reversals: changes of one requirement that would lead elsewhere, and where.
    """

    technique: str
    way: tuple[tuple[Question, bool], ...]
    reversals: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        reasons = [f"{q.text} {'Yes' if yes else 'No'}: {q.why}." for q, yes in self.way]
        others = [f"With {change} it would be {other}." for change, other in self.reversals]
        lines = [
            fill(line, LINE, initial_indent="  ", subsequent_indent="    ")
            for line in (*reasons, *others)
        ]
        return "\n".join([f"{self.technique}, because", *lines])

    __repr__ = __str__


def choose(requirements: Requirements | None = None, **needs: Any) -> Choice:
    """The technique for some requirements, with the reasons.

    Args:
        requirements: what is needed; None: what `needs` says.
        needs: fields of `Requirements`, which go before those of `requirements`.

    Raises:
        LabError: if there is no such requirement.
    """
    known = [field.name for field in fields(Requirements)]
    for name in needs:
        if name not in known:
            raise LabError(f"There is no requirement {name!r}; there are {', '.join(known)}.")
    asked = replace(requirements or Requirements(), **needs)
    technique, way = _walk(asked)
    reversals = [
        (change, other)
        for change, changed in _changes(asked)
        if (other := _walk(changed)[0]) != technique
    ]
    return Choice(technique, way, tuple(reversals))


def outline(node: Question | str = TREE, depth: int = 0) -> str:
    """The tree as text, one question a line, the answers indented under it."""
    pad = "    " * depth
    if isinstance(node, str):
        return f"{pad}→ {node}"
    return "\n".join(
        [
            f"{pad}{node.text}",
            f"{pad}  yes",
            outline(node.yes, depth + 1),
            f"{pad}  no",
            outline(node.no, depth + 1),
        ]
    )


def _walk(asked: Requirements) -> tuple[str, tuple[tuple[Question, bool], ...]]:
    node: Question | str = TREE
    way = []
    while isinstance(node, Question):
        answer = node.asks(asked)
        way.append((node, answer))
        node = node.yes if answer else node.no
    return node, tuple(way)


def _changes(asked: Requirements) -> Iterator[tuple[str, Requirements]]:
    """Each requirement, changed to the other side of its question."""
    for field in fields(Requirements):
        value = getattr(asked, field.name)
        if field.name == "max_age_s":
            value = PATIENT_S if value < PATIENT_S else 1.0
        elif field.name == "tabs":
            value = POOL if value < POOL else 1
        else:
            value = not value
        yield f"{field.name}={value}", replace(asked, **{field.name: value})
