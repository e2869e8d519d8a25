"""Completion: what Tab gives in a real bash, and by click's own interface for other shells."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from labserver.__main__ import main
from labserver.completion import SHELLS
from tests.conftest import on_path
from tests.waiting import DEADLINE_S, within

NOT_FOR_A_TAB = ("asyncio", "msgspec", "numpy", "pandas", "rich", "starlette", "tornado")
ASKED = """
import atexit, sys
from labserver.__main__ import main
atexit.register(lambda: print(*sorted(sys.modules), file=sys.stderr))
main(prog_name="labserver")
"""


def completed(*words: str) -> list[str]:
    """What Tab offers after some words, the last of which is incomplete."""
    asked = ShellComplete(main, {}, "labserver", "_LABSERVER_COMPLETE")
    return [item.value for item in asked.get_completions(list(words[:-1]), words[-1])]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["ser"], ["serve"]),
        (["serve", "web"], ["websocket", "webrtc"]),
        (["compare", "--techniques", "l"], ["long_polling"]),
        (["compare", "--techniques", "sse,web"], ["sse,websocket", "sse,webrtc"]),
        (["compare", "--techniques", "sse,ss"], []),
        (["compare", "--qu"], ["--quick"]),
        (["completion", ""], [*SHELLS]),
    ],
)
def test_tab_completes(words: list[str], offered: list[str]) -> None:
    assert completed(*words) == offered


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_has_its_script(shell: str) -> None:
    run = CliRunner().invoke(main, ["completion", shell], prog_name="labserver")
    assert run.exit_code == 0
    assert f"_LABSERVER_COMPLETE={shell}_complete" in run.stdout


def test_another_shell_is_wrong_use() -> None:
    run = CliRunner().invoke(main, ["completion", "tcsh"], prog_name="labserver")
    assert run.exit_code == 2
    assert run.stdout == ""
    assert "'bash', 'zsh', 'fish'" in run.stderr


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is missing")
def test_bash_completes_what_was_typed() -> None:
    program = on_path("labserver")()
    assert program is not None
    script = f"""
source <({shlex.quote(program)} completion bash)
tab() {{
  COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
  "$(complete -p labserver | sed 's/.*-F \\([^ ]*\\) .*/\\1/')" {shlex.quote(program)}
  echo "${{COMPREPLY[*]}}"
}}
tab labserver ser
tab labserver serve web
tab labserver compare --techniques sse,webs
tab labserver compare --techniques =
tab labserver compare --techniques = sse,webs
"""
    run = subprocess.run(
        ["bash", "--norc", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE_S,
    )
    assert run.stderr == ""
    assert run.stdout.splitlines() == [
        "serve",
        "websocket webrtc",
        "sse,websocket",
        "short_polling long_polling sse websocket webrtc",
        "sse,websocket",
    ]


@pytest.mark.slow
def test_a_tab_is_answered_at_once_as_nothing_heavy_is_imported() -> None:
    asking = {
        "_LABSERVER_COMPLETE": "bash_complete",
        "COMP_WORDS": "labserver serve s",
        "COMP_CWORD": "2",
    }
    with within(2):  # 0.1 s; it is the imports below that decide
        run = subprocess.run(
            [sys.executable, "-c", ASKED],
            env=os.environ | asking,
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE_S,
        )
    assert run.stdout.splitlines() == ["plain,short_polling", "plain,sse"]
    imported = set(run.stderr.split())
    assert "click" in imported
    assert imported.isdisjoint(NOT_FOR_A_TAB)
