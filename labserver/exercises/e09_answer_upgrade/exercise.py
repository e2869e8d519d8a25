"""E09: the answer to a WebSocket handshake."""

from __future__ import annotations

import base64
import binascii
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

from labserver.exercises.e09_answer_upgrade.play import TYPES, play
from labserver.practice.checking.exercise import Case, Diagnosis, Exercise, Failure
from labserver.practice.checking.play import Raised
from labserver.practice.given.answers import Response
from labserver.wire.websocket_accept import accept_key

SWITCH = "RFC 6455 §4.2.2, step 5: 101 with Upgrade, Connection and Sec-WebSocket-Accept"
METHOD = "RFC 6455 §4.1: a handshake is a GET; RFC 9110 §15.5.6: 405 lists what is allowed in Allow"
HOST = "RFC 9112 §3.2: a request without Host is answered with 400"
UPGRADE = (
    "RFC 6455 §4.2.1, step 3: Upgrade lists websocket (case-insensitive); RFC 9110 §15.5.22: 426"
)
CONNECTION = "RFC 6455 §4.2.1, step 4: Connection has the token Upgrade (case-insensitive)"
VERSION = "RFC 6455 §4.4: for another version, 426 and the version that is supported"
KEY = "RFC 6455 §4.2.1, step 5: a base64 key that decodes to 16 bytes; otherwise 400"
PROTOCOL = "RFC 6455 §4.2.2, step 5.5: a subprotocol that both sides support, or no such field"
ORDER = "RFC 6455 §4.1: the client's subprotocols are ordered by preference"
LINES = "RFC 9110 §5.2: several lines of a field are one list, joined by commas"
NAMES = "RFC 9112 §5: a case-insensitive name, a colon, optional spaces, and the value"
EXTENSION = "RFC 6455 §9.1: a server does not accept an extension that it does not know"

STUB = '''\
from labserver.practice.answers import Response


def answer_upgrade(raw: bytes, subprotocols: list[str]) -> Response:
    """Return the answer to a request; subprotocols: those that the server speaks."""
    raise NotImplementedError
'''


def fields_of(raw: bytes) -> dict[str, str]:
    """Return a request's header fields by lower-case name; several lines make one list."""
    fields: dict[str, str] = {}
    for line in raw.decode("latin-1").split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        if colon:
            held = [fields[name.lower()]] if name.lower() in fields else []
            fields[name.lower()] = ", ".join([*held, value.strip(" \t")])
    return fields


def listed(value: str) -> list[str]:
    """Return the members of a list in a header field."""
    return [one.strip() for one in value.split(",") if one.strip()]


def answer_upgrade(raw: bytes, subprotocols: list[str]) -> Response:
    """The reference."""
    fields = fields_of(raw)
    if not raw.startswith(b"GET "):
        return Response(405, {"Allow": "GET"})
    if "host" not in fields:
        return Response(400, {})
    if (
        "websocket" not in listed(fields.get("upgrade", "").lower())
        or "upgrade" not in listed(fields.get("connection", "").lower())
        or fields.get("sec-websocket-version") != "13"
    ):
        return Response(426, {"Upgrade": "websocket", "Sec-WebSocket-Version": "13"})
    key = fields.get("sec-websocket-key", "")
    if not _is_key(key):
        return Response(400, {})
    headers = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": accept_key(key),
    }
    for offered in listed(fields.get("sec-websocket-protocol", "")):
        if offered in subprotocols:
            headers["Sec-WebSocket-Protocol"] = offered
            break
    return Response(101, headers)


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


# What is looked at in an answer; whatever else a server adds is its own affair.
ASKED_FOR = {
    101: (
        "Upgrade",
        "Connection",
        "Sec-WebSocket-Accept",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
    ),
    405: ("Allow",),
    426: ("Upgrade", "Sec-WebSocket-Version"),
}
IN_ANY_CASE = {"upgrade": "websocket", "connection": "Upgrade"}


