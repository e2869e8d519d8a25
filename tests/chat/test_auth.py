from __future__ import annotations

import base64
import json
import string
from collections.abc import Iterable
from functools import cache
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from labserver.chat import auth
from labserver.chat.auth import (
    SECRET_BYTES_MIN,
    TICKET_TTL_S,
    Guard,
    Hosts,
    Origin,
    Origins,
    Tickets,
    Tokens,
    is_loopback,
    new_secret,
    parse_origin,
)
from labserver.clock import VirtualClock
from labserver.errors import LabError, Refused

SECRET = "a secret that is known to nobody but these tests, and long enough for HS512"
HOST = "127.0.0.1:8001"
ABSENT = object()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def tokens(clock: VirtualClock) -> Tokens:
    return Tokens(SECRET, clock)


def claims(clock: VirtualClock, **changed: object) -> dict[str, Any]:
    """What a good token says, with changes; ABSENT leaves a claim out."""
    now = int(clock.time())
    good = {"sub": "alice", "aud": "labserver", "iss": "labserver", "iat": now, "exp": now + 60}
    return {name: claim for name, claim in {**good, **changed}.items() if claim is not ABSENT}


def sign(payload: dict[str, Any], algorithm: str = "HS256", secret: str = SECRET) -> str:
    """A token with any payload: PyJWT's own encode() checks some claims."""
    return jwt.api_jws.encode(json.dumps(payload).encode(), secret, algorithm)


def refusal(tokens: Tokens, token: str) -> Refused:
    with pytest.raises(Refused) as refused:
        tokens.verify(token)
    return refused.value


def is_bad(refused: Refused, code: str = "bad_token", error: str = "invalid_token") -> bool:
    return (refused.status, refused.code, dict(refused.headers)) == (
        401,
        code,
        {"WWW-Authenticate": f'Bearer error="{error}"'},
    )


# Tokens


@given(st.text(string.ascii_letters + string.digits + "_.-", min_size=1, max_size=64))
def test_a_token_brings_back_its_user(user: str) -> None:
    tokens = Tokens(SECRET, VirtualClock())
    assert tokens.verify(tokens.issue(user)) == user


def test_a_token_says_what_the_contract_says(tokens: Tokens, clock: VirtualClock) -> None:
    token = tokens.issue("alice", ttl_s=90)
    assert jwt.get_unverified_header(token)["alg"] == "HS256"
    now = int(clock.time())
    assert jwt.decode(token, options={"verify_signature": False}) == {
        "sub": "alice",
        "aud": "labserver",
        "iss": "labserver",
        "iat": now,
        "exp": now + 90,
    }


def test_who_has_no_name_gets_no_token(tokens: Tokens) -> None:
    with pytest.raises(Refused) as refused:
        tokens.issue("alice\n")
    assert (refused.value.status, refused.value.code) == (400, "bad_name")


@pytest.mark.parametrize("ttl_s", [float("nan"), float("inf")])
def test_a_token_must_end(tokens: Tokens, ttl_s: float) -> None:
    with pytest.raises(LabError, match="in seconds"):
        tokens.issue("alice", ttl_s)


def test_a_token_has_expired_at_exp_and_not_before(tokens: Tokens, clock: VirtualClock) -> None:
    token = tokens.issue("alice", ttl_s=60)
    clock.advance(59.999)
    assert tokens.verify(token) == "alice"
    clock.advance(0.001)
    assert is_bad(refusal(tokens, token), "expired_token")


def test_a_token_that_was_looked_into_before_still_expires(
    tokens: Tokens, clock: VirtualClock
) -> None:
    token = tokens.issue("alice", ttl_s=60)
    assert [tokens.verify(token) for _ in range(2)] == ["alice", "alice"]
    clock.advance(60)
    assert refusal(tokens, token).code == "expired_token"
    assert refusal(tokens, token).code == "expired_token"


def test_a_token_of_another_secret_is_refused_however_often(clock: VirtualClock) -> None:
    tokens, others = Tokens(SECRET, clock), Tokens(new_secret(), clock)
    token = others.issue("alice")
    assert others.verify(token) == "alice"
    assert refusal(tokens, token).code == "bad_token"
    assert refusal(tokens, token).code == "bad_token"


