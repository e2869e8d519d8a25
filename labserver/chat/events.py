"""The event types of the chat: checked when they come in, encoded once when they go out.

An event is one JSON object, `{"type": …, "data": {…}}`, the same with every technique. What a
client sends is decoded into one of four small types. What the server sends is an `Event`, and
travels as an `Envelope`: the event together with its JSON, so that a room of a thousand costs one
encoding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from labserver.chat.names import check_name
from labserver.errors import Refused

CONTENT_MAX = 4096  # characters; about what Slack and Discord allow
ID_MAX = 128  # characters of a client-made id: a UUID is 36
EVENT_MAX = (
    64 * 1024
)  # bytes of one event as JSON, so that 4,096 characters fit, even as 12-byte escapes


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a server sends, and what a client's `receive()` returns.

    Attributes:
        type: its type, such as CHAT_MESSAGE.
        data: what belongs to that type.
        offset: its offset in the room's log; None for an event that is not kept.
        room: the room whose log it is in.
        ts: when it was sent, ISO 8601 in UTC.
    """

    type: str
    data: dict[str, Any] = {}
    offset: int | None = None
    room: str | None = None
    ts: str | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """An event on its way out, encoded once.

    Attributes:
        event: the event.
        json: the event as JSON in UTF-8.
        recipient: the only user who may see it; None for everyone in the room.
        mail: its number in the recipient's mailbox, if it is a direct message.
    """

    event: Event
    json: bytes
    recipient: str | None = None
    mail: int | None = None

    def visible_to(self, user: str) -> bool:
        """Return whether `user` may see it."""
        return self.recipient is None or self.recipient == user


class ChatMessage(msgspec.Struct, frozen=True, rename="camel"):
    """A message to the room, or to one user."""

    content: Annotated[str, msgspec.Meta(min_length=1, max_length=CONTENT_MAX)]
    recipient_id: str | None = None
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=ID_MAX)] | None = None


class Typing(msgspec.Struct, frozen=True):
    """The user has begun (`started`) or stopped typing."""

    started: bool


class Ping(msgspec.Struct, frozen=True):
    """A question that is answered by PONG."""


class Receipt(msgspec.Struct, frozen=True):
    """Everything up to `offset` has arrived (a client's ACK)."""

    offset: Annotated[int, msgspec.Meta(ge=0)]


ClientEvent = ChatMessage | Typing | Ping | Receipt


class _ClientEventJson(msgspec.Struct, frozen=True):
    type: str
    data: msgspec.Raw = msgspec.Raw(b"{}")


class _OutlineData(msgspec.Struct, frozen=True):
    id: str | None = None


class _Outline(msgspec.Struct, frozen=True):
    data: _OutlineData


_outline = msgspec.json.Decoder(_Outline)
_client_event = msgspec.json.Decoder(_ClientEventJson)
_message = msgspec.json.Decoder(ChatMessage)
_receipt = msgspec.json.Decoder(Receipt)
_event = msgspec.json.Decoder(Event)
_encoder = msgspec.json.Encoder()

TYPING = {"TYPING_START": True, "TYPING_STOP": False}


def decode_client_event(raw: bytes | str) -> ClientEvent:
    """Decode one event from a client.

    Args:
        raw: the JSON text.

    Raises:
        Refused: `too_large` (413, close 1009), `bad_json` (400), `bad_event` (400: a key is
            missing or its value is not valid), `unknown_type` (400) or `bad_name` (400).
    """
    # To str, because msgspec does not check that bytes are UTF-8, and back, because a str with a
    # lone surrogate cannot be encoded.
    try:
        text = raw.decode() if isinstance(raw, bytes) else raw
        utf8 = text.encode()
    except UnicodeError:
        raise Refused(400, "bad_json", "Send the event as UTF-8.") from None
    if len(utf8) > EVENT_MAX:
        raise Refused(
            413,
            "too_large",
            f"The event has {len(utf8):,} bytes; send at most {EVENT_MAX:,}.",
            close_code=1009,
        )
    try:
        return _decode(utf8)
    except msgspec.ValidationError as error:
        # msgspec stops at the first thing that does not fit: is the rest JSON at all?
        if _is_json(utf8):
            raise Refused(400, "bad_event", f"The event is not valid: {error}.") from None
        raise Refused(400, "bad_json", "Send one JSON object.") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refused(400, "bad_json", f"Send one JSON object: {error}.") from None


def _is_json(utf8: bytes) -> bool:
    try:
        msgspec.json.decode(utf8)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _decode(utf8: bytes) -> ClientEvent:
    encoded = _client_event.decode(utf8)
    data = b"{}" if bytes(encoded.data) == b"null" else encoded.data
    if encoded.type == "CHAT_MESSAGE":
        message = _message.decode(data)
        if message.recipient_id is not None:
            check_name(message.recipient_id, "recipientId")
        _check_scalars(message.content)
        _check_scalars(message.id or "")
        return message
    if encoded.type in TYPING:
        return Typing(started=TYPING[encoded.type])
    if encoded.type == "PING":
        return Ping()
    if encoded.type == "ACK":
        return _receipt.decode(data)
    raise Refused(
        400,
        "unknown_type",
        "Send type CHAT_MESSAGE, TYPING_START, TYPING_STOP, PING or ACK.",
    )


def _check_scalars(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Refused(
            400, "bad_json", "The text has a lone surrogate: send whole characters."
        ) from None


def decode_event(raw: bytes | str) -> Event:
    """Decode one event from a server.

    Raises:
        msgspec.DecodeError: if it is not an event.
    """
    return _event.decode(raw)


def envelope(event: Event, recipient: str | None = None, mail: int | None = None) -> Envelope:
    """Encode `event` for sending."""
    return Envelope(event, _encoder.encode(event), recipient, mail)


PONG = envelope(Event("PONG"))


def hello(cursor: str) -> Envelope:
    """Return the HELLO: where a stream begins; for a client that asked for it with `hello=1`."""
    return envelope(Event("HELLO", {"cursor": cursor}))


def ack(message_id: str, offset: int, status: str) -> Envelope:
    """Return the answer to a message; `status` is `delivered`, `queued` or `duplicate`."""
    return envelope(Event("ACK", {"id": message_id, "offset": offset, "status": status}))


def error(refused: Refused, message_id: str | None = None) -> Envelope:
    """Return the answer to an event that was not accepted."""
    data: dict[str, Any] = {"code": refused.code, "message": refused.message}
    if message_id is not None:
        data["id"] = message_id
    if refused.retry_after_s is not None:
        data["retryAfter"] = round(refused.retry_after_s, 3)
    return envelope(Event("ERROR", data))


def reset(epoch: str, oldest: int, newest: int, room: str) -> Envelope:
    """Return the RESET: what was missed cannot be had.

    Args:
        epoch: the log's epoch.
        oldest: the oldest offset that the log has.
        newest: the offset after which reading goes on.
        room: the room.
    """
    data = {"epoch": epoch, "oldest": oldest, "newest": newest}
    return envelope(Event("RESET", data, room=room))


def presence(user: str, online: bool) -> Envelope:
    """Return the notice that a user came online or went offline."""
    return envelope(
        Event("PRESENCE", {"userId": user, "status": "online" if online else "offline"})
    )


def typing(user: str, started: bool) -> Envelope:
    """Return the notice that a user began or stopped typing."""
    return envelope(Event("TYPING_START" if started else "TYPING_STOP", {"userId": user}))


def client_event_id(raw: bytes | str) -> str | None:
    """Return the client's id in an event that was refused; None if it cannot be read."""
    try:
        return _outline.decode(raw).data.id
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
