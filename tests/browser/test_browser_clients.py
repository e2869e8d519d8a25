"""The browser's own WebSocket, EventSource and fetch in a JupyterLab on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Error, Route, expect

from tests.browser.conftest import end_kernels
from tests.browser.lab_page import LabPage, write_notebook
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

USERS = {"short_polling": "ada", "long_polling": "ben", "sse": "cleo", "websocket": "dan"}
CREDENTIALS = {
    "short_polling": "the token in the Authorization header",
    "long_polling": "the token in the Authorization header",
    "sse": "the token in the URL",
    "websocket": "a ticket in the URL, valid once",
}
EVIL = "<img src=x onerror=alert(1)><b>bold</b>"

START = """\
import labserver as lab
from ipywidgets import Box, Layout
options = {options}
servers, panes, hub = {{}}, {{}}, None
for technique, user in {users}.items():
    servers[technique] = lab.start(technique, hub=hub, **options)
    hub = servers[technique].hub
    panes[technique] = servers[technique].browser(user)
Box(list(panes.values()), layout=Layout(flex_flow="row wrap"))"""


def write_panes(folder: Path, name: str, source: str = "", **options: object) -> None:
    """A notebook of one cell; by default a pane for each technique, all in one conversation."""
    source = source or START.format(users=USERS, options=options)
    (folder / "notebooks").mkdir(exist_ok=True)
    write_notebook(folder / "notebooks" / name, [source])


@pytest.fixture(scope="module", autouse=True)
def near(notebooks: Path) -> None:
    """The notebooks for a JupyterLab on loopback."""
    write_panes(notebooks.parent, "panes.ipynb")
    write_panes(notebooks.parent, "seven.ipynb", source=SEVEN)


def all_are_heard_in_all(page: LabPage, way: str) -> None:
    panes = {technique: page.pane(user) for technique, user in USERS.items()}
    for technique, pane in panes.items():
        pane.is_now("open")
        expect(pane.root.locator(".lab-browser-route")).to_contain_text(f"{way}: ")
        proof = pane.root.locator(".lab-browser-proof")
        expect(proof).to_have_text(f"identified by {CREDENTIALS[technique]}")
    for technique, pane in panes.items():
        pane.say(f"by {technique} {EVIL}")
    for technique in USERS:
        for pane in panes.values():
            pane.hears(f"by {technique} {EVIL}")
    for pane in panes.values():
        assert pane.root.locator("img, b >> text=bold").count() == 0
        expect(pane.root.locator("footer")).to_contain_text("1 message sent")
    assert page.dialogs == []


def test_each_client_of_the_browser_is_heard_by_all(lab_page: LabPage) -> None:
    lab_page.run_all("panes.ipynb")
    all_are_heard_in_all(lab_page, "direct")


Rows = list[dict[str, Any]]


def logged(page: LabPage, technique: str, whole: Callable[[Rows], bool]) -> Rows:
    """A pane's log, once it is `whole`: it comes in batches."""

    def look() -> Rows | None:
        table = page.evaluate(f"panes[{technique!r}].log().to_json(orient='records')")
        rows: Rows = json.loads(table)
        return rows if whole(rows) else None

    return wait_until(look) or []


def of_what_was_said(rows: Rows) -> dict[str, dict[str, Any]]:
    """The rows of the messages that were sent from there, by what they say."""
    said = {row["id"] for row in rows if row["what"] == "sent"}
    return {row["what"]: row for row in rows if row["id"] in said}


def test_the_log_comes_back_as_a_table(lab_page: LabPage) -> None:
    lab_page.run_all("panes.ipynb")
    for technique, user in USERS.items():
        pane = lab_page.pane(user)
        pane.is_now("open")
        lab_page.evaluate(f"panes[{technique!r}].say('from {technique}')")
        pane.hears(f"from {technique}")
        expect(pane.root.locator("footer")).to_contain_text("round trip")
        rows = logged(lab_page, technique, lambda rows: len(of_what_was_said(rows)) == 3)
        (opened,) = (row["detail"] for row in rows if row["what"] == "opened")
        assert opened == f"direct, with {CREDENTIALS[technique]}"
        told = of_what_was_said(rows)
        assert set(told) == {"sent", "acked", "received"}
        assert told["received"]["offset"] == told["acked"]["offset"]
        moments = [row["ms"] for row in rows]
        assert moments == sorted(moments)


