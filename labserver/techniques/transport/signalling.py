"""Signalling: how two participants of a room learn each other's addresses.

WebRTC leaves open how two peers exchange what they need in order to connect (RFC 8829 §1.1). Here
they send each other *signals* through the server, one JSON object each:

    {"type": "offer" | "answer" | "candidate" | "bye", "to": USER, "data": …}

The server adds `"from": USER`, and `"session"`, which says which of that user's connections sent
it. A signal goes to all connections of its recipient in the room (a user may have several tabs)
or, if it has a `"session"` itself, to that one alone; so an answer carries the session that the
offer came with. The `data` is passed on unchanged. If a participant leaves without a bye, the
server sends one in their name to everyone they have exchanged signals with.

Nothing here touches a socket: a participant is a function that sends.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from labserver.errors import Refused

HUB = "@hub"  # the server as a participant of each room; no user can have that name
TYPES = ("offer", "answer", "candidate", "bye")

Send = Callable[[bytes], None]
T = TypeVar("T")


class Signal(msgspec.Struct, frozen=True, omit_defaults=True, rename={"sender": "from"}):
    """What one participant sends to another.

    Attributes:
        type: one of `TYPES`; the server also sends ERROR.
        sender: the user who sends it, `from` in JSON.
        to: the user who is to receive it.
        session: the connection that is to receive it; in a received signal, the one that sent it.
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
        msgspec.DecodeError: if it is not a signal.
    """
    return _signal.decode(text)


def decode_client_signal(text: str) -> Signal:
    """Decode and check a signal from a client.

    Raises:
        Refused: `bad_json`, `bad_event` or `unknown_type` (400).
    """
    try:
        signal = _signal.decode(text)
    except msgspec.ValidationError as error:
        raise Refused(400, "bad_event", f"The signal is not valid: {error}.") from None
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise Refused(400, "bad_json", f"Send one JSON object: {error}.") from None
    if signal.type not in TYPES:
        raise Refused(400, "unknown_type", f"Send type {', '.join(TYPES)}.")
    if signal.to is None:
        raise Refused(400, "bad_event", "Set `to` to the name of the recipient.")
    return signal


def encode(type: str, data: Any, *, sender: str | None = None, to: str | None = None) -> bytes:
    """Encode a signal as JSON."""
    raw = msgspec.Raw(_encoder.encode(data))
    return _encoder.encode(Signal(type, sender=sender, to=to, data=raw))


def read(signal: Signal, kind: type[T]) -> T:
    """Decode a signal's data as a `kind`.

    Raises:
        Refused: `bad_event` (400).
    """
    raw = b"{}" if isinstance(signal.data, msgspec.UnsetType) else bytes(signal.data)
    try:
        return msgspec.json.decode(b"{}" if raw == b"null" else raw, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refused(400, "bad_event", f"The {signal.type} is not valid: {error}.") from None


class OfferData(msgspec.Struct, frozen=True):
    """What `@hub` reads from the data of an offer."""

    sdp: str
    type: str = "offer"
    after: str | int | None = None
    hello: bool = False


class ErrorData(msgspec.Struct, frozen=True):
    """The data of an ERROR."""

    code: str
    message: str


class ByeData(msgspec.Struct, frozen=True, omit_defaults=True):
    """What `@hub` says in the data of its bye."""

    reason: str = "closed"
    code: int | None = None


@dataclass(slots=True, eq=False)
class Participant:
    """One connection of a user in a room.

    Attributes:
        user, room: the user, and the room.
        send: takes a signal as JSON; must neither raise nor block.
        session: its name among the user's connections.
        partners: the participants that it has sent a signal to, or received one from.
    """

    user: str
    room: str
    send: Send
    session: str = field(default_factory=lambda: secrets.token_hex(4))
    partners: set[Participant] = field(default_factory=set)


class Switchboard:
    """Knows the participants of all rooms, and passes on what they send."""

    def __init__(self) -> None:
        self._participants: dict[tuple[str, str], set[Participant]] = {}

    def join(self, user: str, room: str, send: Send) -> Participant:
        """Add a connection; the caller must call `leave` when it ends.

        Args:
            user, room: the user, and the room.
            send: takes a signal as JSON; must neither raise nor block.
        """
        participant = Participant(user, room, send)
        self._participants.setdefault((room, user), set()).add(participant)
        return participant

    def leave(self, participant: Participant) -> None:
        """Remove a connection, and send a bye in its name."""
        mine = self._participants[participant.room, participant.user]
        mine.remove(participant)
        if not mine:
            del self._participants[participant.room, participant.user]
        bye = _encoder.encode(Signal("bye", sender=participant.user, session=participant.session))
        for other in participant.partners:
            other.partners.discard(participant)
            other.send(bye)

    def relay(self, participant: Participant, signal: Signal) -> None:
        """Pass on a signal that `participant` sends.

        Raises:
            Refused: `no_such_member` (404).
        """
        found = [
            other
            for other in self._participants.get((participant.room, signal.to or ""), ())
            if other is not participant and signal.session in (None, other.session)
        ]
        if not found:
            raise Refused(404, "no_such_member", "Nobody of that name is in this room.")
        passed_on = _encoder.encode(
            Signal(signal.type, participant.user, signal.to, participant.session, signal.data)
        )
        for other in found:
            if signal.type == "bye":
                participant.partners.discard(other)
                other.partners.discard(participant)
            else:
                participant.partners.add(other)
                other.partners.add(participant)
            other.send(passed_on)