def test_so_many_tokens_are_remembered_and_the_forgotten_ones_verified_anew(
    monkeypatch: pytest.MonkeyPatch, tokens: Tokens
) -> None:
    monkeypatch.setattr(auth, "VERIFIED_MAX", 2)
    issued = {name: tokens.issue(name) for name in ("alice", "bob", "carol")}
    for _ in range(2):
        assert [tokens.verify(token) for token in issued.values()] == list(issued)
    assert len(tokens._verified) == 2


def test_the_machines_clock_decides_nothing() -> None:
    for year in (1980, 2500):
        clock = VirtualClock(start=(year - 1970) * 31_556_952.0)
        tokens = Tokens(SECRET, clock)
        assert tokens.verify(tokens.issue("alice")) == "alice"


@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_a_token_from_the_future_is_refused_past_a_minute_of_skew(
    tokens: Tokens, clock: VirtualClock, claim: str
) -> None:
    now = int(clock.time())
    assert tokens.verify(sign(claims(clock, exp=now + 900, **{claim: now + 60}))) == "alice"
    assert is_bad(refusal(tokens, sign(claims(clock, exp=now + 900, **{claim: now + 61}))))


def test_a_token_may_be_meant_for_others_too(tokens: Tokens, clock: VirtualClock) -> None:
    assert tokens.verify(sign(claims(clock, aud=["shop", "labserver"]))) == "alice"


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": "shop"},
        {"aud": ["shop", "lab"]},
        {"aud": []},
        {"aud": {"labserver": 1}},
        {"aud": "labserver2"},
        {"iss": "shop"},
        {"iss": "lab"},  # CVE-2024-53861: a part of the name was enough
        {"iss": ["labserver"]},
        {"sub": 7},
        {"exp": "9999999999"},
        {"exp": None},
        {"exp": True},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": 10**400},
        {"iat": "now"},
        {"nbf": {}},
        *({name: ABSENT} for name in ("sub", "aud", "iss", "iat", "exp")),
    ],
    ids=str,
)
def test_a_claim_that_is_wrong_or_missing_is_refused(
    tokens: Tokens, clock: VirtualClock, wrong: dict[str, object]
) -> None:
    assert is_bad(refusal(tokens, sign(claims(clock, **wrong))))


def test_a_signed_name_that_no_room_could_hold_is_a_bad_name(
    tokens: Tokens, clock: VirtualClock
) -> None:
    refused = refusal(tokens, sign(claims(clock, sub="alice\r\nX: y")))
    assert (refused.status, refused.code) == (400, "bad_name")


def test_another_secret_is_refused(tokens: Tokens, clock: VirtualClock) -> None:
    assert is_bad(refusal(tokens, Tokens(new_secret(), clock).issue("alice")))


def test_a_token_without_a_signature_is_refused(tokens: Tokens, clock: VirtualClock) -> None:
    signed = tokens.issue("alice")
    unsigned = jwt.encode(claims(clock), "", algorithm="none")
    assert is_bad(refusal(tokens, unsigned))
    assert is_bad(refusal(tokens, unsigned + signed.rpartition(".")[2]))
    assert is_bad(refusal(tokens, signed.rpartition(".")[0] + "."))
    for spelling in ("None", "NONE", "nOnE"):
        head = base64.urlsafe_b64encode(json.dumps({"alg": spelling}).encode()).decode().rstrip("=")
        assert is_bad(refusal(tokens, f"{head}.{unsigned.split('.')[1]}."))


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_our_own_secret_with_another_hash_is_refused(
    tokens: Tokens, clock: VirtualClock, algorithm: str
) -> None:
    assert is_bad(refusal(tokens, sign(claims(clock), algorithm)))


@cache
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def test_rs256_is_refused(tokens: Tokens, clock: VirtualClock) -> None:
    token = jwt.encode(claims(clock), private_key(), algorithm="RS256")
    assert is_bad(refusal(tokens, token))


@pytest.mark.parametrize("place", [0, 1])
def test_a_changed_token_is_refused(tokens: Tokens, place: int) -> None:
    mine, other = tokens.issue("alice").split("."), tokens.issue("mallory", 7200).split(".")
    mine[1 - place] = other[1 - place]
    mine[2] = mine[2][:-4] + ("AAAA" if place else "BBBB")
    assert is_bad(refusal(tokens, ".".join(mine)))


