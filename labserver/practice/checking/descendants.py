"""What a learner's code has started: found by a variable in its environment, wherever it hides.

A process group is killed as a whole, but a process can leave it (`setsid`), and one whose parent
has ended has no place in the tree any more. Its environment, though, is what it was started with,
and a fork inherits it. A process that has left the tree and was started with another environment
is not found.
"""

from __future__ import annotations

import time

import psutil

VARIABLE = "LABSERVER_ATTEMPT"
ROUNDS_MAX = 50  # a process that forks while we look is found in the next round
PAUSE_S = 0.01


def end(attempt: str, since: float) -> None:
    """End every process that was started with this attempt in its environment.

    Args:
        attempt: the value of `VARIABLE`, which no other process has.
        since: when the attempt was started, seconds since the epoch.
    """
    for _ in range(ROUNDS_MAX):
        left = False
        for process in psutil.process_iter():
            if _may_belong_to(process, attempt, since):
                left = True
        if not left:
            return
        time.sleep(PAUSE_S)


def _may_belong_to(process: psutil.Process, attempt: str, since: float) -> bool:
    """Whether a process is the attempt's, which ends it, or cannot be told yet."""
    try:
        environment = process.environ()
        if environment.get(VARIABLE) == attempt:
            process.kill()
            return True
        # In the middle of an exec a process has no environment: look again.
        return (
            not environment
            and process.create_time() >= since - 1.0  # it is given in hundredths
            and process.status() != psutil.STATUS_ZOMBIE
        )
    except psutil.Error:  # it has ended, or is another user's
        return False
