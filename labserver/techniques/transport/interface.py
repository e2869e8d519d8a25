"""What every technique offers: a server for the chat, and a wire for a client.

A technique is a module with the two functions of `Technique`. Reconnecting, resuming and
dropping doubles are the same for all of them and live in client.py; a technique only says
how one connection is opened, read and spoken to.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from labserver.chat.auth import Guard
from labserver.chat.events import Event
from labserver.chat.hub import Hub
from labserver.errors import LabError


@dataclass(frozen=True, slots=True)
class Chat:
    """What a server serves: the conversation, to whom, and in which wrapping.

    Attributes:
        hub: the conversation.
        guard: who may take part in it.
        tls: what the server proves itself with; None: plain TCP.
        http2: over HTTP/2; only the techniques in `techniques.OVER_HTTP2` know it.
    """

    hub: Hub
    guard: Guard
    tls: ssl.SSLContext | None = None
    http2: bool = False


def _nobody() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a client connects, and as whom.

    Attributes:
        url: the server's, `http://HOST:PORT` or `https://HOST:PORT`.
        token: a JWT.
        room: a room's name.
        session: the client's own name for itself, new for each client.
        trust: what the server is verified with over TLS, for this client alone; by default
            none is trusted.
        http2: whether the server is known to speak HTTP/2.
        headers: what the client says of itself in each HTTP request, as another program would;
            None: what its library says.
    """

    url: str
    token: str
    room: str
    session: str
    trust: ssl.SSLContext = field(default_factory=_nobody)
    http2: bool = False
    headers: Mapping[str, str] | None = None


@dataclass(slots=True)
class Counters:
    """What a client has done so far.

    Attributes:
        requests: HTTP requests, a WebSocket's handshake being one.
        sent: events sent.
        received: events received.
        payload_sent, payload_received: bytes of event JSON, without any header or framing.
    """

    requests: int = 0
    sent: int = 0
    received: int = 0
    payload_sent: int = 0
    payload_received: int = 0


@dataclass(frozen=True, slots=True)
class Received:
    """What came over the wire: an event, or only the cursor to resume from.

    Attributes:
        cursor: where to resume from once this has been taken; None: as before.
        event: what was said; None where only the cursor moved.
    """

    cursor: str | None
    event: Event | None = None


class ConnectionLost(LabError):
    """The connection ended, or did not come about; trying again may help.

    Args:
        reason: what happened, for a person.
        code: the WebSocket close code or HTTP status, where there was one.
    """

    def __init__(self, reason: str, code: int | None = None) -> None:
        super().__init__(reason)
        self.code = code


def unreachable(what: str, error: BaseException) -> ConnectionLost:
    """The `ConnectionLost` for an error of a library, in words for a person.

    Args:
        what: did not come about, such as "no connection".
        error: the library's; where one that it hides says more, that is told.
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


class Wire(Protocol):
    """One client's way to the server, over one technique."""

    counters: Counters

    def listen(self, cursor: str | None) -> AsyncGenerator[Received, None]:
        """Connect, and yield what is heard; the first item says that the connection is open.

        An item counts as taken when the next one is asked for: then a direct message is
        acknowledged. Closing the generator drops the connection without ceremony.

        Args:
            cursor: resume after it; None: from now on.

        Raises:
            ConnectionLost: when the connection ends.
            Refused: if the server will not have this client.
        """

    async def post(self, raw: bytes, message_id: str | None) -> Event | None:
        """Send one event while `listen` runs.

        Args:
            raw: the event as JSON.
            message_id: its id, where it has one: then the answer is waited for.

        Returns:
            The answer, ACK or ERROR (over HTTP every event has one); None where none is due.

        Raises:
            ConnectionLost: if it is not known whether the event has arrived.
        """

    async def close(self) -> None:
        """Say good-bye as the technique has it; `listen` ends by itself after that."""


class Technique(Protocol):
    """The module of a technique."""

    def serve(self, chat: Chat, listening: socket.socket) -> AbstractAsyncContextManager[None]:
        """Serve `chat` on a bound socket; on leaving, end all streams and close it."""

    def wire(self, address: Address) -> Wire:
        """A client's way to such a server."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer that is the same in every framework."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
