"""A run of the notebooks does not count as the progress of whoever runs them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

from tests.notebooks.execute import REPOSITORY

# As a lesson does that measures.
KEEPS = """
from labserver.measure.measurement import Measurement
from labserver.practice.progress.runs import history, keep
assert history("latency.p50") == []
keep([Measurement("latency.p50", 3.5, "ms")], False)
assert [run.value for run in history("latency.p50")] == [3.5]
"""


def test_what_nbval_measures_is_not_the_progress_of_whoever_runs_it(tmp_path: Path) -> None:
    lessons, own = tmp_path / "notebooks", tmp_path / "own"
    lessons.mkdir()
    own.mkdir()
    lesson = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(KEEPS)])
    nbformat.write(lesson, lessons / "01_measure.ipynb")
    shutil.copy(REPOSITORY / "conftest.py", tmp_path)  # it stands above the lessons there, too
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax",
         "--nbval-current-env", f"--rootdir={tmp_path}", str(lessons)],
        cwd=tmp_path, env=os.environ | {"LABSERVER_STATE": str(own)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout
    assert "1 passed" in run.stdout
    assert list(own.iterdir()) == []