@pytest.mark.parametrize(
    "text", ["", ".", "..", "a.b", "a.b.c", "W10.W10.W10", "é.b.c", "\ud800", "a.b.c.d", "\r\nX: y"]
)
def test_what_is_no_token_is_refused(tokens: Tokens, text: str) -> None:
    assert is_bad(refusal(tokens, text))


@given(st.text())
def test_no_text_makes_it_raise_anything_else(text: str) -> None:
    assert is_bad(refusal(Tokens(SECRET, VirtualClock()), text))


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists))
def test_no_header_of_a_token_makes_it_raise_anything_else(header: object) -> None:
    for value in (header, {"alg": header}, {"alg": "HS256", "kid": header}, {"alg": "HS256"}):
        head = base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
        assert is_bad(refusal(Tokens(SECRET, VirtualClock()), f"{head}.e30.AAAA"))


def test_a_nested_bomb_is_refused(tokens: Tokens) -> None:
    bomb = base64.urlsafe_b64encode(b"[" * 100_000).decode().rstrip("=")
    assert is_bad(refusal(tokens, f"{bomb}.e30.AAAA"))


@pytest.mark.parametrize("secret", ["", "x" * 31, b"x" * 31, "é" * 15])
def test_a_short_secret_is_refused_and_the_message_makes_a_longer_one(
    clock: VirtualClock, secret: str | bytes
) -> None:
    with pytest.raises(LabError, match="token_urlsafe"):
        Tokens(secret, clock)


@pytest.mark.parametrize("secret", ["x" * 32, b"\xff" * 32, "é" * 16])
def test_the_length_of_a_secret_counts_in_bytes(clock: VirtualClock, secret: str | bytes) -> None:
    tokens = Tokens(secret, clock)
    assert tokens.verify(tokens.issue("alice")) == "alice"


@pytest.mark.parametrize(
    "secret",
    ["-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n", "\udcff" * 32],
    ids=["public key", "not UTF-8"],
)
def test_a_secret_that_cannot_sign_is_refused_at_once(clock: VirtualClock, secret: str) -> None:
    with pytest.raises(LabError, match="token_urlsafe"):
        Tokens(secret, clock)


def test_a_new_secret_is_long_enough_and_new() -> None:
    assert len(new_secret().encode()) >= SECRET_BYTES_MIN
    assert new_secret() != new_secret()


# Tickets


def test_a_ticket_works_once(clock: VirtualClock) -> None:
    tickets = Tickets(clock)
    ticket = tickets.issue("alice")
    assert tickets.redeem(ticket) == "alice"
    with pytest.raises(Refused) as refused:
        tickets.redeem(ticket)
    assert is_bad(refused.value, "bad_ticket")


def test_a_ticket_expires_after_half_a_minute(clock: VirtualClock) -> None:
    tickets = Tickets(clock)
    early, late = tickets.issue("alice"), tickets.issue("alice")
    clock.advance(TICKET_TTL_S - 0.001)
    assert tickets.redeem(early) == "alice"
    clock.advance(0.001)
    with pytest.raises(Refused) as refused:
        tickets.redeem(late)
    assert is_bad(refused.value, "bad_ticket")


@given(st.text())
def test_what_is_no_ticket_is_refused(text: str) -> None:
    tickets = Tickets(VirtualClock())
    tickets.issue("alice")
    with pytest.raises(Refused) as refused:
        tickets.redeem(text)
    assert is_bad(refused.value, "bad_ticket")


def test_no_two_tickets_are_the_same_and_each_fits_in_a_url(clock: VirtualClock) -> None:
    tickets = Tickets(clock)
    issued = [tickets.issue("alice") for _ in range(1000)]
    assert len(set(issued)) == 1000
    assert set("".join(issued)) <= set(string.ascii_letters + string.digits + "_-")
    assert min(map(len, issued)) >= 22  # 128 bits


