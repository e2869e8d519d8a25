"""The browser's own clients in a JupyterLab that is elsewhere, where all goes through its proxy."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from labserver.runtime.wiring import LOOPBACK
from tests.browser.conftest import ELSEWHERE, end_kernels, jupyter_lab
from tests.browser.lab_page import LabPage
from tests.browser.test_browser_clients import USERS, all_are_heard_in_all, write_panes
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

JUPYTER_TOKEN = "a-token-of-jupyter-itself"
# Connections to Jupyter that panes hold.
HELD = "() => [...(globalThis.labserverHeld?.values() ?? [])].reduce((n, held) => n + held.size, 0)"


@pytest.fixture(scope="module")
def far_url(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A JupyterLab with a password, under another name than loopback and behind a prefix."""
    folder = tmp_path_factory.mktemp("far")
    write_panes(folder, "panes.ipynb", allowed_hosts=[ELSEWHERE])
    write_panes(folder, "unprepared.ipynb")
    write_panes(folder, "crowd.ipynb", source=CROWD.format(host=ELSEWHERE))
    elsewhere_too = "--ServerApp.allow_remote_access=True"
    with jupyter_lab(folder, elsewhere_too, prefix="/lab-prefix/", token=JUPYTER_TOKEN) as url:
        yield url


@pytest.fixture(scope="module")
def shared_far_page(browser: Browser, far_url: str) -> Iterator[LabPage]:
    """A page of that JupyterLab; the kernels that it starts end with it."""
    url = far_url.replace(LOOPBACK, ELSEWHERE)
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    page.goto(f"{url}/lab?token={JUPYTER_TOKEN}")  # from here on there is a cookie
    yield LabPage(page, url)
    context.close()
    end_kernels(far_url, JUPYTER_TOKEN)


@pytest.fixture
def far_page(shared_far_page: LabPage) -> Iterator[LabPage]:
    """That page, whose panes have all given back their connections when a test ends."""
    yield shared_far_page
    shared_far_page.close()
    wait_until(lambda: shared_far_page.page.evaluate(HELD) == 0)


def addresses_of(page: Page) -> set[str]:
    """Fills up with the host and port of whatever the page connects to."""
    seen: set[str] = set()
    page.on("request", lambda request: seen.add(urlsplit(request.url).netloc))
    page.on("websocket", lambda socket: seen.add(urlsplit(socket.url).netloc))
    return seen


def test_far_away_all_goes_through_the_proxy(far_page: LabPage) -> None:
    reached = addresses_of(far_page.page)
    far_page.run_all("panes.ipynb")
    all_are_heard_in_all(far_page, "through the proxy")
    reached.discard("")  # blob: and data: are in the page itself
    assert reached == {urlsplit(far_page.url).netloc}, "nothing else was even tried"


def test_far_away_the_pane_says_which_host_to_allow(far_page: LabPage) -> None:
    far_page.run_all("unprepared.ipynb")
    for user in USERS.values():
        pane = far_page.pane(user)
        pane.is_now("refused")
        advice = pane.root.locator(".lab-chat-reason")
        expect(advice).to_contain_text(f'allowed_hosts=["{ELSEWHERE}"]')


def test_far_away_a_closed_notebook_gives_its_connections_back(far_page: LabPage) -> None:
    far_page.run_all("panes.ipynb")
    for user in USERS.values():
        far_page.pane(user).is_now("open")
    wait_until(lambda: far_page.page.evaluate(HELD) == 2)  # long polling and SSE
    far_page.close()
    wait_until(lambda: far_page.page.evaluate(HELD) == 0)


CROWD = """\
import labserver as lab
from ipywidgets import Box, Layout
server = lab.start("sse", allowed_hosts=["{host}"])
panes = [server.browser(f"tab{{number}}") for number in range(1, 8)]
Box(panes, layout=Layout(flex_flow="row wrap"))"""


def test_far_away_the_panes_leave_jupyter_connections_of_its_own(far_page: LabPage) -> None:
    far_page.run_all("crowd.ipynb")
    states = far_page.page.locator(".lab-browser .lab-chat-state")
    expect(states.get_by_text("open", exact=True)).to_have_count(4)
    expect(states.get_by_text("closed", exact=True)).to_have_count(3)
    told = far_page.page.locator(".lab-chat-reason", has_text="4 panes hold a connection")
    expect(told).to_have_count(3)
    far_page.reload()  # it is saved, and served
    expect(states.get_by_text("open", exact=True)).to_have_count(4)
    last = next(n for n in range(1, 8) if far_page.pane(f"tab{n}").state.inner_text() == "closed")
    first = next(n for n in range(1, 8) if far_page.pane(f"tab{n}").state.inner_text() == "open")
    far_page.pane(f"tab{first}").press("Disconnect")
    far_page.pane(f"tab{last}").press("Connect")
    far_page.pane(f"tab{last}").is_now("open")