def canonical(given: tuple[bytes, tuple[str, ...]], answer: Any) -> Any:
    """Write names as the RFC does, and leave out fields that do not matter."""
    if type(answer) is not Response or type(answer.headers) is not dict:
        return answer
    if not all(type(one) is str for pair in answer.headers.items() for one in pair):
        return answer
    sent = {name.lower(): value for name, value in answer.headers.items()}
    headers = {}
    for name in ASKED_FOR.get(answer.status, ()):
        if (lower := name.lower()) in sent:
            wanted = IN_ANY_CASE.get(lower, "")
            same_word = sent[lower].lower() == wanted.lower()
            headers[name] = wanted if same_word else sent[lower]
    return Response(answer.status, headers)


EXAMPLE = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 §1.3
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
ASKED = {
    "Host": "server.example.com",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": EXAMPLE,
    "Sec-WebSocket-Version": "13",
}
YES = Response(
    101, {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": ACCEPT}
)
WANTS = Response(426, {"Upgrade": "websocket", "Sec-WebSocket-Version": "13"})
BAD = Response(400, {})


def asked(*more: str, first: str = "GET /chat HTTP/1.1", **changed: str | None) -> bytes:
    """Return the RFC's request with fields changed (None omits one) and lines added."""
    fields = {name: changed.get(name.split("-")[-1], value) for name, value in ASKED.items()}
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([first, *lines, *more, "", ""]).encode("latin-1")


def speaks(name: str) -> Response:
    """Return a 101 that accepts a subprotocol."""
    return Response(101, YES.headers | {"Sec-WebSocket-Protocol": name})


def cases() -> Iterator[Case]:
    """The RFC's request, one change at a time, then valid requests of many forms."""
    yield Case((asked(), ()), SWITCH, YES)
    yield Case((asked(Connection="keep-alive, Upgrade"), ()), CONNECTION, YES)
    yield Case((asked(Connection="upgrade"), ()), CONNECTION, YES)
    yield Case((asked(Connection="Upgrade,keep-alive"), ()), CONNECTION, YES)
    yield Case((asked(Upgrade="WebSocket"), ()), UPGRADE, YES)
    yield Case((asked(Upgrade="h2c, websocket"), ()), UPGRADE, YES)
    lower = re.sub(rb"\r\n[^:]+:", lambda name: name[0].lower(), asked())
    yield Case((lower, ()), NAMES, YES)
    yield Case((asked().replace(b": ", b":"), ()), NAMES, YES)
    yield Case((asked().replace(b": ", b":  \t").replace(b"\r\nSec", b" \r\nSec"), ()), NAMES, YES)
    yield Case((asked("Connection: Upgrade", Connection="keep-alive"), ()), LINES, YES)
    yield Case((asked("Connection: keep-alive"), ()), LINES, YES)
    yield Case((asked("Origin: http://example.com:8000", "Cookie: a=b: c"), ()), SWITCH, YES)
    deflate = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
    yield Case((asked(deflate), ()), EXTENSION, YES)
    yield from _protocols()
    yield from _refused()
    draws = random.Random(9)
    for _ in range(40):
        yield Case(_random(draws), SWITCH)


def _protocols() -> Iterator[Case]:
    def offers(*offers: str) -> bytes:
        return asked(*(f"Sec-WebSocket-Protocol: {one}" for one in offers))

    yield Case((offers("chat.v1"), ("chat.v1",)), PROTOCOL, speaks("chat.v1"))
    yield Case((offers("soap"), ("chat.v1",)), PROTOCOL, YES)
    yield Case((offers("soap"), ()), PROTOCOL, YES)
    yield Case((asked(), ("chat.v1",)), PROTOCOL, YES)
    yield Case((offers("soap, chat.v1"), ("chat.v1",)), PROTOCOL, speaks("chat.v1"))
    yield Case((offers("chat.v1.5"), ("chat.v1",)), PROTOCOL, YES)
    yield Case((offers("v2,v1"), ("v1", "v2")), ORDER, speaks("v2"))
    yield Case((offers("soap", "chat.v1"), ("chat.v1",)), LINES, speaks("chat.v1"))
    yield Case((offers("chat.v1", "soap"), ("chat.v1",)), LINES, speaks("chat.v1"))


def _refused() -> Iterator[Case]:
    for method in ("POST", "PUT", "HEAD"):
        first = f"{method} /chat HTTP/1.1"
        yield Case((asked(first=first), ()), METHOD, Response(405, {"Allow": "GET"}))
    yield Case((asked(Host=None), ()), HOST, BAD)
    for value in (None, "h2c", "", "websockets"):
        yield Case((asked(Upgrade=value), ()), UPGRADE, WANTS)
    for value in (None, "keep-alive", "close, upgrades", "no-upgrade"):
        yield Case((asked(Connection=value), ()), CONNECTION, WANTS)
    for value in ("8", "7", "113", None):
        yield Case((asked(Version=value), ()), VERSION, WANTS)
    for octets in (0, 5, 15, 17, 18, 32):
        yield Case((asked(Key=base64.b64encode(bytes(octets)).decode()), ()), KEY, BAD)
    for value in (None, "dGhlIHNhbXBsZSBub25j", "dGhlIHNhbXBs*ZSBub25jZQ==", "the sample nonce"):
        yield Case((asked(Key=value), ()), KEY, BAD)


EXTRAS = ("Origin: https://example.com", "User-Agent: a", "Pragma: no-cache", "Cookie: a=b")


def _random(draws: random.Random) -> tuple[bytes, tuple[str, ...]]:
    """A request that is right: fields in any order and case, offers, and what browsers add."""
    key = base64.b64encode(draws.randbytes(16)).decode()
    connection = draws.choice(("Upgrade", "keep-alive, Upgrade", "upgrade , keep-alive"))
    fields = ASKED | {"Sec-WebSocket-Key": key, "Connection": connection}
    lines = [f"{draws.choice((name, name.lower()))}: {value}" for name, value in fields.items()]
    lines += draws.sample(EXTRAS, draws.randint(0, 4))
    names = ["v1", "v2", "v3", "soap"]
    if draws.random() < 0.6:
        offers = draws.sample(names, draws.randint(1, 3))
        lines.append(f"Sec-WebSocket-Protocol: {', '.join(offers)}")
    draws.shuffle(lines)
    raw = "\r\n".join(["GET /chat?room=1 HTTP/1.1", *lines, "", ""]).encode()
    return raw, tuple(draws.sample(names, draws.randint(0, 2)))


def smaller(given: tuple[bytes, tuple[str, ...]]) -> Iterator[tuple[bytes, tuple[str, ...]]]:
    """Give requests without one of the lines that a handshake does not need."""
    raw, spoken = given
    for line in raw.split(b"\r\n"):
        if line.decode() in EXTRAS or line.startswith(b"Sec-WebSocket-Protocol:"):
            yield raw.replace(line + b"\r\n", b""), spoken


def shown(given: tuple[bytes, tuple[str, ...]]) -> list[str]:
    """Show the call, with one line per line of the request."""
    raw, spoken = given
    lines = [f"    {line!r}" for line in raw.splitlines(keepends=True)]
    return ["answer_upgrade(", *lines[:-1], f"{lines[-1]},", f"    {list(spoken)!r},", ")"]


def _refuses(failure: Failure) -> bool:
    """Whether a valid request was refused."""
    return failure.expected.status == 101 and (
        isinstance(failure.actual, Raised) or failure.actual.status != 101
    )


def takes_connection_as_a_word(failure: Failure) -> bool:
    """Whether Connection was compared as a whole."""
    return _refuses(failure) and "," in fields_of(failure.given[0])["connection"]


def takes_upgrade_as_a_word(failure: Failure) -> bool:
    """Whether Upgrade was compared as a whole."""
    return _refuses(failure) and "," in fields_of(failure.given[0])["upgrade"]


def is_particular_about_case(failure: Failure) -> bool:
    """Whether a word or a name in another case was not recognised."""
    return _refuses(failure) and any(
        word not in failure.given[0]
        for word in (*(f"\r\n{name}:".encode() for name in ASKED), b"Upgrade\r", b": websocket\r")
    )


def keeps_one_line(failure: Failure) -> bool:
    """Whether only one of a field's lines was read."""
    lines = failure.given[0].split(b"\r\n")[1:-2]
    names = [line.partition(b":")[0] for line in lines]
    return len(set(names)) < len(names) and failure.actual != failure.expected


def _protocol(value: Any) -> str | None:
    return value.headers.get("Sec-WebSocket-Protocol") if value.status == 101 else None


def speaks_for_all(failure: Failure) -> bool:
    """Whether it named a subprotocol that the server does not speak or nobody offered."""
    named = _protocol(failure.actual)
    offered = listed(fields_of(failure.given[0]).get("sec-websocket-protocol", ""))
    return named is not None and (named not in failure.given[1] or named not in offered)


def prefers_its_own(failure: Failure) -> bool:
    """Whether the server's order decided."""
    return None not in (_protocol(failure.actual), _protocol(failure.expected))


def _took(rule: str, expected: Response) -> Callable[[Failure], bool]:
    """Whether it accepted a request that must be refused by one of these rules."""
    given = [case.given for case in _refused() if case.rule == rule]
    return lambda failure: (
        failure.given in given and failure.expected == expected and failure.actual.status == 101
    )


EXERCISE = Exercise(
    id="E09",
    name="answer_upgrade",
    title="the answer to a handshake",
    lesson=4,
    points=3,
    stub=STUB,
    cases=cases,
    reference=answer_upgrade,
    play=play,
    types=TYPES,
    canonical=canonical,
    shown=shown,
    smaller=smaller,
    hints=(
        "Which of the header fields are lists?",
        (
            "RFC 6455 §4.2.1 has the checks, in order. The smallest input that many answers fail "
            "on: Connection: keep-alive, Upgrade."
        ),
        "tokens = [t.strip().lower() for t in fields['connection'].split(',')]; ____ in tokens",
    ),
    follow_up=(
        "The token in the request is wrong. Do you refuse the handshake, or accept it and "
        "close the connection? And how does a page send a token at all, if it cannot set "
        "a header?",
        "A 401 is the cheapest, and logs and proxies understand it; but the page only "
        "sees an `error` event and then the close code 1006. If the page must learn the "
        "reason, accept the handshake and close with a code of your own, such as 4401, "
        "before you send anything else.\n"
        "A page can send a cookie, a short-lived ticket in the URL, a value in "
        "`Sec-WebSocket-Protocol`, or a token in its first message.",
    ),
    diagnoses=(
        Diagnosis(
            "a field may span several lines, which are one list: you looked at one of them.",
            keeps_one_line,
        ),
        Diagnosis(
            "Firefox sends 'keep-alive, Upgrade': Connection is a list of tokens.",
            takes_connection_as_a_word,
        ),
        Diagnosis(
            "Upgrade is a list, too: a client may name more than one protocol.",
            takes_upgrade_as_a_word,
        ),
        Diagnosis(
            "field names are case-insensitive, and so are 'Upgrade' and 'websocket'; spaces "
            "after the colon are optional.",
            is_particular_about_case,
        ),
        Diagnosis(
            "you accepted a subprotocol; name only one that was offered AND that you speak, or"
            " none.",
            speaks_for_all,
        ),
        Diagnosis(
            "the client lists subprotocols in order of preference.",
            prefers_its_own,
        ),
        Diagnosis(
            "you accepted an extension that you do not have: the client will use it.",
            lambda failure: "Sec-WebSocket-Extensions" in failure.actual.headers,
        ),
        Diagnosis(
            "only a GET is a handshake.",
            _took(METHOD, Response(405, {"Allow": "GET"})),
        ),
        Diagnosis(
            "part of a word is not the token: compare whole members of the list.",
            lambda failure: (
                failure.actual.status == 101
                and "upgrade" in fields_of(failure.given[0]).get("connection", "").lower()
                and "upgrade" not in listed(fields_of(failure.given[0])["connection"].lower())
            ),
        ),
        Diagnosis("this request did not ask for a WebSocket.", _took(UPGRADE, WANTS)),
        Diagnosis(
            "Upgrade counts for this connection only if Connection names it.",
            _took(CONNECTION, WANTS),
        ),
        Diagnosis(
            "you accepted a version that you do not speak, or a missing one.", _took(VERSION, WANTS)
        ),
        Diagnosis(
            "a key must decode to 16 bytes; counting its characters is not enough.",
            _took(KEY, BAD),
        ),
        Diagnosis("HTTP/1.1 requires Host.", _took(HOST, BAD)),
        Diagnosis(
            "a 426 names what is supported: the protocol and its version.",
            lambda failure: failure.actual.status == 426 == failure.expected.status,
        ),
    ),
)
