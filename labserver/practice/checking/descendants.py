"""What a learner's code has started: found by its parent, or by a variable in its environment.

A process group is killed as a whole, but a process can leave it (`setsid`), and one whose parent
has ended has lost its place in the tree. Its environment, though, is what it was started with,
and a fork inherits it. Only a process that has left group and tree, and was started with another
environment, is not found.
"""

from __future__ import annotations

import time
from contextlib import suppress

import psutil

VARIABLE = "LABSERVER_ATTEMPT"
ROUNDS_MAX = 50  # a process that forks while we look is found in the next round
PAUSE_S = 0.01


def of(pid: int) -> list[psutil.Process]:
    """Return the processes below one, which must not have been waited for yet."""
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.Error:  # it has ended
        return []


def kill(processes: list[psutil.Process]) -> None:
    """Kill processes; those that have ended are left alone, even if another has their id now."""
    for process in processes:
        with suppress(psutil.Error):
            process.kill()


def end(attempt: str, since: float) -> None:
    """End every process that was started with this attempt in its environment.

    Args:
        attempt: the value of `VARIABLE`, which no other process has.
        since: when the attempt was started, seconds since the epoch.
    """
    for _ in range(ROUNDS_MAX):
        found = [one for one in psutil.process_iter() if _may_belong_to(one, attempt, since)]
        if not found:
            return
        kill([one for one in found if _environment(one).get(VARIABLE) == attempt])
        time.sleep(PAUSE_S)


def _may_belong_to(process: psutil.Process, attempt: str, since: float) -> bool:
    """Whether a process is the attempt's, or in the middle of an exec, so that nobody can tell."""
    try:
        if environment := _environment(process):
            return environment.get(VARIABLE) == attempt
        return bool(
            process.create_time() >= since - 1.0  # the system counts in hundredths of a second
            and process.status() != psutil.STATUS_ZOMBIE
            and process.username() == psutil.Process().username()
        )
    except (psutil.Error, KeyError):  # it has ended, or its user has no name
        return False


def _environment(process: psutil.Process) -> dict[str, str]:
    """Return a process's environment; empty during an exec, and for other users' processes."""
    try:
        return dict(process.environ())
    except (psutil.Error, OSError):
        return {}
