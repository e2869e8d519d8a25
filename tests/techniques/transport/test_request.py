from __future__ import annotations

import pytest

from labserver.chat.hub import Hub
from labserver.chat.log import Cursor
from labserver.chat.tokens import Tokens, new_secret
from labserver.clock import VirtualClock
from labserver.errors import Refused
from labserver.runtime.wiring import make_guard, make_hub
from labserver.techniques.transport.interface import Chat, ConnectionLost
from labserver.techniques.transport.request import Request, refusal, refused_by

TOKENS = Tokens(new_secret(), VirtualClock(start=4_000_000_000))


@pytest.fixture(scope="module")
def chat() -> Chat:
    hub: Hub = make_hub()
    return Chat(hub, make_guard(TOKENS, ["https://*.example.com"], ()))


def request(target: str = "/messages", **headers: str) -> Request:
    named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return Request(target, lambda name: named.get(name.lower()))


def test_what_is_left_out_has_its_default() -> None:
    asked = request()
    assert (asked.path, asked.room, asked.after, asked.session, asked.hello) == (
        "/messages",
        "lobby",
        None,
        "",
        False,
    )


def test_what_is_given_is_read_and_checked() -> None:
    asked = request("/m?room=a&after=e-5&session=s1&hello=1")
    assert (asked.room, asked.after, asked.session, asked.hello) == (
        "a",
        Cursor(5, "e"),
        "s1",
        True,
    )
    for target, code in [
        ("/m?room=a%20b", "bad_name"),
        ("/m?session=%40", "bad_name"),
        ("/m?after=x", "bad_cursor"),
    ]:
        asked = request(target)
        with pytest.raises(Refused) as refused:
            _ = (asked.room, asked.session, asked.after)
        assert refused.value.code == code


def test_last_event_id_goes_before_after() -> None:
    assert request("/e?after=3", Last_Event_ID="e-9").after == Cursor(9, "e")


@pytest.mark.parametrize("target", ["//[/x", "/m?" + "a=1&" * 50])
def test_a_target_that_cannot_be_read_is_refused(target: str) -> None:
    with pytest.raises(Refused) as refused:
        request(target)
    assert refused.value.code == "bad_query"


def test_a_foreign_host_goes_before_a_foreign_origin_and_that_before_the_token(chat: Chat) -> None:
    token = f"Bearer {TOKENS.issue('ann')}"
    good = {"Host": "localhost:1", "Origin": "https://a.example.com", "Authorization": token}
    bad = {"Host": "evil.com", "Origin": "https://evil.com", "Authorization": "Bearer x"}
    for wrong, status in [
        (("Host", "Origin", "Authorization"), 421),
        (("Origin", "Authorization"), 403),
        (("Authorization",), 401),
    ]:
        headers = {name: (bad if name in wrong else good)[name] for name in good}
        with pytest.raises(Refused) as refused:
            request(**headers).user(chat)
        assert refused.value.status == status


def test_a_preflight_is_answered_for_our_pages_only(chat: Chat) -> None:
    answer = request(Host="localhost", Origin="https://a.example.com").preflight(chat)
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "https://a.example.com"
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    with pytest.raises(Refused):
        request(Host="localhost", Origin="https://evil.com").preflight(chat)


def test_a_refusal_is_an_error_event_that_a_foreign_page_cannot_read() -> None:
    asked = request(Origin="https://a.example.com")
    answer = refusal(
        Refused(401, "bad_token", "No.", headers={"WWW-Authenticate": "Bearer"}), asked
    )
    assert answer.body == b'{"type":"ERROR","data":{"code":"bad_token","message":"No."}}'
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "Access-Control-Allow-Origin" in answer.headers
    foreign = refusal(Refused(403, "forbidden_origin", "No."), asked)
    assert "Access-Control-Allow-Origin" not in foreign.headers


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Refused), (401, Refused), (404, Refused), (408, ConnectionLost), (503, ConnectionLost)],
)
def test_a_client_knows_which_errors_are_worth_another_try(
    status: int, kind: type[Exception]
) -> None:
    body = b'{"type":"ERROR","data":{"code":"why","message":"Because."}}'
    assert isinstance(refused_by(status, body), kind)
    assert "Because" in str(refused_by(status, body))
    assert str(status) in str(refused_by(status, b"<html>"))
