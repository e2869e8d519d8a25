"""What was recorded of real clients, compared with what they say today."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import sync_playwright

import labserver as lab
from labserver.measure.headers import CHROMIUM, CLIENTS, CURL
from labserver.runtime.server import Server
from labserver.wire.message import Kind

OURS = {"Host", "Authorization"}


@pytest.fixture
def server() -> Iterator[Server]:
    with lab.start("short_polling") as server:
        yield server
    lab.stop_all()


def said(server: Server) -> dict[str, str]:
    """Return the headers of a poll, except for those that each of the lab's clients has."""
    requests = server.trace.only(kind=Kind.HTTP_REQUEST)  # a browser asks for an icon as well
    (request,) = (one for one in requests if one.detail["target"] == "/messages")
    return {name: text for name, text in request.detail["headers"] if name not in OURS}


def test_curl_says_what_was_recorded(server: Server, curl: str) -> None:
    bearer = f"Authorization: Bearer {server.token('alice')}"
    subprocess.run([curl, "-sf", "-H", bearer, f"{server.url}/messages"], check=True)
    today = said(server)
    assert today.keys() == CURL.keys()
    assert today["Accept"] == CURL["Accept"]
    assert today["User-Agent"].startswith("curl/")


@pytest.mark.browser
def test_chromium_says_as_much_as_was_recorded(server: Server, chromium: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"{server.url}/healthz")
        page.evaluate(
            """async ([cookie, token]) => {
                 document.cookie = cookie;
                 await fetch("/messages", {headers: {Authorization: `Bearer ${token}`}});
               }""",
            [CHROMIUM["Cookie"], server.token("alice")],
        )
        browser.close()
    today = said(server)
    assert today.keys() == CHROMIUM.keys()
    sizes = [sum(map(len, headers.values())) for headers in (today, CHROMIUM)]
    assert abs(sizes[0] - sizes[1]) < 0.1 * sizes[1]


def test_nothing_of_the_lab_itself_is_kept() -> None:
    for headers in CLIENTS.values():
        assert headers is None or not OURS & headers.keys()
