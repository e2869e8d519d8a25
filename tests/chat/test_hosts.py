"""By which names the server may be addressed."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from labserver.chat.hosts import Hosts
from labserver.chat.origins import is_loopback


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