def test_who_was_cut_off_comes_back_and_hears_everything_once(lab_page: LabPage) -> None:
    lab_page.run_all("panes.ipynb")
    panes = {technique: lab_page.pane(user) for technique, user in USERS.items()}
    for pane in panes.values():
        pane.is_now("open")
    panes["websocket"].say("before")
    for pane in panes.values():
        pane.hears("before")
    lab_page.evaluate("[server.cut() for server in servers.values()]")
    panes["long_polling"].say("after")
    for pane in panes.values():
        pane.hears("after")
        pane.hears("before")

    def codes(rows: Rows) -> list[int]:
        return [row["code"] for row in rows if row["what"] == "closed"]

    rows = logged(lab_page, "websocket", lambda rows: codes(rows) != [])
    assert codes(rows) == [1006], "no close frame came"


@pytest.mark.parametrize("technique", USERS)
def test_what_is_said_while_a_pane_is_away_waits_for_it(lab_page: LabPage, technique: str) -> None:
    lab_page.run_all("panes.ipynb")
    away = lab_page.pane(USERS[technique])
    other = lab_page.pane("dan" if technique != "websocket" else "cleo")
    for pane in (away, other):
        pane.is_now("open")
    other.say("first")
    away.hears("first")
    away.press("Disconnect")
    away.is_now("closed")
    away.say("said while away")
    other.say("missed")
    other.hears("missed")
    away.hears("missed", times=0)
    away.press("Connect")
    away.hears("missed")
    other.hears("said while away")
    away.hears("said while away")
    away.hears("first")


@pytest.fixture
def tunnelled_page(lab_page: LabPage) -> LabPage:
    """Of all ports of this machine only Jupyter's can be reached, as through a tunnel."""
    jupyter = urlsplit(lab_page.url).netloc

    def pass_on(route: Route) -> None:
        if urlsplit(route.request.url).netloc == jupyter:
            route.continue_()
        else:
            route.abort("connectionrefused")

    lab_page.page.route("**/*", pass_on)
    return lab_page


def test_where_the_ports_cannot_be_reached_the_proxy_is_the_way(tunnelled_page: LabPage) -> None:
    tunnelled_page.run_all("panes.ipynb")
    all_are_heard_in_all(tunnelled_page, "through the proxy")


def test_a_stream_that_the_proxy_has_lost_is_found_out_and_resumed(
    tunnelled_page: LabPage,
) -> None:
    tunnelled_page.run_all("panes.ipynb")
    streaming, other = tunnelled_page.pane("cleo"), tunnelled_page.pane("dan")
    for pane in (streaming, other):
        pane.is_now("open")
    other.say("before")
    streaming.hears("before")
    tunnelled_page.evaluate("servers['sse'].cut()")
    other.say("missed")
    other.hears("missed")
    streaming.say("is anybody there?")
    streaming.hears("missed")
    streaming.hears("before")


SEVEN = """\
import labserver as lab
from ipywidgets import Box, Layout
server = lab.start("sse", tls=True, http2=True)
panes = [server.browser(f"tab{number}") for number in range(1, 8)]
Box(panes, layout=Layout(flex_flow="row wrap"))"""


def test_seven_streams_are_open_on_http2_once_the_certificate_is_accepted(
    browser: Browser, lab_url: str
) -> None:
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = LabPage(context.new_page(), lab_url)
    page.run_all("seven.ipynb")
    url = page.evaluate("server.url")
    expect(page.pane("tab1").root.locator(".lab-chat-reason")).to_contain_text(
        f"Open {url}/healthz in another tab, and accept its certificate."
    )
    warning = context.new_page()
    with suppress(Error):  # it stops at the warning
        warning.goto(f"{url}/healthz")
    warning.locator("#details-button").click()  # Advanced
    warning.locator("#proceed-link").click()
    warning.wait_for_url(f"{url}/healthz")
    for number in range(1, 8):
        page.pane(f"tab{number}").is_now("open")
    context.close()
    end_kernels(lab_url)
