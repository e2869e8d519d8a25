"""Requests and responses of a connection, as a relay sees them pass."""

from __future__ import annotations

from labserver.wire.message import Kind
from tests.wire.conversations import CONVERSATIONS, DOWN, SWITCHED, UP, UPGRADE, Said, decoded

GET = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def summaries(said: Said) -> list[str]:
    return [message.summary for message in decoded(said)]


def errors(said: Said) -> list[str]:
    return [message.error for message in decoded(said) if message.error]


def test_requests_and_responses_on_a_kept_connection() -> None:
    assert summaries(CONVERSATIONS["keep-alive"]) == [
        "GET /messages?after=1-0",
        "200 OK, 5 bytes",
        "POST /messages, 2 bytes",
        "202 Accepted, 11 bytes",
        "GET /",
        "204 No Content",
    ]


def test_a_pipelined_request_is_seen_when_it_is_sent() -> None:
    messages = decoded(CONVERSATIONS["pipelined"])
    assert [message.summary for message in messages] == [
        "HEAD /a",
        "GET /b",
        "POST /c, 3 bytes",
        "200 OK",  # to HEAD: its Content-Length is not followed by a body
        "304 Not Modified",
        "100 Continue",
        "103 Early Hints",
        "200 OK, 13 bytes",  # as long as the connection
    ]
    assert [m.detail["note"] for m in messages if m.kind is Kind.HTTP_RESPONSE] == [
        "answers HEAD /a",
        "answers GET /b",
        "answers POST /c",
        "answers POST /c",
        "answers POST /c",
    ]


def test_an_upgrade_that_is_refused_leaves_http() -> None:
    assert summaries(CONVERSATIONS["refused upgrade"]) == [
        "GET /ws/chat?room=lobby",
        "401 Unauthorized, 2 bytes",
        "GET /after",
        "200 OK, 3 bytes",
    ]


def test_frames_that_a_client_sends_before_the_101_are_read_after_it() -> None:
    said = (
        (UP, UPGRADE % b"" + b"\x81\x82\x00\x00\x00\x00hi"),
        (DOWN, SWITCHED % b"" + b"\x81\x02ho"),
    )
    assert summaries(said)[2:] == ['text "hi"', 'text "ho"']


def test_an_upgrade_to_something_else_is_unknown() -> None:
    up = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: irc/6\r\n\r\n"
    down = b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: irc/6\r\n\r\nJOIN"
    messages = decoded([(UP, up), (DOWN, down)])
    assert messages[-1].kind is Kind.UNKNOWN
    assert messages[-1].error == "the connection has become irc/6"


def test_a_tunnel_is_unknown() -> None:
    connect = b"CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n"
    said = ((UP, connect), (DOWN, b"HTTP/1.1 200 OK\r\n\r\n"), (UP, b"\x16\x03\x01"))
    assert [m.kind for m in decoded(said)][-1] is Kind.UNKNOWN
    refused = (
        (UP, connect),
        (DOWN, b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"),
        (UP, GET % b""),
    )
    assert summaries(refused) == ["CONNECT x:443", "403 No", "GET /"]


def test_a_101_that_nobody_asked_for_is_broken() -> None:
    found = errors([(UP, GET % b""), (DOWN, SWITCHED % b"")])
    assert "without a pending proposal" in found[0]


def test_a_wrong_accept_is_named_at_its_byte() -> None:
    wrong = (SWITCHED % b"").replace(b"s3pP", b"S3pP")
    (error,) = errors([(UP, UPGRADE % b""), (DOWN, wrong)])
    at = wrong.index(b"S3pP")
    assert error == (f"byte {at}: the key asks for s3pPLMBiTxaQ9kYGzzhZRbK+xOo= (RFC 6455 §4.2.2)")


def test_a_response_that_nobody_asked_for_says_so() -> None:
    assert errors([(UP, GET % b"a"), (DOWN, OK + OK)]) == ["byte 0: nobody asked for this response"]


def test_a_server_may_answer_before_the_request_is_whole() -> None:
    half = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"
    early = b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    messages = decoded([(UP, half), (DOWN, early)])
    assert [m.summary for m in messages] == ["413 Too Large", "POST /a, 4 bytes"]
    assert messages[1].error == f"byte {len(half)}: cut off within the body"


def test_a_broken_request_does_not_hide_its_answer() -> None:
    said = (
        (UP, b"GET /a b c HTTP/1.1\r\nHost: x\r\n\r\n"),
        (DOWN, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
    )
    messages = decoded(said)
    assert messages[0].error.startswith("byte 0: illegal request line")
    assert (messages[1].summary, messages[1].error) == ("400 Bad Request", "")
