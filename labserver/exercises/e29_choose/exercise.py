"""E29: a technique for an application, and why."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from labserver.exercises.e29_choose.play import TYPES, play
from labserver.practice.checking.exercise import Case, Diagnosis, Exercise, Failure
from labserver.practice.given.answers import Choice, Req

STUB = '''\
from labserver.practice.answers import Choice, Req


def choose(req: Req) -> Choice:
    """Return the technique for these requirements, and the reasons."""
    raise NotImplementedError
'''

PATIENT_S = 10.0  # as in lesson 09
POOL = 6  # HTTP/1.1 connections per host in a browser (MDN, EventSource; November 2026)
OFTEN_HZ = 1.0  # a client that sends so often surely speaks
SELDOM_HZ = 0.1  # one that sends less often surely listens; in between both hold


def facts(req: Req) -> set[str]:
    """Return the reasons that hold for some requirements."""
    holds = {
        "PEER_TO_PEER": req.peer_media,
        "MAY_WAIT": req.max_age_s >= PATIENT_S,
        "NOTHING_HELD": not req.can_hold,
        "LISTENS": req.c2s_rate_hz < OFTEN_HZ,
        "SPEAKS": req.c2s_rate_hz >= SELDOM_HZ,
        "BINARY": not req.text_only,
        "STREAMS_BUFFERED": not req.streams_pass,
        "SIX_CONNECTIONS": not req.http2 and req.tabs >= POOL,
        "UPGRADE_BLOCKED": not req.upgrade_passes,
        "HEADER_NEEDED": req.auth_header,
    }
    return {reason for reason, is_so in holds.items() if is_so}


class Way(NamedTuple):
    """A technique that will do: of each group of reasons, one at least decides."""

    technique: str
    groups: tuple[set[str], ...]


def ways(req: Req) -> list[Way]:
    """Return the techniques that work, the best first."""
    so = facts(req)
    if "PEER_TO_PEER" in so:
        return [Way("webrtc", ({"PEER_TO_PEER"},))]
    if asking := so & {"MAY_WAIT", "NOTHING_HELD"}:
        return [Way("short_polling", (asking,))]
    no_stream = so & {"BINARY", "STREAMS_BUFFERED", "SIX_CONNECTIONS"}
    no_sse = no_stream | so & {"SPEAKS"}
    no_websocket = so & {"UPGRADE_BLOCKED", "HEADER_NEEDED"}
    found = []
    if no_sse and not no_websocket:
        found.append(Way("websocket", (no_sse,)))
    elif no_sse and "SIX_CONNECTIONS" in so:  # each held request would take one
        found.append(Way("short_polling", ({"SIX_CONNECTIONS"}, no_websocket)))
    elif no_sse:
        found.append(Way("long_polling", (no_sse, no_websocket)))
        if not no_stream:  # messages to the server go in requests
            found.append(Way("sse", (no_websocket,)))
    if "LISTENS" in so:
        if not no_stream:
            found.append(Way("sse", ({"LISTENS"},)))
        if "SIX_CONNECTIONS" not in so and (other := no_stream | so & {"HEADER_NEEDED"}):
            found.append(Way("long_polling", (other,)))
    return found


def choose(req: Req) -> Choice:
    """The reference."""
    best = ways(req)[0]
    return Choice(best.technique, set().union(*best.groups))


def will_do(req: Req, choice: Any) -> bool:
    """Whether a choice is a good one, and names what decides and nothing untrue."""
    if type(choice) is not Choice or type(choice.reasons) not in (set, frozenset):
        return False
    named = choice.reasons
    return named <= facts(req) and any(
        way.technique == choice.technique and all(named & group for group in way.groups)
        for way in ways(req)
    )


def canonical(given: tuple[Req], answer: Any) -> Any:
    """Put the best choice in place of any other good one."""
    (req,) = given
    return choose(req) if will_do(req, answer) else answer


def cases() -> Iterator[Case]:
    """Applications, then requirements in all mixtures."""
    for rule, req, technique, reasons in SCENARIOS:
        yield Case((req,), rule, Choice(technique, reasons))
    draws = random.Random(29)
    for _ in range(80):
        req = _random(draws)
        if is_clear(req):
            yield Case((req,), "each reason by itself, as above")


BLOCKED, LATE = {"upgrade_passes": False}, {"streams_pass": False}
SCENARIOS: tuple[tuple[str, Req, str, set[str]], ...] = (
    (
        "a daily report: news may be old, so the client asks for it",
        Req(max_age_s=3600),
        "short_polling",
        {"MAY_WAIT"},
    ),
    ("a news ticker: the note, Q3: server to client only", Req(), "sse", {"LISTENS"}),
    ("the tokens of a language model: text, one way", Req(max_age_s=0.1), "sse", {"LISTENS"}),
    ("a fire alarm: rare, and yet at once", Req(max_age_s=0.5), "sse", {"LISTENS"}),
    ("the progress of an upload: one way", Req(max_age_s=2), "sse", {"LISTENS"}),
    ("a chat: both speak", Req(c2s_rate_hz=0.2), "websocket", {"SPEAKS"}),
    ("a game: both speak", Req(c2s_rate_hz=20, max_age_s=0.05), "websocket", {"SPEAKS"}),
    (
        "a shared drawing, in bytes",
        Req(c2s_rate_hz=5, text_only=False),
        "websocket",
        {"SPEAKS", "BINARY"},
    ),
    ("a rider waiting for a match: only listens", Req(), "sse", {"LISTENS"}),
    ("a rider after the match: both send positions", Req(c2s_rate_hz=1), "websocket", {"SPEAKS"}),
    ("a video call: device to device", Req(peer_media=True), "webrtc", {"PEER_TO_PEER"}),
    (
        "a ticker in 20 tabs on HTTP/1.1: 6 connections to a host",
        Req(tabs=20, http2=False),
        "websocket",
        {"SIX_CONNECTIONS"},
    ),
    ("a ticker in 20 tabs on HTTP/2: streams of one connection", Req(tabs=20), "sse", {"LISTENS"}),
    ("a ticker in 5 tabs on HTTP/1.1", Req(tabs=5, http2=False), "sse", {"LISTENS"}),
    ("a ticker where Upgrade is removed: SSE does not need it", Req(**BLOCKED), "sse", {"LISTENS"}),
    (
        "a game behind a proxy that removes Upgrade: RFC 9110 §7.6.1",
        Req(c2s_rate_hz=5, **BLOCKED),
        "long_polling",
        {"SPEAKS", "UPGRADE_BLOCKED"},
    ),
    (
        "a ticker behind a proxy that holds responses back",
        Req(**LATE),
        "websocket",
        {"STREAMS_BUFFERED"},
    ),
    (
        "a ticker behind a proxy that does both",
        Req(**BLOCKED, **LATE),
        "long_polling",
        {"STREAMS_BUFFERED", "UPGRADE_BLOCKED"},
    ),
    (
        "a token that travels in a header: WHATWG WebSockets §3: a page's WebSocket sends none",
        Req(c2s_rate_hz=5, text_only=False, auth_header=True),
        "long_polling",
        {"SPEAKS", "BINARY", "HEADER_NEEDED"},
    ),
    (
        "a ticker with a token in a header: fetch sends it, and reads a stream",
        Req(auth_header=True),
        "sse",
        {"LISTENS"},
    ),
    (
        "functions that are billed by the second: nothing can be held",
        Req(can_hold=False),
        "short_polling",
        {"NOTHING_HELD"},
    ),
    (
        "20 tabs on HTTP/1.1 where Upgrade is removed: there are not enough connections to hold",
        Req(tabs=20, http2=False, **BLOCKED),
        "short_polling",
        {"SIX_CONNECTIONS", "UPGRADE_BLOCKED"},
    ),
)


def _random(draws: random.Random) -> Req:
    def seldom() -> bool:
        return draws.random() < 0.25

    return Req(
        max_age_s=draws.choice((0.05, 1.0, 9.0, 10.0, 60.0)),
        c2s_rate_hz=draws.choice((0.0, 0.01, 0.3, 2.0, 30.0)),
        text_only=not seldom(),
        peer_media=draws.random() < 0.1,
        tabs=draws.choice((1, 2, 5, 6, 20)),
        http2=not seldom(),
        upgrade_passes=not seldom(),
        streams_pass=not seldom(),
        auth_header=seldom(),
        can_hold=draws.random() > 0.1,
    )


def is_clear(req: Req) -> bool:
    """Whether the requirements do not conflict, as waiting does with speaking or sending bytes."""
    so = facts(req)
    return "MAY_WAIT" not in so or not so & {"SPEAKS", "BINARY", "PEER_TO_PEER"}


def smaller(given: tuple[Req]) -> Iterator[tuple[Req]]:
    """Give the same with one requirement less."""
    (req,) = given
    for name, usual in Req._field_defaults.items():
        one = req._replace(**{name: usual})
        if one != req and is_clear(one):
            yield (one,)


def shown(given: tuple[Req]) -> list[str]:
    """Show the call, with the requirements that differ from the defaults."""
    usual = Req._field_defaults
    named = [f"{name}={value!r}" for name, value in given[0]._asdict().items()]
    return [f"choose(Req({', '.join(one for one in named if not _is_usual(one, usual))}))"]


def _is_usual(text: str, usual: dict[str, Any]) -> bool:
    name, _, value = text.partition("=")
    return value == repr(usual[name])


def _chose(techniques: set[str], reason: str = "") -> Callable[[Failure], bool]:
    """Match a choice of one of these techniques where this reason excludes it."""

    def fits(failure: Failure) -> bool:
        holds = not reason or reason in facts(*failure.given)
        return holds and failure.actual.technique in techniques and not _will_do_but(failure)

    return fits


def _will_do_but(failure: Failure) -> bool:
    return failure.actual.technique in {way.technique for way in ways(*failure.given)}


HELD = {"long_polling", "sse", "websocket"}

EXERCISE = Exercise(
    id="E29",
    name="choose",
    title="which technique, and why",
    lesson=9,
    points=3,
    questions=(1, 3),
    stub=STUB,
    cases=cases,
    reference=choose,
    play=play,
    types=TYPES,
    canonical=canonical,
    shown=shown,
    smaller=smaller,
    hints=(
        "Who speaks, how often, in what form?",
        (
            "What may wait or cannot be held; direction; text or bytes; the path; the client's "
            "limits, in that order. Each reason rules something out."
        ),
        "if req.c2s_rate_hz < ____ and req.text_only and req.streams_pass and ____:"
        ' return Choice("sse", {"LISTENS"})',
    ),
    follow_up=(
        "You chose SSE. What would make you change your mind? And if you chose a "
        "WebSocket, and a proxy on the way strips `Upgrade`: what does long polling cost "
        "you instead?",
        "Name each condition: clients that send as often as they receive, binary data, a "
        "proxy that buffers responses, many tabs over HTTP/1.1.\n"
        "Long polling costs headers with every message, and a herd, because each message "
        "ends all waiting requests at once. First ask whether TLS helps: a proxy that "
        "only passes TLS through cannot strip anything. One that inspects TLS can, and "
        "your own load balancer, if it ends TLS, must forward `Upgrade`.",
    ),
    diagnoses=(
        Diagnosis(
            "a call connects two devices: through a server it travels the distance twice.",
            _chose(HELD | {"short_polling"}, "PEER_TO_PEER"),
        ),
        Diagnosis(
            "a daily report needs no open connection: if news may wait, polling is enough.",
            _chose(HELD, "MAY_WAIT"),
        ),
        Diagnosis(
            "the server can hold open neither a request nor a connection here.",
            _chose(HELD, "NOTHING_HELD"),
        ),
        Diagnosis(
            "the 7th tab hangs: 6 connections per host on HTTP/1.1, for all tabs together.",
            _chose({"sse", "long_polling"}, "SIX_CONNECTIONS"),
        ),
        Diagnosis("SSE carries text only.", _chose({"sse"}, "BINARY")),
        Diagnosis(
            "a stream never ends, and this proxy waits for its end.",
            _chose({"sse"}, "STREAMS_BUFFERED"),
        ),
        Diagnosis(
            "the handshake fails at a proxy that removes Upgrade.",
            _chose({"websocket"}, "UPGRADE_BLOCKED"),
        ),
        Diagnosis(
            "a page's WebSocket cannot send a header of its own, and the token must be in one.",
            _chose({"websocket"}, "HEADER_NEEDED"),
        ),
        Diagnosis(
            "there is no second device and no media here: WebRTC is a lot of machinery for text.",
            _chose({"webrtc"}),
        ),
        Diagnosis(
            "news would be as old as the interval, or most requests would be in vain.",
            _chose({"short_polling"}),
        ),
        Diagnosis(
            "a client that sends often pays for a request with headers each time.",
            _chose({"sse", "long_polling"}, "SPEAKS"),
        ),
        Diagnosis(
            "clients only listen here: a response that does not end is enough, and "
            "EventSource reconnects by itself.",
            _chose({"websocket"}, "LISTENS"),
        ),
        Diagnosis(
            "each answer ends a long poll, and the client must ask again: a stream goes on.",
            _chose({"long_polling"}),
        ),
        Diagnosis(
            "one of your reasons does not hold here.",
            lambda failure: (
                _will_do_but(failure) and not failure.actual.reasons <= facts(*failure.given)
            ),
        ),
        Diagnosis(
            "the technique is right, but what decides is not among your reasons.",
            lambda failure: _will_do_but(failure) and type(failure.actual.reasons) is frozenset,
        ),
    ),
)
