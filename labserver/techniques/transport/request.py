"""What every server reads from an HTTP request, and what it answers if it refuses the request.

It is the same for Tornado, Starlette and websockets: they hand over the request target and a way
to look up a header, and get a user, a room and a cursor, or a `Refused`.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from labserver.chat import events
from labserver.chat.events import EVENT_MAX, Event
from labserver.chat.log import Cursor
from labserver.chat.names import check_name
from labserver.errors import Refused
from labserver.techniques.transport.interface import Answer, Chat, ConnectionLost

JSON = "application/json"
FIELDS_MAX = 20  # query parameters; seven are known

CORS_ANSWER = {
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-None-Match, Last-Event-ID",
    "Access-Control-Max-Age": "600",
    # Chromium asks before a page of the public web may reach loopback (Private Network Access).
    "Access-Control-Allow-Private-Network": "true",
}


class Request:
    """One HTTP request to a chat server.

    Args:
        target: the request target, path and query.
        header: looks up a header field by its name; None if it is missing.

    Raises:
        Refused: `bad_query` (400).
    """

    def __init__(self, target: str, header: Callable[[str], str | None]) -> None:
        self.header = header
        try:
            split = urlsplit(target)
            self.path = split.path
            self._query = parse_qs(split.query, keep_blank_values=True, max_num_fields=FIELDS_MAX)
        except ValueError:
            raise Refused(
                400, "bad_query", f"Send a URL with at most {FIELDS_MAX} query parameters."
            ) from None

    def query(self, name: str) -> str | None:
        """Return the first value of a query parameter; None if it is missing or empty."""
        return self._query.get(name, [""])[0] or None

    def check_browser(self, chat: Chat) -> None:
        """Refuse a foreign Host (421) and a foreign Origin (403)."""
        secure = chat.tls is not None
        chat.guard.check_browser(self.header("Host"), self.header("Origin"), secure)

    def user(self, chat: Chat) -> str:
        """Return the user who sends the request.

        Raises:
            Refused: 421, 403 or 401, in this order.
        """
        return chat.guard.admit(
            host=self.header("Host"),
            origin=self.header("Origin"),
            authorization=self.header("Authorization"),
            token=self.query("token"),
            ticket=self.query("ticket"),
            secure=chat.tls is not None,
        )

    @property
    def room(self) -> str:
        """The room, `lobby` by default; a valid name."""
        return check_name(self.query("room") or "lobby", "room")

    @property
    def after(self) -> Cursor | None:
        """The reader's cursor; `Last-Event-ID` takes precedence over `after`, as it is newer."""
        text = self.header("Last-Event-ID") or self.query("after")
        return None if text is None else Cursor.parse(text)

    @property
    def session(self) -> str:
        """The client's own name for itself; may be empty."""
        session = self.query("session")
        return "" if session is None else check_name(session, "session")

    @property
    def hello(self) -> bool:
        """Whether the client wants to be sent the cursor that it starts from."""
        return self.query("hello") == "1"

    def cors(self) -> dict[str, str]:
        """Return headers that let a page of this origin, which was checked, read the answer."""
        origin = self.header("Origin")
        if origin is None:
            return {}
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": "ETag, Retry-After, WWW-Authenticate",
            "Vary": "Origin",
        }

    def ticket(self, chat: Chat) -> Answer:
        """Answer `POST /tickets`: a one-use ticket for the bearer of a token."""
        self.check_browser(chat)
        ticket = chat.guard.issue_ticket(self.header("Authorization"))
        return Answer(
            201, b'{"ticket":"%s"}' % ticket.encode(), {**self.cors(), "Content-Type": JSON}
        )

    def preflight(self, chat: Chat) -> Answer:
        """Answer `OPTIONS` (WHATWG Fetch, CORS-preflight request)."""
        self.check_browser(chat)
        return Answer(204, b"", {**self.cors(), **CORS_ANSWER})


DELIVERED = events.envelope(Event("ACK", {"status": "delivered"}))  # to an event without an id
HEALTHY = Answer(200, b"ok\n", {"Content-Type": "text/plain"})
NOT_FOUND = Refused(404, "not_found", "Nothing is here; see the endpoints in the README.")


def too_large() -> Refused:
    """Return the answer to a body that is larger than an event may be.

    It is made anew each time: an exception that is raised again keeps every frame it has passed.
    """
    return Refused(413, "too_large", f"Send one event of at most {EVENT_MAX:,} bytes.")


def refusal(refused: Refused, request: Request | None = None) -> Answer:
    """Return the HTTP answer to a request that is refused: an ERROR event as its body.

    A page of a foreign origin may not read why (no CORS headers with 403 and 421).
    """
    headers = {**refused.headers, "Content-Type": JSON}
    if request is not None and refused.status not in (403, 421):
        headers |= request.cors()
    return Answer(refused.status, events.error(refused).json, headers)


def refused_by(status: int, body: bytes) -> Exception:
    """Return what a client raises for an HTTP answer that is an error.

    Returns:
        A `Refused` if asking again in the same way is of no use (4xx, but not 408, 425 and 429),
        otherwise a `ConnectionLost`.
    """
    try:
        data = events.decode_event(body).data
        code, message = str(data["code"]), str(data["message"])
    except (ValueError, KeyError):
        code, message = "http_error", f"The server answered {status}."
    if 400 <= status < 500 and status not in (408, 425, 429):
        return Refused(status, code, message)
    return ConnectionLost(message, status)
