"""What the functions of exercises take or return where one plain value is not enough."""

from __future__ import annotations

from typing import NamedTuple


class PollCost(NamedTuple):
    """What short polling costs.

    Attributes:
        rps: requests per second at the server.
        bytes_per_s: bytes of headers per second, of all clients together.
        mean_delay_s: how old an event is on average when its client receives it, seconds.
        worst_delay_s: how old it can be at most, seconds.
    """

    rps: float
    bytes_per_s: float
    mean_delay_s: float
    worst_delay_s: float


class CloseReply(NamedTuple):
    """How an endpoint handles a close frame.

    Attributes:
        code_seen: the code that the application is told.
        send: the payload of the close frame that goes back.
        fail: the code that the connection fails with; None if it closes normally.
    """

    code_seen: int
    send: bytes
    fail: int | None


class Response(NamedTuple):
    """The head of an HTTP response.

    Attributes:
        status: the status code, such as 101.
        headers: the values by name.
    """

    status: int
    headers: dict[str, str]


class Overhead(NamedTuple):
    """How many bytes messages take over HTTP and over a WebSocket.

    Attributes:
        http: bytes of all messages, each in its own request or response.
        up: bytes over a WebSocket, from client to server.
        down: bytes over a WebSocket, from server to client.
        holds_to: the largest payload at which HTTP still takes `ratio` times the bytes of `down`;
            None if there is none.
    """

    http: int
    up: int
    down: int
    holds_to: int | None


class Req(NamedTuple):
    """What an application needs; its client is a page in a browser.

    Attributes:
        max_age_s: how old news may be when it arrives, seconds.
        c2s_rate_hz: how many messages a client sends per second.
        text_only: whether all messages are text; if not, bytes must get through as well.
        peer_media: whether audio, video or bulk data goes between two users' devices.
        tabs: how many of a user's tabs listen at once, each by itself.
        http2: whether server and proxies speak HTTP/2 to the browser, rather than HTTP/1.1.
        upgrade_passes: whether every proxy on the way passes `Upgrade`.
        streams_pass: whether every proxy on the way passes a response on before it is complete.
        auth_header: whether the server accepts a token only in a header of the page's own request.
        can_hold: whether the server can keep a request or a connection open.
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
        reasons: the reasons that decide, such as `{"BINARY"}`.
    """

    technique: str
    reasons: set[str]
