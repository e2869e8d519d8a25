from __future__ import annotations

import pytest

from labserver.errors import LabError
from labserver.figures.handshake import handshake
from labserver.trace.trace import Trace
from tests.wire.conversations import DOWN, HANDSHAKE, SWITCHED, UP, UPGRADE, Said, trace_of

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"


def refused(status: str, *fields: str, request: bytes = UPGRADE % b"", body: str = "no") -> Said:
    head = (f"HTTP/1.1 {status}", *fields, f"Content-Length: {len(body)}", "", body)
    return ((UP, request), (DOWN, "\r\n".join(head).encode()))


def title(trace: Trace, connection: int | None = None) -> str:
    return repr(handshake(trace, connection)).splitlines()[0]


def test_a_whole_handshake_ends_in_yes() -> None:
    panel = handshake(trace_of(HANDSHAKE))
    lines = repr(panel).splitlines()
    assert lines[0] == (
        "101 Switching Protocols: the handshake is complete, and from here on both sides send"
        " frames"
    )
    assert lines[-1] == "equal to what the server sent: yes"
    assert "✗" not in repr(panel)
    for part in ("b3 7a 4f 2c", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "258EAFA5", "not used"):
        assert part in repr(panel)
        assert part in panel._repr_html_()


def test_a_wrong_accept_ends_in_no() -> None:
    wrong = (SWITCHED % b"").replace(b"s3pP", b"S3pP")
    lines = repr(handshake(trace_of(((UP, UPGRADE % b""), (DOWN, wrong))))).splitlines()
    assert lines[0].endswith("the response has a wrong Sec-WebSocket-Accept")
    assert " ✗ Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in lines
    assert "     wrong: the key asks for s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in lines
    assert lines[-1] == "equal to what the server sent: no"


def test_what_is_missing_is_in_the_title_and_where_it_should_be() -> None:
    bare = (
        b"GET /chat HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    trace = trace_of(refused("400 Bad Request", request=bare))
    assert title(trace) == "400 Bad Request: the request lacks Host and Sec-WebSocket-Version"
    assert " ✗ missing: Sec-WebSocket-Version: 13" in repr(handshake(trace)).splitlines()


@pytest.mark.parametrize(
    ("status", "field"),
    [
        ("401 Unauthorized", "WWW-Authenticate: Bearer"),
        ("403 Forbidden", "Date: today"),
        ("426 Upgrade Required", "Upgrade: websocket"),
    ],
)
def test_a_refusal_has_its_reason_and_no_derivation(status: str, field: str) -> None:
    panel = handshake(trace_of(refused(status, field, body="because <b>")))
    assert repr(panel).startswith(
        f"{status}: the request is complete, and yet the response is no: "
    )
    assert "because <b>" in repr(panel)
    assert "because &lt;b&gt;" in panel._repr_html_()
    assert "equal to" not in repr(panel)


def test_a_long_body_is_shown_line_by_line_and_says_what_is_left_out() -> None:
    body = "The first line.\r\n\r\nThe <b>second</b>.\nThe third: \x1b[31m" + "y" * 3000
    panel = handshake(trace_of(refused("403 Forbidden", body=body)))
    *_, first, second, third, left_out = repr(panel).splitlines()
    assert [first, second] == ["   The first line.", "   The <b>second</b>."]
    assert third.startswith(r"   The third: \x1b[31myyy")
    assert left_out == f"   … {len(body) - 300:,} characters more"
    assert "The &lt;b&gt;second&lt;/b&gt;.</code><br><code>The third" in panel._repr_html_()


def test_the_first_connection_that_asks_or_the_one_that_is_named() -> None:
    plain: Said = ((UP, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), (DOWN, b"HTTP/1.1 204 No\r\n\r\n"))
    trace = trace_of(plain, refused("403 Forbidden"), HANDSHAKE)
    assert title(trace).startswith("403")
    assert title(trace, 3).startswith("101")


def test_a_handshake_after_another_request_and_an_early_hint() -> None:
    said: Said = (
        (UP, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        (DOWN, b"HTTP/1.1 204 No Content\r\n\r\n"),
        (UP, UPGRADE % b""),
        (DOWN, b"HTTP/1.1 103 Early Hints\r\n\r\n" + SWITCHED % b""),
    )
    assert title(trace_of(said)).startswith("101 Switching Protocols: the handshake is complete")


def test_a_request_without_an_answer_is_shown() -> None:
    panel = handshake(trace_of(((UP, UPGRADE % b""),)))
    assert repr(panel).startswith("No response has come; the request is complete")


def test_where_there_is_none_the_error_says_what_to_do() -> None:
    plain: Said = ((UP, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),)
    with pytest.raises(LabError, match="no WebSocket handshake in the trace: let a client"):
        handshake(trace_of(plain))
    with pytest.raises(LabError, match="no WebSocket handshake in connection 1"):
        handshake(trace_of(plain, HANDSHAKE), 1)
    with pytest.raises(LabError, match="no connection 7"):
        handshake(trace_of(HANDSHAKE), 7)
    hello = b"\x16\x03\x01\x00\x05hello"
    with pytest.raises(LabError, match="encrypted"):
        handshake(trace_of(((UP, hello),)))


def test_secrets_are_shortened_in_their_middle() -> None:
    fields = f"Authorization: Bearer {TOKEN}\r\nCookie: sid={TOKEN}; theme=dark\r\n".encode()
    request = (UPGRADE % fields).replace(b"room=lobby", b"room=lobby&token=" + TOKEN.encode())
    panel = handshake(trace_of(((UP, request), (DOWN, SWITCHED % b""))))
    for shown in (repr(panel), panel._repr_html_()):
        assert TOKEN not in shown
        assert TOKEN[:20] not in shown
        assert "room=lobby&" in shown
        assert shown.count("eyJhbG…dXJl") == 3
        assert "Cookie: sid=eyJhbG…dXJl; theme=d…k" in shown
        assert "Authorization: Bearer eyJhbG…dXJl" in shown


def test_whatever_a_header_says_it_is_text() -> None:
    evil = (
        b"X-<script>alert(1)</script>: <img src=x onerror=alert(1)>\r\n"
        b"X-Tex: $x^2$ %{x} <b>bold</b>\r\nX-Term: \x1b[31mred\x9b\r\n"
        b"X-Long: " + b"y" * 10_000 + b"\r\n"
    )
    panel = handshake(trace_of(((UP, UPGRADE % evil), (DOWN, SWITCHED % evil))))
    shown = panel._repr_html_()
    for tag in ("<script", "<img", "<b>"):
        assert tag not in shown
    assert "&lt;img src=x onerror=alert(1)&gt;" in shown
    assert "\x1b" not in shown + repr(panel)
    assert r"\x1b[31mred\x9b" in repr(panel)
    assert len(shown) < 16_000
    assert max(map(len, repr(panel).splitlines())) < 200


def test_a_thousand_lines_are_not_all_shown_but_a_fault_among_them_is() -> None:
    many = b"".join(b"X-%d: y\r\n" % at for at in range(1000)) + b"Sec-WebSocket-Version: 9\r\n"
    panel = handshake(trace_of(((UP, UPGRADE % many), (DOWN, SWITCHED % b""))))
    lines = repr(panel).splitlines()
    assert " ✗ Sec-WebSocket-Version: 9" in lines
    assert " … 966 lines more" in lines
    assert len(lines) < 200
