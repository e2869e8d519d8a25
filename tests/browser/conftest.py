"""JupyterLab in a real browser, on a copy of the notebooks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from labserver.runtime.wiring import LOOPBACK, bind
from tests.browser.lab_page import LabPage
from tests.conftest import REPOSITORY

START_TIMEOUT_S = 60


@pytest.fixture(scope="module")
def lab_url(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a JupyterLab that serves a copy of the notebooks."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(REPOSITORY / "notebooks", folder / "notebooks")
    free = bind(LOOPBACK, 0)
    port = free.getsockname()[1]
    free.close()
    command = [
        *(sys.executable, "-m", "jupyter", "lab", "--no-browser", f"--port={port}"),
        *("--expose-app-in-browser", "--LabApp.news_url=None"),
        "--ServerApp.disable_check_xsrf=True",  # to delete sessions from the test
        *("--LabApp.extension_manager=readonly", "--IdentityProvider.token="),
        f"--ServerApp.root_dir={folder}",
        *(["--allow-root"] if os.name == "posix" and os.getuid() == 0 else []),
    ]
    own = {f"JUPYTER_{kind}_DIR": str(folder / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    with (
        (folder / "lab.log").open("w") as log,
        subprocess.Popen(
            command, env=os.environ | own, stdout=log, stderr=subprocess.STDOUT
        ) as child,
    ):
        try:
            url = f"http://{LOOPBACK}:{port}"
            _wait_for(f"{url}/api", folder / "lab.log")
            yield url
        finally:
            child.terminate()


def _wait_for(url: str, log: Path) -> None:
    until = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start: {log.read_text()[-2000:]}")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One Chromium for a file's tests: while it is there, no other event loop can run."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
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