def test_at_the_limit_the_oldest_ticket_goes(clock: VirtualClock) -> None:
    tickets = Tickets(clock, limit=2)
    oldest, second, third = (tickets.issue(user) for user in ("alice", "bob", "carol"))
    with pytest.raises(Refused):
        tickets.redeem(oldest)
    assert [tickets.redeem(second), tickets.redeem(third)] == ["bob", "carol"]


def test_expired_tickets_take_no_memory(clock: VirtualClock) -> None:
    tickets = Tickets(clock)
    for _ in range(50):
        tickets.issue("alice")
    clock.advance(TICKET_TTL_S)
    tickets.issue("bob")
    assert len(tickets._open) == 1


# Origins

SUBDOMAINS = ["https://*.example.com"]


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://app.example.com", True),
        ("https://a.b.example.com", True),  # any depth, as Spring's patterns
        ("https://example.com", False),
        ("https://evil-example.com", False),
        ("https://app.example.com.evil.com", False),
        ("http://app.example.com", False),
        ("https://app.example.com:8443", False),
        ("null", False),
    ],
)
def test_the_eight_origins_against_a_pattern(origin: str, allowed: bool) -> None:
    assert Origins(SUBDOMAINS).allows(origin, HOST) is allowed


@pytest.mark.parametrize(
    "origin",
    [
        "HTTPS://App.Example.COM",
        "https://app.example.com:443",
        "https://xn--bcher-kva.example.com",
        "https://a_b.example.com",
    ],
)
def test_other_spellings_of_the_same_origin_are_allowed(origin: str) -> None:
    assert Origins(SUBDOMAINS).allows(origin, HOST)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "*",
        "https://",
        "https://*.example.com",
        "https://.example.com",
        "https://a..example.com",
        "https://app.example.com.",
        "https://app.example.com/",
        "https://app.example.com/path",
        "https://app.example.com?q",
        "https://app.example.com#f",
        "https://app.example.com:",
        "https://app.example.com:0443",
        "https://app.example.com:0",
        "https://app.example.com:65979",  # 443 modulo 65536
        "https://app.example.com:443 ",
        " https://app.example.com",
        "https://app.example.com\n",
        "https://app.exam\tple.com",
        "https://app.example.com\x00",
        "https://user@app.example.com",
        "https://app.example.com@evil.com",
        "https://evil.com@app.example.com",
        "https://evil.com/.example.com",
        "https://evil.com?.example.com",
        "https://evil.com#.example.com",
        "https://evil.com\\.example.com",
        "https://evil.com%00.example.com",
        "https://evil.com\x7f.example.com",
        "https://evil.com,app.example.com",
        "https://evil.com https://app.example.com",
        "https://app.example\u3002com",  # an ideographic full stop
        "https://app.ex\u0430mple.com",  # a Cyrillic a
        "https://app.example.com\u212a",
        "https://bücher.example.com",
        f"https://{'a' * 64}.example.com",
        "https:app.example.com",
        "https:///app.example.com",
        "//app.example.com",
        "app.example.com",
        "wss://app.example.com",
        "file://",
        "chrome-extension://app.example.com",
        "javascript://app.example.com",
        "https://[app.example.com]",
        "https://[::1].example.com",
    ],
)
def test_nothing_that_only_looks_like_it_is_allowed(origin: str) -> None:
    assert not Origins(SUBDOMAINS).allows(origin, HOST)
    assert not Origins(["*"]).allows(origin, HOST)  # these are no origins at all


def reference(origin: str) -> bool:
    """SUBDOMAINS again, told otherwise: take off the ends, look at what is left."""
    text = origin.lower()
    if not origin.isascii() or not text.startswith("https://"):
        return False
    rest = text.removeprefix("https://").removesuffix(":443")
    below = rest.removesuffix(".example.com")
    label = set(string.ascii_lowercase + string.digits + "_-")
    return below != rest and all(
        0 < len(part) < 64 and set(part) <= label for part in below.split(".")
    )


PIECES = [
    *("https://", "http://", "app", "evil", "example", "com", "example.com", ".example.com"),
    *("localhost", "127.0.0.1", "null", "::1", "[", "]", "*", ".", "..", "-", "_", "A", "é"),
    *(":", ":443", ":80", ":8443", "@", "/", "\\", "#", "?", "%2e", "\u3002", " ", "\n", "\x00"),
]
PUZZLES = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


