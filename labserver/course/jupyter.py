"""JupyterLab on a learner's copy of the course, without news and without asking for updates.

Its app is exposed to the page, as window.jupyterapp, for the exercises' panels, which edit a cell.
Its kernel is ipykernel with an extension (labserver/missing_names.py), which says which cell has to
run first even where the cell that imports labserver has not run. All cells of a notebook are drawn,
not only those in sight, so that a figure below learns that its width has changed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

# By the variable that names further folders: settings, which the learner may change, and kernels.
_FOLDERS = {
    "JUPYTER_CONFIG_PATH": Path(__file__).with_name("jupyter_config"),
    "JUPYTER_PATH": Path(__file__).with_name("jupyter_data"),
}


def open_lab(folder: Path, notebook: str | None, arguments: Sequence[str] = ()) -> int:
    """Run JupyterLab until it ends.

    On Linux and macOS it takes the place of this process, so that signals reach it, and this
    function does not return.

    Args:
        folder: what JupyterLab shows.
        notebook: the path below it that is opened first; None for none.
        arguments: further ones for `jupyter lab`.

    Returns:
        JupyterLab's exit code.
    """
    command = lab_command(folder, notebook, arguments)
    environment = dict(os.environ)
    for variable, ours in _FOLDERS.items():
        paths = filter(None, [os.environ.get(variable), str(ours)])
        environment[variable] = os.pathsep.join(paths)
    sys.stdout.flush()
    if os.name == "posix":
        os.execve(command[0], command, environment)
    return run_as_child(command, environment)


def lab_command(folder: Path, notebook: str | None, arguments: Sequence[str]) -> list[str]:
    """Return the command that runs JupyterLab."""
    as_root = os.name == "posix" and os.getuid() == 0
    page = f"/lab/tree/{quote(notebook)}" if notebook else "/lab"
    return [
        *(sys.executable, "-m", "jupyterlab"),
        f"--ServerApp.root_dir={folder.resolve()}",
        f"--LabApp.default_url={page}",
        "--expose-app-in-browser",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        *(["--allow-root"] if as_root else []),  # Jupyter wants to be told; CI machines mean it
        *arguments,
    ]


def run_as_child(command: Sequence[str], environment: dict[str, str]) -> int:
    """Run a command in a process of its own until it ends, and return its exit code.

    A console sends Ctrl-C to both processes: the child decides what comes of it.
    """
    # A KeyboardInterrupt while the child's end is noted would lose its exit code. The signal is
    # caught, not ignored: what a process ignores, its children ignore as well.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        with subprocess.Popen(command, env=environment) as child:
            return child.wait()
    finally:
        signal.signal(signal.SIGINT, before)
