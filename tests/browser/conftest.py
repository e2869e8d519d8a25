"""One JupyterLab for all tests in a real browser: it serves a learner's copy of the course."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from labserver.course.jupyter import lab_command
from labserver.course.unpack import unpack
from labserver.runtime.wiring import LOOPBACK
from tests.browser.lab_page import LabPage
from tests.conftest import REPOSITORY
from tests.ports import reserved_port
from tests.waiting import DEADLINE_S, wait_until

END_TIMEOUT_S = 15  # now and then a thread of JupyterLab's waits for ever: anyio's, in 4.16
SESSIONS_CAN_BE_DELETED = "--ServerApp.disable_check_xsrf=True"  # as `lab_page` does
ELSEWHERE = "jupyter.example"  # for the browser this machine's other name, which is not loopback

expect.set_options(timeout=1000 * DEADLINE_S)


@pytest.fixture(scope="session")
def notebooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that JupyterLab shows: the lessons, and what a test adds to them."""
    folder = tmp_path_factory.mktemp("lab")
    unpack(folder, REPOSITORY)
    return folder / "notebooks"


@pytest.fixture(scope="session")
def lab_url(chromium: str, notebooks: Path) -> Iterator[str]:
    """The address of the JupyterLab that all tests share."""
    with jupyter_lab(notebooks.parent, SESSIONS_CAN_BE_DELETED) as url:
        yield url


@contextmanager
def jupyter_lab(folder: Path, *options: str, prefix: str = "/", token: str = "") -> Iterator[str]:
    """A JupyterLab with settings of its own, for the time of a block.

    Args:
        folder: what it serves; its log and settings are kept there too.
        options: on its command line, beside the usual ones.
        prefix: the path under which it is found.
        token: what it asks of who comes; empty: nothing.

    Yields:
        Its address, prefix included, without a slash at the end.
    """
    more = ["--no-browser", "--LabApp.extension_manager=readonly"]
    more += [f"--IdentityProvider.token={token}", f"--ServerApp.base_url={prefix}", *options]
    command = lab_command(folder, None, more)
    own = {f"JUPYTER_{kind}_DIR": str(folder / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    with (
        reserved_port() as port,
        (folder / "lab.log").open("w") as log,
        subprocess.Popen(
            [*command, f"--port={port}"], env=os.environ | own, stdout=log, stderr=subprocess.STDOUT
        ) as child,
    ):
        try:
            url = f"http://{LOOPBACK}:{port}{prefix}".rstrip("/")
            address = f"{url}/api?token={token}"
            with suppress(AssertionError):
                wait_until(lambda: child.poll() is not None or _answers(address))
            assert _answers(address), (folder / "lab.log").read_text()[-4000:]
            yield url
        finally:
            child.terminate()
            with suppress(subprocess.TimeoutExpired):
                child.wait(END_TIMEOUT_S)
            child.kill()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:  # nobody listens, or whoever does is not ready yet
        return False


def end_kernels(url: str, token: str = "") -> None:
    """End all kernels: JupyterLab keeps them when a page is closed."""
    headers = {"Authorization": f"token {token}"} if token else {}
    asked = urllib.request.Request(f"{url}/api/sessions", headers=headers)
    with urllib.request.urlopen(asked) as answer:
        sessions = json.load(answer)
    for session in sessions:
        one = f"{url}/api/sessions/{session['id']}"
        urllib.request.urlopen(
            urllib.request.Request(one, headers=headers, method="DELETE")
        ).close()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One Chromium for a file's tests: while it is there, no other event loop can run."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                f"--host-resolver-rules=MAP {ELSEWHERE} {LOOPBACK}",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def context(browser: Browser) -> BrowserContext:
    """What a file's pages have in common: JupyterLab's scripts are fetched and compiled once."""
    return browser.new_context(viewport={"width": 1400, "height": 1000})


@pytest.fixture(scope="module")
def shared_page(context: BrowserContext, lab_url: str) -> Iterator[LabPage]:
    """One page of JupyterLab for a file's tests; the kernels that it starts end with it."""
    page = context.new_page()
    yield LabPage(page, lab_url)
    page.close()
    end_kernels(lab_url)


@pytest.fixture
def lab_page(shared_page: LabPage) -> Iterator[LabPage]:
    """The file's page, as a test finds it: nothing is said and nothing is in the way."""
    shared_page.dialogs.clear()
    yield shared_page
    shared_page.page.unroute_all()
