"""How the notebook has something measured: in a process apart, with a progress bar.

The kernel only waits. The load runs in generator.py, which has the servers as processes of its
own; all of them end when the kernel closes the load's standard input, or is no more.
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
from labserver.measure.reports import Failed, Report, Rows
from labserver.runtime.child_process import command, options
from labserver.runtime.process import TAIL_BYTES

GENERATOR = "labserver.measure.generator"
BAR = "{desc}{percentage:3.0f}% {bar} {elapsed}, {remaining} to go"
END_TIMEOUT_S = 3.0  # to take leave of servers and clients; then it is killed


def carry_out(plan: msgspec.Struct, *, progress: bool = True) -> list[tuple[Any, ...]]:
    """Have a plan carried out in a process apart; an interrupt ends it at once.

    Args:
        plan: one of those that the generator knows.
        progress: show a bar.

    Returns:
        What was measured, row by row; what the columns are the plan's maker knows.

    Raises:
        LabError: if it could not be measured.
    """
    from tqdm.auto import tqdm

    rows: list[tuple[Any, ...]] = []
    with (
        TemporaryFile() as errors,
        tqdm(disable=not progress, leave=False, bar_format=BAR) as bar,
        _generator(plan, errors) as child,
    ):
        assert child.stdout is not None
        for line in child.stdout:
            report = msgspec.json.decode(line, type=Report)
            if isinstance(report, Rows):
                rows += report.rows
            elif isinstance(report, Failed):
                raise LabError(report.message)
            else:
                bar.total, bar.n = report.total, report.done
                bar.set_description(report.doing)
        code = child.wait()
        if code != 0:
            errors.seek(max(0, errors.seek(0, os.SEEK_END) - TAIL_BYTES))
            tail = errors.read().decode(errors="replace").strip()
            raise LabError(f"The load ended with exit code {code}: {tail or 'it was killed'}")
    return rows


@contextmanager
def _generator(plan: msgspec.Struct, errors: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """The load's process, at work on a plan."""
    child = subprocess.Popen(
        command(GENERATOR),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        **options(),  # an interrupt of the kernel does not reach it: it is told below
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        with suppress(OSError):  # it has ended before it read all; its exit code says why
            child.stdin.write(msgspec.json.encode(plan) + b"\n")
            child.stdin.flush()
        yield child
    finally:
        with suppress(OSError):
            child.stdin.close()
        child.stdout.close()  # what it still wants to say must not hold it up
        try:
            child.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
