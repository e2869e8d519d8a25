"""What is checked, in which order, before a request is served."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labserver.chat.guard import Guard
from labserver.chat.hosts import Hosts
from labserver.chat.origins import Origins
from labserver.chat.tickets import Tickets
from labserver.chat.tokens import Tokens
from labserver.clock import VirtualClock
from labserver.errors import Refused

SECRET = "a secret that is known to nobody but these tests, and long enough for HS512"
HOST = "127.0.0.1:8001"
SUBDOMAINS = ["https://*.example.com"]


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def tokens(clock: VirtualClock) -> Tokens:
    return Tokens(SECRET, clock)


def is_bad(refused: Refused, code: str = "bad_token", error: str = "invalid_token") -> bool:
    return (refused.status, refused.code, dict(refused.headers)) == (
        401,
        code,
        {"WWW-Authenticate": f'Bearer error="{error}"'},
    )


@pytest.fixture
def guard(tokens: Tokens, clock: VirtualClock) -> Guard:
    return Guard(tokens, Tickets(clock), Origins(SUBDOMAINS), Hosts(["lab.example"]))


def admit(
    guard: Guard,
    *,
    host: str | None = HOST,
    origin: str | None = None,
    authorization: str | None = None,
    token: str | None = None,
    ticket: str | None = None,
    secure: bool = False,
) -> str:
    return guard.admit(
        host=host,
        origin=origin,
        authorization=authorization,
        token=token,
        ticket=ticket,
        secure=secure,
    )


def test_a_token_in_the_header_or_the_query_and_a_ticket_let_one_in(
    guard: Guard, tokens: Tokens
) -> None:
    token = tokens.issue("alice")
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert admit(guard, authorization=f"{scheme} {token}") == "alice"
    assert admit(guard, token=token) == "alice"
    assert admit(guard, ticket=guard.issue_ticket(f"Bearer {token}")) == "alice"


def test_the_header_goes_before_the_token_and_the_token_before_the_ticket(
    guard: Guard, tokens: Tokens
) -> None:
    alice, bob, carol = (tokens.issue(user) for user in ("alice", "bob", "carol"))
    ticket = guard.issue_ticket(f"Bearer {carol}")
    assert admit(guard, authorization=f"Bearer {alice}", token=bob, ticket=ticket) == "alice"
    assert admit(guard, token=bob, ticket=ticket) == "bob"
    assert admit(guard, ticket=ticket) == "carol"  # none of the others has spent it


def test_a_bad_header_is_not_mended_by_a_good_query(guard: Guard, tokens: Tokens) -> None:
    with pytest.raises(Refused) as refused:
        admit(guard, authorization="Bearer nonsense", token=tokens.issue("alice"))
    assert is_bad(refused.value)


def test_host_then_origin_then_token(guard: Guard) -> None:
    evil = {"host": "evil.example", "origin": "https://evil.example", "token": "nonsense"}
    expected = [(421, "misdirected"), (403, "forbidden_origin"), (401, "bad_token")]
    given = [evil, {**evil, "host": HOST}, {"token": "nonsense"}]
    for arguments, answer in zip(given, expected, strict=True):
        with pytest.raises(Refused) as refused:
            admit(guard, **arguments)  # type: ignore[arg-type]
        assert (refused.value.status, refused.value.code) == answer


def test_dns_rebinding_is_refused_though_the_page_is_of_the_same_origin(guard: Guard) -> None:
    with pytest.raises(Refused) as refused:
        guard.check_browser("evil.example:8001", "http://evil.example:8001")
    assert refused.value.status == 421


def test_a_request_without_a_host_is_a_bad_request(guard: Guard) -> None:
    with pytest.raises(Refused) as refused:
        guard.check_browser(None, None)
    assert (refused.value.status, refused.value.code) == (400, "no_host")


def test_without_an_origin_it_is_no_browser(guard: Guard) -> None:
    guard.check_browser("lab.example", None)
    guard.check_browser("lab.example", "https://app.example.com")
    with pytest.raises(Refused):
        guard.check_browser("lab.example", "")


def test_over_tls_a_plain_page_of_our_own_name_is_foreign(guard: Guard, tokens: Tokens) -> None:
    host, plain, token = "lab.example", "http://lab.example", tokens.issue("alice")
    assert admit(guard, host=host, origin=plain, token=token) == "alice"
    with pytest.raises(Refused) as refused:
        admit(guard, host=host, origin=plain, token=token, secure=True)
    assert refused.value.status == 403


@pytest.mark.parametrize(
    "foreign", [{"host": "evil.example"}, {"host": None}, {"origin": "https://evil.example"}]
)
def test_a_ticket_is_not_spent_on_a_refusal(
    guard: Guard, tokens: Tokens, foreign: dict[str, str]
) -> None:
    ticket = guard.issue_ticket(f"Bearer {tokens.issue('alice')}")
    with pytest.raises(Refused):
        admit(guard, ticket=ticket, **foreign)  # type: ignore[arg-type]
    assert admit(guard, ticket=ticket) == "alice"


def test_who_brings_nothing_is_told_what_to_bring(guard: Guard) -> None:
    with pytest.raises(Refused, match="Send a token") as refused:
        admit(guard)
    assert is_bad(refused.value, "missing_token", "invalid_request")


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        ("", "missing_token"),
        ("Basic YTpi", "missing_token"),
        ("Bearer", "bad_token"),
        ("Bearer ", "bad_token"),
        ("Bearer\tx", "missing_token"),
        ("Bearer a b", "bad_token"),
        ('Bearer "\r\nX-Injected: 1', "bad_token"),
        ("{token}", "missing_token"),
    ],
)
def test_a_malformed_header_is_refused(
    guard: Guard, tokens: Tokens, authorization: str, code: str
) -> None:
    header = authorization.replace("{token}", tokens.issue("alice"))
    for attempt in (guard.identify, guard.issue_ticket):
        with pytest.raises(Refused) as refused:
            attempt(header)
        assert is_bad(refused.value, code)


@given(st.text(), st.sampled_from(["authorization", "token", "ticket"]))
def test_nothing_a_client_sends_comes_back_in_a_header(text: str, where: str) -> None:
    clock = VirtualClock()
    guard = Guard(Tokens(SECRET, clock), Tickets(clock), Origins(), Hosts())
    with pytest.raises(Refused) as refused:
        admit(guard, **{where: f"Bearer {text}" if where == "authorization" else text})  # type: ignore[arg-type]
    assert refused.value.headers["WWW-Authenticate"] in {
        'Bearer error="invalid_token"',
        'Bearer error="invalid_request"',
    }


def test_a_ticket_needs_a_token(guard: Guard) -> None:
    with pytest.raises(Refused) as refused:
        guard.issue_ticket(None)
    assert is_bad(refused.value, "missing_token", "invalid_request")