@given(PUZZLES | st.text())
def test_no_other_origin_ever_passes_a_pattern(origin: str) -> None:
    assert Origins(SUBDOMAINS).allows(origin, None) is reference(origin)


@given(PUZZLES.map("https://app.example.com".__add__))
def test_nothing_can_be_added_behind_an_allowed_origin(origin: str) -> None:
    assert Origins(SUBDOMAINS).allows(origin, None) is reference(origin)


@given(st.from_regex(r"([a-z0-9-]{1,20}\.){0,3}[a-z]{1,20}", fullmatch=True))
def test_a_name_is_allowed_below_another_and_only_there(name: str) -> None:
    origins = Origins([f"https://*.{name}"])
    assert origins.allows(f"https://x.{name}", None)
    assert not origins.allows(f"https://{name}", None)
    assert not origins.allows(f"https://x{name}", None)
    assert not origins.allows(f"https://x.{name}.{'z' * 21}", None)


def test_a_pattern_may_carry_a_port() -> None:
    origins = Origins(["https://*.example.com:8443", "http://lab.example:80"])
    assert origins.allows("https://app.example.com:8443", None)
    assert not origins.allows("https://app.example.com", None)
    assert origins.allows("http://lab.example", None)
    assert not origins.allows("http://lab.example:8080", None)


def test_an_exact_origin_allows_nothing_below_it() -> None:
    origins = Origins(["https://Example.com"])
    assert origins.allows("https://example.com", None)
    assert not origins.allows("https://app.example.com", None)


def test_a_star_allows_every_origin_but_null() -> None:
    origins = Origins(["*"])
    assert origins.allows("https://anything.example:1", HOST)
    assert not origins.allows("null", HOST)


def test_a_single_pattern_need_not_stand_in_a_list() -> None:
    assert Origins("https://*.example.com").allows("https://app.example.com", None)


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:8888",
        "https://localhost",
        "http://lab.localhost:8888",
        "http://127.0.0.1",
        "http://127.255.3.4:9",
        "http://[::1]:8888",
    ],
)
def test_pages_from_loopback_are_allowed_unless_patterns_are_given(origin: str) -> None:
    assert Origins().allows(origin, "lab.example:8001")
    assert not Origins([]).allows(origin, "lab.example:8001")
    assert not Origins(SUBDOMAINS).allows(origin, "lab.example:8001")


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost.evil.com",
        "http://notlocalhost",
        "http://.localhost",
        "http://127.0.0.1.evil.com",
        "http://127.1",
        "http://2130706433",
        "http://0x7f000001",
        "http://127.0.0.01",
        "http://128.0.0.1",
        "http://0.0.0.0",
        "http://[::2]",
        "http://[::]",
        "http://[::1%25eth0]",
        "http://[::1",
        "http://::1",
        "http://localhost@evil.com",
        "http://evil.com#localhost",
    ],
)
def test_what_only_looks_like_loopback_is_not_allowed(origin: str) -> None:
    assert not Origins().allows(origin, HOST)


def test_the_servers_own_origin_is_allowed_whatever_the_patterns() -> None:
    for origins in (Origins(), Origins([]), Origins(SUBDOMAINS)):
        assert origins.allows("http://Lab.example:8001", "lab.example:8001")
        assert origins.allows("http://lab.example", "LAB.example:80")
        assert origins.allows("http://[fe80::1]:8001", "[fe80:0::1]:8001")
        assert not origins.allows("http://lab.example:8002", "lab.example:8001")
        assert not origins.allows("http://lab.example", "lab.example:8001")
        assert not origins.allows("http://other.example:8001", "lab.example:8001")
        assert not origins.allows("http://lab.example", None)


def test_a_proxy_may_end_the_tls_for_us_and_a_plain_page_is_foreign_to_a_secure_server() -> None:
    origins = Origins([])
    assert origins.allows("https://lab.example", "lab.example")
    assert origins.allows("https://lab.example", "lab.example", secure=True)
    assert not origins.allows("http://lab.example", "lab.example", secure=True)


