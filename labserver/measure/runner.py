"""How the notebook has something measured: in another process, with a progress bar.

The kernel only waits. The load runs in load_process.py, which starts the servers as processes of
their own; all of them end when the kernel closes the load's standard input, or is gone.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from tempfile import TemporaryFile
from typing import IO, Any

import msgspec

from labserver.errors import LabError
from labserver.measure.load_reports import Failed, Report, Rows
from labserver.measure.progress_bar import progress_bar
from labserver.runtime.child_process import command, options
from labserver.runtime.server_process import TAIL_BYTES

LOAD_PROCESS = "labserver.measure.load_process"
END_TIMEOUT_S = 3.0  # for the load to end its servers and clients; then it is killed


def carry_out(plan: msgspec.Struct, *, progress: bool = True) -> list[tuple[Any, ...]]:
    """Have a plan carried out in another process; an interrupt ends it at once.

    Args:
        plan: one of those that load_process.py knows.
        progress: whether to show a bar while it runs, in a terminal or a notebook.

    Returns:
        What was measured, row by row; only the plan's maker knows the columns.

    Raises:
        LabError: if it could not be measured.
    """
    rows: list[tuple[Any, ...]] = []
    with (
        TemporaryFile() as errors,
        progress_bar(progress) as move,
        _load_process(plan, errors) as child,
    ):
        assert child.stdout is not None
        move("starting the servers", 0, 1)  # which takes a second, or three on a slow machine
        for line in child.stdout:
            report = msgspec.json.decode(line, type=Report)
            if isinstance(report, Rows):
                rows += report.rows
            elif isinstance(report, Failed):
                raise LabError(report.message)
            else:
                move(report.doing, report.done, report.total)
        code = child.wait()
        if code != 0:
            errors.seek(max(0, errors.seek(0, os.SEEK_END) - TAIL_BYTES))
            tail = errors.read().decode(errors="replace").strip()
            raise LabError(f"The load ended with exit code {code}: {tail or 'it was killed'}")
    return rows


@contextmanager
def _load_process(plan: msgspec.Struct, errors: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Run the load's process for the length of a block, at work on a plan."""
    child = subprocess.Popen(
        command(LOAD_PROCESS),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        **options(),
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        with suppress(OSError):  # it ended before it had read everything; its exit code says why
            child.stdin.write(msgspec.json.encode(plan) + b"\n")
            child.stdin.flush()
        yield child
    finally:
        with suppress(OSError):
            child.stdin.close()
        child.stdout.close()  # so that what it still wants to say does not hold it up
        try:
            child.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
