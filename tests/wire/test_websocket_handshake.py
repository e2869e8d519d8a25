from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labserver.wire.websocket_handshake import (
    Conformance,
    HandshakeLine,
    field_of,
    is_asked_for,
    request_lines,
    response_lines,
    status_of,
)
from tests.wire.conversations import SWITCHED, UPGRADE

REQUEST, SWITCH = UPGRADE % b"", SWITCHED % b""


def faults(lines: tuple[HandshakeLine, ...]) -> dict[str, str]:
    return {line.name: line.fault or line.verdict.value for line in lines if line.is_faulty}


def refusal(status: bytes, *fields: bytes) -> bytes:
    return b"\r\n".join((b"HTTP/1.1 %s" % status, *fields, b"", b""))


def test_a_whole_handshake_has_no_fault_and_every_line_is_judged() -> None:
    asked, answered = request_lines(REQUEST), response_lines(SWITCH, REQUEST)
    assert faults(asked) == faults(answered) == {}
    assert [line.name for line in asked] == [
        "request line",
        "Host",
        "Upgrade",
        "Connection",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Version",
        "blank line",
    ]
    assert {line.verdict for line in (*asked, *answered)} == {Conformance.RIGHT}
    assert all(line.purpose and line.rule for line in (*asked, *answered))


@pytest.mark.parametrize(
    "name", ["Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"]
)
def test_each_required_line_of_the_request_is_missed(name: str) -> None:
    lines = REQUEST.split(b"\r\n")
    without = b"\r\n".join(line for line in lines if not line.startswith(name.encode()))
    assert faults(request_lines(without)) == {name: "missing"}


@pytest.mark.parametrize(
    ("old", "new", "name", "fault"),
    [
        (b"GET", b"POST", "request line", "the method must be GET"),
        (b"HTTP/1.1", b"HTTP/1.0", "request line", "HTTP must be at least 1.1"),
        (b" HTTP/1.1", b"", "request line", "it does not end with the HTTP version"),
        (b"Upgrade: websocket", b"Upgrade: irc", "Upgrade", "does not name websocket"),
        (b"Connection: Upgrade", b"Connection: close", "Connection", "does not name upgrade"),
        (b"dGhlIHNhbXBsZSBub25jZQ==", b"c2hvcnQ=", "Sec-WebSocket-Key", "stands for 5 bytes"),
        (b"dGhlIHNhbXBsZSBub25jZQ==", b"?", "Sec-WebSocket-Key", "not Base64"),
        (b"Version: 13", b"Version: 8", "Sec-WebSocket-Version", "RFC 6455 is version 13"),
        (b"Host: server.example.com", b"Host:", "Host", "it is empty"),
    ],
)
def test_what_is_wrong_in_the_request_is_named(
    old: bytes, new: bytes, name: str, fault: str
) -> None:
    ((found, said),) = faults(request_lines(REQUEST.replace(old, new, 1))).items()
    assert found == name
    assert said.startswith(fault)


def test_connection_is_a_list_in_any_case_over_any_number_of_lines() -> None:
    for fields in (b"Connection: keep-alive, Upgrade", b"connection: a\r\nCONNECTION: uPgRaDe"):
        request = REQUEST.replace(b"Connection: Upgrade", fields)
        assert faults(request_lines(request)) == {}


def test_of_two_keys_the_second_is_wrong() -> None:
    twice = UPGRADE % b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    lines = [line for line in request_lines(twice) if line.name == "Sec-WebSocket-Key"]
    assert [line.verdict for line in lines] == [Conformance.RIGHT, Conformance.WRONG]


def test_a_wrong_accept_a_protocol_and_an_extension_that_nobody_offered() -> None:
    more = b"Sec-WebSocket-Protocol: soap\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
    answer = (SWITCHED % more).replace(b"s3pP", b"S3pP")
    assert faults(response_lines(answer, REQUEST)) == {
        "Sec-WebSocket-Accept": "the key asks for s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "Sec-WebSocket-Protocol": "this was not offered",
        "Sec-WebSocket-Extensions": "this was not offered",
    }
    offer = (
        b"Sec-WebSocket-Protocol: chat, soap\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
    )
    assert faults(response_lines(SWITCHED % more, UPGRADE % offer)) == {}


def test_a_101_to_half_a_handshake_is_wrong() -> None:
    request = REQUEST.replace(b"Sec-WebSocket-Version: 13\r\n", b"")
    ((name, fault),) = faults(response_lines(SWITCH, request)).items()
    assert name == "status line"
    assert "§4.2.1" in fault


@pytest.mark.parametrize(
    ("status", "missing"),
    [
        (b"401 Unauthorized", "WWW-Authenticate"),
        (b"405 Method Not Allowed", "Allow"),
        (b"426 Upgrade Required", "Upgrade"),
    ],
)
def test_a_refusal_lacks_what_its_status_requires(status: bytes, missing: str) -> None:
    assert faults(response_lines(refusal(status), REQUEST)) == {missing: "missing"}
    right = refusal(status, missing.encode() + b": x")
    assert faults(response_lines(right, REQUEST)) == {}


def test_a_version_that_is_refused_is_answered_with_the_ones_that_are_known() -> None:
    old = REQUEST.replace(b"Version: 13", b"Version: 8")
    bad = b"400 Bad Request"
    assert faults(response_lines(refusal(bad), old)) == {"Sec-WebSocket-Version": "missing"}
    assert faults(response_lines(refusal(bad, b"Sec-WebSocket-Version: 13, 8"), old)) == {}
    assert faults(response_lines(refusal(bad), REQUEST)) == {}


def test_a_line_that_is_no_field_and_a_head_without_an_end() -> None:
    broken = REQUEST.replace(b"Host: ", b"Host ").removesuffix(b"\r\n\r\n")
    found = request_lines(broken)
    assert faults(found) == {
        "Host server.example.com": (
            "not a header field, which is a name, a colon and a value (RFC 9112 §5)"
        ),
        "Host": "missing",
        "blank line": "missing",
    }


def test_who_asks_for_a_websocket_however_badly() -> None:
    assert is_asked_for(b"GET / HTTP/1.1\r\nUpgrade: WebSocket\r\n\r\n")
    assert is_asked_for(b"GET / HTTP/1.1\r\nSec-WebSocket-Key: x\r\n\r\n")
    assert not is_asked_for(b"GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\nUpgrade: websocket\r\n")


def test_fields_and_statuses_of_odd_messages() -> None:
    assert field_of(REQUEST, "SEC-WEBSOCKET-version") == "13"
    assert field_of(REQUEST, "Origin") == ""
    assert status_of(SWITCH) == 101
    assert [status_of(raw) for raw in (b"", b"HTTP/1.1", b"HTTP/1.1 1x1 a")] == [0, 0, 0]
    assert response_lines(b"", b"")[0].is_faulty


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_any_bytes_have_lines(request: bytes, response: bytes) -> None:
    assert request_lines(request)[-1].name == "blank line"
    head = b"HTTP/1.1 101 a\r\n" + response
    assert response_lines(head, request)[-1].name == "blank line"
