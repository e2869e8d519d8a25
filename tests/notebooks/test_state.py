"""What runs the notebooks leaves the progress of whoever runs it alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.notebooks.execute import REPOSITORY, execute

pytestmark = pytest.mark.slow

WRITES = """\
from labserver.practice.progress.store import kept
kept("predictions")["gap"] = {"answer": "lost"}
dict(kept("predictions"))"""
KEPT = {"gap": {"answer": "lost"}}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the state folder would be made, of somebody who has not chosen another."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.delenv("LABSERVER_STATE")
    for name in ("XDG_STATE_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(folder))
    return folder


def progress_files(home: Path) -> list[Path]:
    return list(home.rglob("progress.json"))


def test_executing_a_notebook_writes_no_progress(home: Path, tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(WRITES)])
    execute(notebook, tmp_path)
    assert notebook.cells[0].outputs[0].data["text/plain"] == repr(KEPT)
    assert not progress_files(home)


def test_nbval_writes_no_progress(home: Path, tmp_path: Path) -> None:
    output = nbformat.v4.new_output("execute_result", {"text/plain": repr(KEPT)}, execution_count=1)
    cell = nbformat.v4.new_code_cell(WRITES, execution_count=1, outputs=[output])
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata=kernel)
    nbformat.write(notebook, tmp_path / "writes.ipynb")
    # The repository's, which is above lessons and solutions.
    shutil.copy(REPOSITORY / "conftest.py", tmp_path)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path),
         "--nbval", "--nbval-current-env", "writes.ipynb"],
        cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout
    assert "1 passed" in run.stdout
    assert not progress_files(home)
