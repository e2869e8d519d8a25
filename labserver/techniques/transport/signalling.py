"""Signalling: how two members of a room come to know each other's address.

WebRTC leaves it open how two peers exchange what they need to connect (RFC 8829 §1.1); here
they send each other *signals* through the server, one JSON object each:

    {"type": "offer" | "answer" | "candidate" | "bye", "to": USER, "data": …}

The server adds `"from": USER`, and `"session"`: which of that user's connections it was. A
signal goes to all connections of its recipient in the room (a user may have several tabs),
or, with a `"session"` of its own, to that one alone: so an answer carries the session that
the offer came with. What is in `data` is for the two to know, and passed on as it is. Who
goes away without a bye has one said in their name, to everyone they had talked with.

Nothing here touches a socket: a member is a function that sends.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from labserver.errors import Refused

HUB = "@hub"  # the server as a member of each room; no user can be called that
TYPES = ("offer", "answer", "candidate", "bye")

Send = Callable[[bytes], None]
T = TypeVar("T")


class Signal(msgspec.Struct, frozen=True, omit_defaults=True, rename={"sender": "from"}):
    """What one member says to another.

    Attributes:
        type: one of TYPES; from the server also ERROR.
        sender: the user who says it.
        to: the user who is to hear it.
        session: the connection meant; in what is received, the one it came from.
        data: for the recipient.
    """

    type: str
    sender: str | None = None
    to: str | None = None
    session: str | None = None
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_encoder = msgspec.json.Encoder()
_signal = msgspec.json.Decoder(Signal)


def decode(text: str | bytes) -> Signal:
    """Decode a signal from the server.

    Raises:
        msgspec.DecodeError: if it is none.
    """
    return _signal.decode(text)


def decode_said(text: str) -> Signal:
    """Decode and check a signal from a client.

    Raises:
        Refused: `bad_json`, `bad_event` or `unknown_type` (400).
    """
    try:
        signal = _signal.decode(text)
    except msgspec.ValidationError as error:
        raise Refused(400, "bad_event", f"The signal is not as agreed: {error}.") from None
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise Refused(400, "bad_json", f"Send one JSON object: {error}.") from None
    if signal.type not in TYPES:
        raise Refused(400, "unknown_type", f"Send type {', '.join(TYPES)}.")
    if signal.to is None:
        raise Refused(400, "bad_event", "Say who is to hear it: give to.")
    return signal


def encode(type: str, data: Any, *, sender: str | None = None, to: str | None = None) -> bytes:
    """A signal as JSON."""
    raw = msgspec.Raw(_encoder.encode(data))
    return _encoder.encode(Signal(type, sender=sender, to=to, data=raw))


def read(signal: Signal, kind: type[T]) -> T:
    """What is in a signal's data.

    Raises:
        Refused: `bad_event` (400).
    """
    raw = b"{}" if isinstance(signal.data, msgspec.UnsetType) else bytes(signal.data)
    try:
        return msgspec.json.decode(b"{}" if raw == b"null" else raw, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refused(400, "bad_event", f"The {signal.type} is not as agreed: {error}.") from None


@dataclass(slots=True, eq=False)
class Member:
    """One connection of a user in a room.

    Attributes:
        user, room: who, and where.
        send: takes a signal as JSON; must neither raise nor block.
        session: its name among the user's connections.
        talked_with: the members that a signal went to or came from.
    """

    user: str
    room: str
    send: Send
    session: str = field(default_factory=lambda: secrets.token_hex(4))
    talked_with: set[Member] = field(default_factory=set)


class Switchboard:
    """Who is there, and passing on what they say."""

    def __init__(self) -> None:
        self._members: dict[tuple[str, str], set[Member]] = {}

    def join(self, user: str, room: str, send: Send) -> Member:
        """Count a connection in. Who calls this calls `leave`."""
        member = Member(user, room, send)
        self._members.setdefault((room, user), set()).add(member)
        return member

    def leave(self, member: Member) -> None:
        """Count a connection out, and say good-bye in its name."""
        mine = self._members[member.room, member.user]
        mine.remove(member)
        if not mine:
            del self._members[member.room, member.user]
        bye = _encoder.encode(Signal("bye", sender=member.user, session=member.session))
        for other in member.talked_with:
            other.talked_with.discard(member)
            other.send(bye)

    def relay(self, member: Member, signal: Signal) -> None:
        """Pass on what `member` says.

        Raises:
            Refused: `no_such_member` (404).
        """
        found = [
            other
            for other in self._members.get((member.room, signal.to or ""), ())
            if other is not member and signal.session in (None, other.session)
        ]
        if not found:
            raise Refused(404, "no_such_member", "Nobody of that name is here: see who is online.")
        passed_on = _encoder.encode(
            Signal(signal.type, member.user, signal.to, member.session, signal.data)
        )
        for other in found:
            if signal.type == "bye":
                member.talked_with.discard(other)
                other.talked_with.discard(member)
            else:
                member.talked_with.add(other)
                other.talked_with.add(member)
            other.send(passed_on)
