"""What every technique offers: a server for the chat, and a connector for a client.

A technique is a module with the two functions of `Technique`. Reconnecting, resuming and dropping
duplicates are the same for all techniques and live in reconnecting_client.py; a technique only
says how one connection is opened, read and written to.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from labserver.chat.events import Event
from labserver.chat.guard import Guard
from labserver.chat.hub import Hub
from labserver.errors import LabError


@dataclass(frozen=True, slots=True)
class Chat:
    """What a server serves: the conversation, to whom, and over what.

    Attributes:
        hub: the conversation.
        guard: decides who may take part in it.
        tls: what the server proves its identity with; None for plain TCP.
        http2: whether to serve it over HTTP/2, as the techniques in `techniques.OVER_HTTP2` can.
    """

    hub: Hub
    guard: Guard
    tls: ssl.SSLContext | None = None
    http2: bool = False


def _trust_nobody() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a client connects, and as whom.

    Attributes:
        url: the server's URL, `http://HOST:PORT` or `https://HOST:PORT`.
        token: a JWT.
        room: a room's name.
        session: the client's own name for itself, new for each client.
        trust: what a server is verified against over TLS, for this client only; by default no
            server is trusted.
        http2: whether the server is known to speak HTTP/2.
        headers: what the client says about itself in each HTTP request, as another program would;
            None for what its library says.
    """

    url: str
    token: str
    room: str
    session: str
    trust: ssl.SSLContext = field(default_factory=_trust_nobody)
    http2: bool = False
    headers: Mapping[str, str] | None = None


@dataclass(slots=True)
class Counters:
    """What a client has done so far.

    Attributes:
        requests: HTTP requests; a WebSocket handshake is one.
        sent: events sent.
        received: events received.
        payload_sent, payload_received: bytes of event JSON, without headers or framing.
    """

    requests: int = 0
    sent: int = 0
    received: int = 0
    payload_sent: int = 0
    payload_received: int = 0


@dataclass(frozen=True, slots=True)
class Received:
    """What a client has received: an event, or only the cursor to resume from.

    Attributes:
        cursor: where to resume from once this has been taken; None if that has not changed.
        event: the event; None if only the cursor has moved.
    """

    cursor: str | None
    event: Event | None = None


class ConnectionLost(LabError):
    """The connection ended, or could not be made; trying again may help.

    Args:
        reason: what happened, for a person.
        code: the WebSocket close code or HTTP status, if there was one.
    """

    def __init__(self, reason: str, code: int | None = None) -> None:
        super().__init__(reason)
        self.code = code


def unreachable(what: str, error: BaseException) -> ConnectionLost:
    """Return the `ConnectionLost` for a library's error, in words for a person.

    Args:
        what: what is missing, such as "no connection".
        error: the library's error; if it hides one that says more, that one is described.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return ConnectionLost(
                f"{what}: the server's certificate is not trusted ({cause.verify_message});"
                " verify it against the lab's own authority, server.ca_pem"
            )
        cause = cause.__cause__ or cause.__context__
    return ConnectionLost(f"{what}: {str(error) or type(error).__name__}")


class Connector(Protocol):
    """Connects one client to a server over one technique, as often as it is asked to."""

    counters: Counters

    def listen(self, cursor: str | None) -> AsyncGenerator[Received, None]:
        """Connect, and yield what is received; the first item says that the connection is open.

        An item counts as taken when the next one is asked for; a direct message is acknowledged
        then. Closing the generator drops the connection without a closing handshake.

        Args:
            cursor: the cursor to resume after; None to begin with what comes from now on.

        Raises:
            ConnectionLost: when the connection ends.
            Refused: if the server does not accept this client.
        """

    async def post(self, raw: bytes, message_id: str | None) -> Event | None:
        """Send one event while `listen` runs.

        Args:
            raw: the event as JSON.
            message_id: its id, if it has one; then the answer is waited for.

        Returns:
            The answer, ACK or ERROR (over HTTP every event has one); None if none is due.

        Raises:
            ConnectionLost: if it is not known whether the event has arrived.
        """

    async def close(self) -> None:
        """Close the connection as the technique does it; `listen` then ends by itself."""


class Technique(Protocol):
    """What the module of a technique holds."""

    def serve(self, chat: Chat, listening: socket.socket) -> AbstractAsyncContextManager[None]:
        """Serve `chat` on a bound socket; at the end of the block, end all streams and close it."""

    def connector(self, address: Address) -> Connector:
        """Return what connects a client to such a server."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, independent of the framework that sends it."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
