"""Which pages may connect."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labserver.chat.hosts import Hosts
from labserver.chat.origins import Origin, Origins, parse_origin
from labserver.errors import LabError, Refused

HOST = "127.0.0.1:8001"


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
    """SUBDOMAINS, written in another way: strip both ends, and look at what is left."""
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
