"""What the exercises' functions return where one value is not enough, or are given as one."""

from __future__ import annotations

from typing import NamedTuple


class PollCost(NamedTuple):
    """What short polling costs.

    Attributes:
        rps: requests a second that the server gets.
        bytes_per_s: of headers, that all clients together cause.
        mean_delay_s: how old an event is on average when its client has it.
        worst_delay_s: how old it can be.
    """

    rps: float
    bytes_per_s: float
    mean_delay_s: float
    worst_delay_s: float


class CloseReply(NamedTuple):
    """How an endpoint takes a close frame.

    Attributes:
        code_seen: what the application is told.
        send: the payload of the close frame that goes back.
        fail: the code that the connection fails with; None: it closes as it should.
    """

    code_seen: int
    send: bytes
    fail: int | None


class Response(NamedTuple):
    """The head of an HTTP answer.

    Attributes:
        status: such as 101.
        headers: name → value.
    """

    status: int
    headers: dict[str, str]


class Overhead(NamedTuple):
    """What messages take over HTTP and over a WebSocket.

    Attributes:
        http: bytes of all messages, each in a request or an answer of its own.
        up: bytes over a WebSocket, from client to server.
        down: bytes over a WebSocket, from server to client.
        holds_to: the largest payload at which HTTP still takes the given times the bytes of
            `down`; None: there is none.
    """

    http: int
    up: int
    down: int
    holds_to: int | None


class Req(NamedTuple):
    """What an application needs; the page of a browser is the client.

    Attributes:
        max_age_s: how old news may be when it arrives, seconds.
        c2s_rate_hz: how often a client says something, times a second.
        text_only: False: bytes have to go through as well.
        peer_media: audio, video or bulk data between two users' devices.
        tabs: how many of a user's tabs listen at once, each for itself.
        http2: server and proxies speak HTTP/2 to the browser; False: HTTP/1.1.
        upgrade_passes: every proxy on the way passes `Upgrade`.
        streams_pass: no proxy on the way holds a response back until it is complete.
        auth_header: the server takes the token from a header of the page's own request only.
        can_hold: the server can keep a request or a connection open.
    """

    max_age_s: float = 1.0
    c2s_rate_hz: float = 0.0
    text_only: bool = True
    peer_media: bool = False
    tabs: int = 1
    http2: bool = True
    upgrade_passes: bool = True
    streams_pass: bool = True
    auth_header: bool = False
    can_hold: bool = True


class Choice(NamedTuple):
    """A technique for some requirements.

    Attributes:
        technique: "short_polling", "long_polling", "sse", "websocket" or "webrtc".
        reasons: what decided, such as `{"BINARY"}`.
    """

    technique: str
    reasons: set[str]
