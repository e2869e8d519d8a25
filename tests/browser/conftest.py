"""JupyterLab in a real browser, on a copy of the notebooks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from labserver.runtime.wiring import LOOPBACK, bind
from tests.browser.lab_page import LabPage
from tests.conftest import REPOSITORY

START_TIMEOUT_S = 60
END_TIMEOUT_S = 15  # now and then a thread of JupyterLab's waits for ever: anyio's, in 4.16
SESSIONS_CAN_BE_DELETED = "--ServerApp.disable_check_xsrf=True"  # as `lab_page` does
ELSEWHERE = "jupyter.example"  # for the browser this machine's other name, which is not loopback

expect.set_options(timeout=20_000)  # what a busy machine takes to show what is there


@pytest.fixture(scope="module")
def lab_url(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a JupyterLab that serves a copy of the notebooks."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(REPOSITORY / "notebooks", folder / "notebooks")
    with jupyter_lab(folder, SESSIONS_CAN_BE_DELETED) as url:
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
    free = bind(LOOPBACK, 0)
    port = free.getsockname()[1]
    free.close()
    command = [
        *(sys.executable, "-m", "jupyter", "lab", "--no-browser", f"--port={port}"),
        *("--expose-app-in-browser", "--LabApp.news_url=None"),
        *("--LabApp.extension_manager=readonly", f"--IdentityProvider.token={token}"),
        f"--ServerApp.root_dir={folder}",
        f"--ServerApp.base_url={prefix}",
        *(["--allow-root"] if os.name == "posix" and os.getuid() == 0 else []),
        *options,
    ]
    own = {f"JUPYTER_{kind}_DIR": str(folder / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    with (
        (folder / "lab.log").open("w") as log,
        subprocess.Popen(
            command, env=os.environ | own, stdout=log, stderr=subprocess.STDOUT
        ) as child,
    ):
        try:
            url = f"http://{LOOPBACK}:{port}{prefix}".rstrip("/")
            _wait_for(f"{url}/api?token={token}", folder / "lab.log")
            yield url
        finally:
            child.terminate()
            with suppress(subprocess.TimeoutExpired):
                child.wait(END_TIMEOUT_S)
            child.kill()


def _wait_for(url: str, log: Path) -> None:
    until = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:  # nobody listens, or who does is not ready yet
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start: {log.read_text()[-2000:]}")


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


@pytest.fixture
def lab_page(browser: Browser, lab_url: str) -> Iterator[LabPage]:
    """A fresh page; the kernels that it starts end with it."""
    page: Page = browser.new_page(viewport={"width": 1400, "height": 1000})
    yield LabPage(page, lab_url)
    page.close()
    with urllib.request.urlopen(f"{lab_url}/api/sessions") as answer:
        sessions = json.load(answer)
    for session in sessions:  # JupyterLab keeps kernels when a page is closed
        request = urllib.request.Request(f"{lab_url}/api/sessions/{session['id']}", method="DELETE")
        urllib.request.urlopen(request).close()
