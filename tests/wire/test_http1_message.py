"""What the lines of a request and of a response say."""

from __future__ import annotations

from labserver.wire.http1_message import HttpMessage
from labserver.wire.message import Kind
from tests.wire.conversations import CONVERSATIONS, decoded


def test_a_request_is_cut_into_its_lines() -> None:
    request = decoded(CONVERSATIONS["keep-alive"])[2]
    assert [(part.name, part.meaning) for part in request.parts] == [
        ("request line", "POST /messages HTTP/1.1"),
        ("header field", "Host: x"),
        ("header field", "Content-Length: 2"),
        ("blank line", ""),
        ("body", "2 bytes"),
    ]
    assert request.detail == {
        "method": "POST",
        "target": "/messages",
        "version": "HTTP/1.1",
        "headers": [("Host", "x"), ("Content-Length", "2")],
        "length": 2,
        "text": "{}",
    }


def test_chunk_framing_is_overhead() -> None:
    response = decoded(CONVERSATIONS["keep-alive"])[3]
    assert [(part.name, response.raw[part.start : part.end]) for part in response.parts][3:] == [
        ("chunk size", b"5;a=b\r\n"),
        ("body", b"hello"),
        ("chunk end", b"\r\n"),
        ("chunk size", b"6\r\n"),
        ("body", b" world"),
        ("chunk end", b"\r\n"),
        ("last chunk", b"0\r\n"),
        ("trailer field", b"X-Sum: 1\r\n"),
        ("blank line", b"\r\n"),
    ]
    assert response.detail["text"] == "hello world"
    assert response.detail["status"] == 202
    assert response.detail["reason"] == "Accepted"


def test_a_body_that_is_no_text_is_shown_in_hex() -> None:
    raw = b"HTTP/1.1 200 OK\r\n\r\n\xff\x00"
    message = HttpMessage(Kind.HTTP_RESPONSE, raw, len(raw) - 2, ((len(raw) - 2, len(raw)),))
    assert message.detail()["hex"] == "ff 00"
    assert message.body(1) == b"\xff"
    assert message.body() == b"\xff\x00"


def test_a_head_that_makes_no_sense_is_shown_all_the_same() -> None:
    for raw in (b"\n", b"x", b"::\r\n\r\n", b"HTTP/1.1\r\n\r\n", b"HTTP/1.1 2x OK\r\n: \r\n"):
        for kind in (Kind.HTTP_REQUEST, Kind.HTTP_RESPONSE):
            message = HttpMessage(kind, raw, len(raw))
            assert message.parts()[-1].end == len(raw)
            assert message.detail() is not None
            assert message.summary is not None