@pytest.mark.parametrize("host", ["lab.example/", "a@lab.example", "", "lab.example:", "*"])
def test_a_host_that_is_none_makes_no_origin_our_own(host: str) -> None:
    origins = Origins([])
    for origin in (f"http://{host}", "http://lab.example", "null", ""):
        assert not origins.allows(origin, host)


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "null",
        "example.com",
        "*.example.com",
        "https://",
        "https://*",
        "https://*.",
        "https://*.*.example.com",
        "https://a*.example.com",
        "https://app.*.com",
        "https://*example.com",
        "https://example.com/",
        "https://*.10.0.0.1",
        "https://*.[::1]",
        "https://example.com:99999",
        "https://example.com:*",
        "wss://example.com",
        "*://example.com",
        "https://bücher.example",
        "https://user@example.com",
        " https://example.com",
        "https://.*",
    ],
)
def test_a_bad_pattern_is_refused_and_the_message_shows_a_good_one(pattern: str) -> None:
    with pytest.raises(LabError, match=r"write https://app\.example\.com") as refused:
        Origins([pattern])
    assert repr(pattern) in str(refused.value)
    assert not isinstance(refused.value, Refused)


def test_an_origin_is_scheme_host_and_port() -> None:
    assert parse_origin("https://A.example") == Origin("https", "a.example", 443)
    assert parse_origin("http://[0:0::1]:65535") == Origin("http", "::1", 65535)
    assert parse_origin("http://a:65536") is None


@given(st.text())
def test_reading_an_origin_never_raises(text: str) -> None:
    for candidate in (text, f"http://{text}", f"http://[{text}]", f"http://a:{text}"):
        parse_origin(candidate)
        Hosts([text]).allows(candidate)


# Hosts


@pytest.mark.parametrize(
    "host",
    ["localhost", "LocalHost:8001", "lab.localhost", "127.0.0.1", "127.9.9.9:1", "[::1]:8001"],
)
def test_loopback_is_always_a_name_of_ours(host: str) -> None:
    assert Hosts().allows(host)


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "evil.example:8001",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "0.0.0.0",
        "192.168.1.2",
        "localhost:",
        "localhost:x",
        "localhost:99999",
        "localhost.",
        "localhost/",
        "evil@localhost",
        "localhost@evil",
        "localhost, evil.example",
        "evil.example localhost",
        "localhost\r\n",
        "::1",
        "[::1",
        "[::1]evil",
        "*",
    ],
)
def test_a_foreign_or_missing_host_is_not(host: str | None) -> None:
    assert not Hosts().allows(host)
    assert not Hosts(["lab.example", "*", ""]).allows(host)


@pytest.mark.parametrize(
    ("entry", "allowed", "not_allowed"),
    [
        ("Lab.example", ["lab.example", "LAB.EXAMPLE:8001"], ["a.lab.example", "lab.example.evil"]),
        ("lab.example:8001", ["lab.example:8001"], ["lab.example", "lab.example:8002"]),
        ("lab.example:80", ["lab.example:80", "lab.example"], ["lab.example:81"]),
        ("192.168.1.2", ["192.168.1.2:1"], ["192.168.1.3"]),
        ("fe80::80", ["[fe80::80]", "[fe80::80]:1"], ["[fe80::81]"]),
        ("[fe80::80]", ["[fe80::80]", "[fe80:0::80]:1"], ["[fe80::]:80"]),
        ("[fe80::1]:80", ["[fe80::1]:80", "[fe80::1]"], ["[fe80::1]:81"]),
    ],
)
def test_a_configured_host_with_any_port_or_with_its_own(
    entry: str, allowed: Iterable[str], not_allowed: Iterable[str]
) -> None:
    hosts = Hosts([entry])
    assert [host for host in allowed if not hosts.allows(host)] == []
    assert [host for host in not_allowed if hosts.allows(host)] == []


@pytest.mark.parametrize(
    ("entry", "secure"), [("lab.example:443", True), ("lab.example:80", False)]
)
def test_a_host_without_a_port_means_the_port_of_its_scheme(entry: str, secure: bool) -> None:
    assert Hosts([entry]).allows("lab.example", secure)
    assert not Hosts([entry]).allows("lab.example", not secure)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("localhost", True), ("::1", True), ("127.0.0.2", True), ("::", False), ("", False)],
)
def test_which_addresses_are_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


# Guard


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
