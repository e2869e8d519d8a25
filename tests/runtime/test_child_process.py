"""What a child process of ours is started with, and how it learns of its parent's end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from labserver.runtime.child_process import SOURCES, command, options


def test_it_is_another_run_of_this_python_that_does_not_import_from_its_folder() -> None:
    assert command("labserver.some.module") == [
        *(sys.executable, "-P", "-m"),
        "labserver.some.module",
    ]


def test_it_finds_this_labserver_before_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    assert options()["env"]["PYTHONPATH"] == os.pathsep.join([str(SOURCES), "/elsewhere"])
    monkeypatch.delenv("PYTHONPATH")
    assert options()["env"]["PYTHONPATH"] == str(SOURCES)


def test_it_has_this_environment_and_what_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INHERITED", "yes")
    environment = options(ADDED="too")["env"]
    assert (environment["INHERITED"], environment["ADDED"]) == ("yes", "too")
    assert "ADDED" not in os.environ


def test_a_module_in_the_working_folder_does_not_stand_in_for_one_of_ours(tmp_path: Path) -> None:
    for name in ("random", "labserver"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong one')")
    run = subprocess.run(
        [*command("labserver"), "--version"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        **options(),
    )
    assert (run.returncode, run.stderr) == (0, "")


CHILD = """
import asyncio
from labserver.runtime.child_process import first_line, when_stdin_ends

async def main():
    print("asked to", first_line().decode().strip(), flush=True)
    ended = asyncio.get_running_loop().create_future()
    when_stdin_ends(asyncio.get_running_loop(), ended.set_result)
    print("the parent said good-bye:", await ended)

asyncio.run(main())
"""


@pytest.mark.parametrize(("rest", "said"), [("", False), ("farewell\n", True)])
def test_it_hears_whether_the_parent_said_goodbye(rest: str, said: bool) -> None:
    # All at once: what follows the first line must not be swallowed with it.
    run = subprocess.run(
        [sys.executable, "-c", CHILD],
        input=f"count to three\n{rest}",
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        **options(),
    )
    assert run.stdout == f"asked to count to three\nthe parent said good-bye: {said}\n"


@pytest.mark.skipif(os.name != "posix", reason="Windows has no sessions")
def test_it_has_a_session_of_its_own() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, **options()
    ) as child:
        assert os.getsid(child.pid) == child.pid != os.getsid(0)
        assert child.stdin is not None
        child.stdin.close()
