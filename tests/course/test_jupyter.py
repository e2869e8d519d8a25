"""JupyterLab on a copy, as `labserver lab` starts it, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from labserver.course.jupyter import lab_command
from labserver.course.source import FIRST
from tests.ports import reserved_port
from tests.waiting import DEADLINE_S, wait_until

END_TIMEOUT_S = 15


def answer(url: str) -> tuple[str, str]:
    """Where a request ended up, and the page there; nothing while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.url, response.read().decode()
    except OSError:
        return "", ""


def answers(url: str) -> bool:
    """Whether JupyterLab is there."""
    return answer(f"{url}/api") != ("", "")


@pytest.mark.slow
def test_it_opens_the_first_lesson_with_its_app_exposed_and_ends_with_a_signal(
    tmp_path: Path,
) -> None:
    own = {f"JUPYTER_{kind}_DIR": str(tmp_path / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    command = [sys.executable, "-m", "labserver", "lab", str(tmp_path / "lab"), "--"]
    options = ["--no-browser", "--IdentityProvider.token="]
    options += [f"--LabApp.app_settings_dir={tmp_path}"]  # without those of this environment
    with reserved_port() as port, (tmp_path / "log").open("w") as log:
        with subprocess.Popen(
            [*command, *options, f"--port={port}"],
            env=os.environ | own,
            stdout=log,
            stderr=subprocess.STDOUT,
        ) as child:
            url = f"http://127.0.0.1:{port}"
            try:
                wait_until(lambda: child.poll() is not None or answers(url))
                where, page = answer(url)
                settings = f"{url}/lab/api/settings/@jupyterlab"
                _, notification = answer(f"{settings}/apputils-extension:notification")
                _, tracker = answer(f"{settings}/notebook-extension:tracker")
                _, kernels = answer(f"{url}/api/kernelspecs")
                child.terminate()
                wait_until(lambda: not answers(url), "the end of JupyterLab")
                with suppress(subprocess.TimeoutExpired):  # see tests/browser/conftest.py
                    child.wait(END_TIMEOUT_S)
            finally:
                child.kill()
    said = (tmp_path / "log").read_text(encoding="utf-8")
    assert where == f"{url}/lab/tree/{FIRST}", said
    assert '"exposeAppInBrowser": true' in page
    preset = json.loads(notification)["schema"]["properties"]
    assert preset["fetchNews"]["default"] == "false", "nobody is asked about news"
    drawn = json.loads(tracker)["schema"]["properties"]["windowingMode"]["default"]
    assert drawn == "none", "cells out of sight are drawn as well"
    (kernel,) = json.loads(kernels)["kernelspecs"].values()
    assert "--InteractiveShellApp.extensions=labserver.missing_names" in kernel["spec"]["argv"]
    assert said.startswith(f"Your new copy of the course is in {tmp_path / 'lab'}.\n")
    assert "Traceback" not in said


def test_further_arguments_come_last_so_that_they_win(tmp_path: Path) -> None:
    command = lab_command(tmp_path, "notebooks/my streams.ipynb", ["--port=9000"])
    assert command[-1] == "--port=9000"
    assert "--LabApp.default_url=/lab/tree/notebooks/my%20streams.ipynb" in command
    assert "--LabApp.default_url=/lab" in lab_command(tmp_path, None, [])


PATIENT = """
import signal, sys
signal.signal(signal.SIGINT, lambda *_: sys.exit(7))
print("ready", flush=True)
signal.pause()
"""
PARENT = """
import os, sys
from labserver.course.jupyter import run_as_child
sys.exit(run_as_child([sys.executable, "-c", sys.argv[1]], dict(os.environ)))
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals for a group of processes")
def test_as_a_child_it_decides_what_comes_of_ctrl_c() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, PATIENT],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a console sends Ctrl-C to all of a group
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        os.killpg(parent.pid, signal.SIGINT)
        _, said = parent.communicate(timeout=DEADLINE_S)
    assert (parent.returncode, said) == (7, "")
