"""Which technique suits which requirements: a decision tree, and the way through it.

The tree is data, so a lesson draws the very tree that decides. Each question has its reason; a
choice says which answers led to it, and which change of requirements would reverse it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from textwrap import fill
from typing import Any

from labserver.errors import LabError

PATIENT_S = 10.0  # news that may be so old can be polled for: at most six requests per minute
LINE = 90  # characters per printed line
POOL = 6  # HTTP/1.1 connections per host in a browser (MDN, EventSource; November 2026)


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What an application needs from the way its news travels.

    Attributes:
        media: whether audio, video or bulk data goes between two users' devices.
        max_age_s: how old news may be when it arrives, seconds.
        both_ways: whether clients send about as often as they receive.
        binary: whether messages are bytes rather than text.
        upgrade_passes: whether every proxy on the way passes `Upgrade`, or sees only TLS.
        streams_pass: whether every proxy on the way passes a response on before it is complete.
        tabs: how many tabs or widgets of a user listen at once, each with its own stream.
        http2: whether server and proxies speak HTTP/2 to the browser.

    Raises:
        LabError: if a number makes no sense.
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
            raise LabError("Requirements(max_age_s=…) takes seconds and must be greater than 0.")
        if self.tabs < 1:
            raise LabError("Requirements(tabs=…) must be at least 1.")


@dataclass(frozen=True, slots=True)
class Question:
    """A fork of the tree.

    Attributes:
        text: the question, which is answered with yes or no.
        asks: gives the answer for some requirements.
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
                    f"HTTP/2, or fewer than {POOL} streams per user?",
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
class Recommendation:
    """A technique, and why.

    Attributes:
        technique: its name.
        way: the questions that led to it, with their answers.
        reversals: changes of one requirement that would lead to another technique, and to which.
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


def choose(requirements: Requirements | None = None, **needs: Any) -> Recommendation:
    """Choose a technique for some requirements, with reasons.

    Args:
        requirements: what is needed; None for the defaults.
        needs: fields of `Requirements`, which override those of `requirements`.

    Raises:
        LabError: if there is no such requirement.
    """
    known = [field.name for field in fields(Requirements)]
    for name in needs:
        if name not in known:
            raise LabError(f"There is no requirement {name!r}; choose one of {', '.join(known)}.")
    asked = replace(requirements or Requirements(), **needs)
    technique, way = _walk(asked)
    reversals = [
        (change, other)
        for change, changed in _changes(asked)
        if (other := _walk(changed)[0]) != technique
    ]
    return Recommendation(technique, way, tuple(reversals))


def outline(node: Question | str = TREE, depth: int = 0) -> str:
    """Return the tree as text, one question per line, with the answers indented below it."""
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
    """Give each requirement, changed to the other side of its question."""
    for field in fields(Requirements):
        value = getattr(asked, field.name)
        if field.name == "max_age_s":
            value = PATIENT_S if value < PATIENT_S else 1.0
        elif field.name == "tabs":
            value = POOL if value < POOL else 1
        else:
            value = not value
        yield f"{field.name}={value}", replace(asked, **{field.name: value})
