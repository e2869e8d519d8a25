"""What each line of a WebSocket handshake is for, and what is wrong with it (RFC 6455 §4).

Both messages are judged as they were sent, and by the RFCs alone. A server may decide more than
that, such as who may connect and from which page; this is its own affair.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from labserver.wire.http1_reader import HEAD_MAX
from labserver.wire.preview import byte_count
from labserver.wire.websocket_accept import KEY_BYTES, accept_key, key_bytes

VERSION = "13"  # RFC 6455 §4.1
OTHER = "has no part in the handshake"


class Conformance(Enum):
    """What the RFCs say of a line."""

    RIGHT = "required"
    FREE = "optional"
    WRONG = "wrong"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class HandshakeLine:
    """A line of a request or a response, or one that should be there.

    Attributes:
        name: the name of its field; or `request line`, `status line`, `blank line`.
        text: as it was sent, without its line end; for a missing line, an example.
        purpose: what it is for.
        rule: the section that says so.
        verdict: whether it is required, and whether it is right.
        fault: what is wrong with it; empty if nothing is.
    """

    name: str
    text: str
    purpose: str
    rule: str
    verdict: Conformance
    fault: str = ""

    @property
    def is_faulty(self) -> bool:
        """Whether it is wrong or missing."""
        return self.verdict in (Conformance.WRONG, Conformance.MISSING)


class Explanation(NamedTuple):
    """What a header field is for, and which section says so."""

    text: str
    rule: str = ""


REQUEST_FIELDS = {
    "host": Explanation("which of the names at this address is meant", "RFC 9112 §3.2"),
    "upgrade": Explanation("the protocol to change to", "RFC 6455 §4.1"),
    "connection": Explanation("says that Upgrade is for the next hop", "RFC 6455 §4.1"),
    "sec-websocket-key": Explanation(
        "16 random bytes, new each time: the response must fit them", "RFC 6455 §4.1"
    ),
    "sec-websocket-version": Explanation("the version of the protocol", "RFC 6455 §4.1"),
    "origin": Explanation("the page that is asking; browsers always send it", "RFC 6455 §4.1"),
    "sec-websocket-protocol": Explanation("subprotocols to choose from", "RFC 6455 §4.1"),
    "sec-websocket-extensions": Explanation(
        "extensions to choose from, such as compression", "RFC 6455 §9.1"
    ),
    "authorization": Explanation("who is asking; page scripts cannot set it", "RFC 9110 §11.6.2"),
    "cookie": Explanation(
        "a browser sends it for any page, so the server must check Origin", "RFC 6455 §10.2"
    ),
    "user-agent": Explanation("which program asks", "RFC 9110 §10.1.5"),
    "content-length": Explanation("the size of a body", "RFC 9110 §8.6"),
}

RESPONSE_FIELDS = {
    "upgrade": Explanation("the protocol that the server offers", "RFC 9110 §7.8"),
    "connection": Explanation("what happens to the connection", "RFC 9110 §7.6.1"),
    "sec-websocket-accept": Explanation(
        "made from the key: whoever sent it has read this request", "RFC 6455 §4.2.2"
    ),
    "sec-websocket-protocol": Explanation("the subprotocol that was chosen", "RFC 6455 §4.2.2"),
    "sec-websocket-extensions": Explanation("the extensions that were chosen", "RFC 6455 §9.1"),
    "sec-websocket-version": Explanation("the versions that the server knows", "RFC 6455 §4.4"),
    "www-authenticate": Explanation("how to prove who is asking", "RFC 9110 §11.6.1"),
    "allow": Explanation("the methods that are allowed", "RFC 9110 §10.2.1"),
    "retry-after": Explanation("when to ask again", "RFC 9110 §10.2.3"),
    "location": Explanation("where to ask instead", "RFC 9110 §10.2.2"),
    "content-type": Explanation("what the body is", "RFC 9110 §8.3"),
    "content-length": Explanation("the size of the body", "RFC 9110 §8.6"),
    "date": Explanation("when it was answered", "RFC 9110 §6.6.1"),
    "server": Explanation("which program answers", "RFC 9110 §10.2.4"),
}

SWITCHED_FIELDS = RESPONSE_FIELDS | {
    "upgrade": Explanation("the protocol that both change to", "RFC 6455 §4.2.2"),
    "connection": Explanation("says that it is this connection that changes", "RFC 6455 §4.2.2"),
}

STATUSES = {
    101: Explanation("yes: after the blank line both sides speak in frames", "RFC 6455 §4.2.2"),
    400: Explanation("no: the request is malformed", "RFC 9110 §15.5.1"),
    401: Explanation("no: the server wants to know who is asking", "RFC 9110 §15.5.2"),
    403: Explanation(
        "no: understood, but not allowed, for instance from that page", "RFC 9110 §15.5.4"
    ),
    404: Explanation("no: there is no such resource", "RFC 9110 §15.5.5"),
    405: Explanation("no: a handshake is a GET", "RFC 9110 §15.5.6"),
    421: Explanation("no: the server does not answer under that Host", "RFC 9110 §15.5.20"),
    426: Explanation("no: this resource requires an upgrade", "RFC 9110 §15.5.22"),
    429: Explanation("no: too often", "RFC 6585 §4"),
    503: Explanation("no: not now", "RFC 9110 §15.6.4"),
}

_REQUIRED_OF_REQUEST = {
    "host": "Host: server.example.com",
    "upgrade": "Upgrade: websocket",
    "connection": "Connection: Upgrade",
    "sec-websocket-key": "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-version": "Sec-WebSocket-Version: 13",
}
_REQUIRED_OF_STATUS = {
    401: {"www-authenticate": "WWW-Authenticate: Bearer"},
    405: {"allow": "Allow: GET"},
    426: {"upgrade": "Upgrade: websocket"},
}
_ONCE = {"host", "sec-websocket-key", "sec-websocket-version", "sec-websocket-accept"}

_Check = Callable[[str], str]


def is_asked_for(raw: bytes) -> bool:
    """Return whether a request asks for a WebSocket, even if it does so incorrectly."""
    fields = _Head(raw).fields
    return "websocket" in _tokens(fields.get("upgrade", "")) or any(
        name.startswith("sec-websocket-") for name in fields
    )


def field_of(raw: bytes, name: str) -> str:
    """Return the value of a header field; empty if there is none.

    Args:
        raw: a request or a response.
        name: the field's name, in any case.
    """
    return _Head(raw).fields.get(name.lower(), "")


def request_lines(raw: bytes) -> tuple[HandshakeLine, ...]:
    """Return the lines of the request, and those that it lacks (RFC 6455 §4.1).

    Args:
        raw: its bytes; a body is ignored.
    """
    head = _Head(raw)
    first = _judged(
        "request line",
        head.first,
        Explanation("the resource; a handshake is a GET", "RFC 6455 §4.1"),
        _request_fault(head.first),
        required=True,
    )
    checks: dict[str, _Check] = {
        "host": lambda value: "" if value else "it is empty",
        "upgrade": _must_have("websocket"),
        "connection": _must_have("upgrade"),
        "sec-websocket-key": _key_fault,
        "sec-websocket-version": lambda value: (
            "" if value == VERSION else f"RFC 6455 is version {VERSION}"
        ),
    }
    return (first, *_field_lines(head, REQUEST_FIELDS, _REQUIRED_OF_REQUEST, checks))


def response_lines(raw: bytes, request: bytes) -> tuple[HandshakeLine, ...]:
    """Return the lines of the response, and those that it lacks (RFC 6455 §4.2.2).

    Args:
        raw: its bytes; a body is ignored.
        request: the bytes of the request that it answers.
    """
    head = _Head(raw)
    asked = _Head(request).fields
    status = status_of(raw)
    required = dict(_REQUIRED_OF_STATUS.get(status, {}))
    checks: dict[str, _Check] = {}
    fault = "" if status else "it has no status"
    if status == 101:
        right = accept_key(asked.get("sec-websocket-key", ""))
        required = {
            "upgrade": "Upgrade: websocket",
            "connection": "Connection: Upgrade",
            "sec-websocket-accept": f"Sec-WebSocket-Accept: {right}",
        }
        checks = {
            "upgrade": _must_have("websocket"),
            "connection": _must_have("upgrade"),
            "sec-websocket-accept": lambda value: (
                "" if value == right else f"the key asks for {right}"
            ),
            "sec-websocket-protocol": _must_be_offered(asked.get("sec-websocket-protocol", "")),
            "sec-websocket-extensions": _must_be_offered(asked.get("sec-websocket-extensions", "")),
        }
        if any(line.is_faulty for line in request_lines(request)):
            fault = "the request is not a complete handshake: it must be refused (RFC 6455 §4.2.1)"
    elif asked.get("sec-websocket-version", VERSION) != VERSION:
        required["sec-websocket-version"] = f"Sec-WebSocket-Version: {VERSION}"
    meaning = STATUSES.get(status, Explanation("no upgrade: the connection stays HTTP"))
    first = _judged("status line", head.first, meaning, fault, required=status == 101)
    purposes = SWITCHED_FIELDS if status == 101 else RESPONSE_FIELDS
    return (first, *_field_lines(head, purposes, required, checks))


def status_of(raw: bytes) -> int:
    """Return the status of a response, or 0 if it has none."""
    word = raw[:16].partition(b" ")[2][:3]
    return int(word) if word.isdigit() and len(word) == 3 else 0


class _Head:
    """The lines of a message up to the blank line, even if they are broken."""

    def __init__(self, raw: bytes) -> None:
        text = raw[:HEAD_MAX].decode("latin-1").lstrip("\r\n")  # RFC 9112 §2.2
        self.first, *rest = (line.removesuffix("\r") for line in text.split("\n"))
        self.ends = "" in rest[:-1]
        self.lines = rest[: rest.index("")] if "" in rest else rest
        self.fields: dict[str, str] = {}  # lines with the same name form one list (RFC 9110 §5.3)
        for line in self.lines:
            name, value = _name(line), line.partition(":")[2].strip()
            if name:
                before = self.fields.get(name)
                self.fields[name] = value if before is None else f"{before}, {value}"


def _name(line: str) -> str:
    name, colon, _ = line.partition(":")
    return name.lower() if colon and name and name.strip() == name else ""


def _field_lines(
    head: _Head,
    purposes: Mapping[str, Explanation],
    required: Mapping[str, str],
    checks: Mapping[str, _Check],
) -> list[HandshakeLine]:
    lines = []
    seen: set[str] = set()
    for text in head.lines:
        name = _name(text)
        fault = ""
        if not name:
            fault = "not a header field, which is a name, a colon and a value (RFC 9112 §5)"
        elif name in seen:
            fault = "more than once, and only one can count" if name in _ONCE else ""
        elif name in checks:
            # A field that may come only once is judged by its first line, a list by all of them.
            value = text.partition(":")[2].strip() if name in _ONCE else head.fields[name]
            fault = checks[name](value)
        seen.add(name)
        purpose = purposes.get(name, Explanation(OTHER))
        lines.append(
            _judged(text.partition(":")[0], text, purpose, fault, required=name in required)
        )
    for name, example in required.items():
        if name not in seen:
            lines.append(
                HandshakeLine(
                    example.partition(":")[0], example, *purposes[name], Conformance.MISSING
                )
            )
    blank = Explanation("the end of the head", "RFC 9112 §2.1")
    if head.ends:
        lines.append(_judged("blank line", "", blank, "", required=True))
    else:
        lines.append(HandshakeLine("blank line", "", *blank, Conformance.MISSING))
    return lines


def _judged(
    name: str, text: str, purpose: Explanation, fault: str, *, required: bool
) -> HandshakeLine:
    verdict = Conformance.WRONG if fault else Conformance.RIGHT if required else Conformance.FREE
    return HandshakeLine(name, text, *purpose, verdict, fault)


def _request_fault(line: str) -> str:
    method, _, rest = line.partition(" ")
    version = rest.rpartition(" ")[2]
    if method != "GET":
        return "the method must be GET"
    if not version.startswith("HTTP/"):
        return "it does not end with the HTTP version"
    return "HTTP must be at least 1.1" if version in ("HTTP/0.9", "HTTP/1.0") else ""


def _key_fault(value: str) -> str:
    nonce = key_bytes(value)
    if nonce is None:
        return "not Base64"
    return (
        "" if len(nonce) == KEY_BYTES else f"stands for {byte_count(len(nonce))}, not {KEY_BYTES}"
    )


def _must_have(token: str) -> _Check:
    return lambda value: "" if token in _tokens(value) else f"does not name {token}"


def _must_be_offered(offer: str) -> _Check:
    offered = _tokens(offer)
    return lambda value: "" if _tokens(value) <= offered else "this was not offered"


def _tokens(value: str) -> set[str]:
    """Return the names in a list, without their parameters."""
    return {each.partition(";")[0].strip().lower() for each in value.split(",")} - {""}
