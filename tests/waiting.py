"""Waiting and timing, in one place.

A test waits for a condition, never for a time: `await eventually(…)` on an event loop,
`wait_until(…)` in a thread. What is awaited comes, or the test fails after `DEADLINE_S`, which is
far more than any machine needs, however busy it is.

What must be quick is put into a `within` block. Its limit holds for a machine that has nothing else
to do. Where others keep the machine busy, a process beside the test measures by how much sleeping
and computing are delayed, and the limit is extended in proportion; nothing is measured twice.

What measures milliseconds asks the same process whether this machine can measure at all. If it
cannot, the measurement is undecided: see the fixture `judge` in conftest.py.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")

DEADLINE_S = 120.0  # for what must happen; nothing that works comes near it
PROMPT_S = (
    2.5  # "at once" for a `within` block: below every timeout that would end the wait instead
)
SILENCE_S = 0.3  # how long a test listens for what must not come
NAGLE_S = 0.040  # what a small write waits for, where Nagle's algorithm meets a delayed ACK (Linux)

LOOK_S = 0.01  # between two looks at a condition
DELAYS = 2  # what is measured has more steps than the probe, and each of them may be delayed

# Sleeps for 5 ms and computes for 1 ms, over and over, until its standard input ends; then says by
# how many seconds each round was late.
PROBE = """
import select, sys, time
late = []
print(flush=True)
began = time.perf_counter()
while not select.select([sys.stdin], [], [], 0.005)[0]:
    used = time.process_time()
    while time.process_time() - used < 0.001:
        pass
    now = time.perf_counter()
    late.append(max(0.0, now - began - 0.006))
    began = now
print(*late)
"""


def wait_until(condition: Callable[[], T], what: str = "") -> T:
    """Wait in a thread until `condition` holds.

    Args:
        condition: is called again and again.
        what: what is waited for, for the message of the failure.

    Returns:
        The first true value of `condition`.
    """
    until = time.monotonic() + DEADLINE_S
    while not (found := condition()):
        assert time.monotonic() < until, what or "what was waited for did not happen"
        time.sleep(LOOK_S)
    return found


async def eventually(condition: Callable[[], T], what: str = "") -> T:
    """Wait on an event loop until `condition` holds: `wait_until` for coroutines."""
    until = time.monotonic() + DEADLINE_S
    while not (found := condition()):
        assert time.monotonic() < until, what or "what was waited for did not happen"
        await asyncio.sleep(LOOK_S)
    return found


@dataclass
class Lateness:
    """By how much a machine delays whoever sleeps or computes.

    Attributes:
        rounds_s: of the probe: by how many seconds each was late.
    """

    rounds_s: list[float] = field(default_factory=list)

    @property
    def total_s(self) -> float:
        """Over the whole block, in seconds."""
        return sum(self.rounds_s)

    def hides(self, difference_s: float) -> bool:
        """Whether a difference cannot be measured on this machine at this time.

        That is so if one round in ten was late by half of it: what is measured consists of several
        such steps, and a median is safe only from what happens seldom.
        """
        late = sorted(self.rounds_s)
        return not late or late[len(late) * 9 // 10] > difference_s / 2


@contextmanager
def lateness() -> Iterator[Lateness]:
    """Measure, beside a block and from another process, how late this machine is.

    Yields:
        What is filled in at the end of the block.
    """
    found = Lateness()
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", PROBE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as probe:
        assert probe.stdin is not None
        assert probe.stdout is not None
        probe.stdout.readline()
        try:
            yield found
        finally:
            probe.stdin.close()
            found.rounds_s += map(float, probe.stdout.read().split())


@contextmanager
def within(limit_s: float = PROMPT_S) -> Iterator[None]:
    """See to it that a block takes less than `limit_s` on a machine that has nothing else to do.

    A machine that is busy delays a block at each of its steps; so the limit is extended in
    proportion to what a probe beside it was delayed.

    Args:
        limit_s: seconds.
    """
    with lateness() as late:
        began = time.monotonic()
        yield
        taken_s = time.monotonic() - began
    allowed_s = limit_s + DELAYS * late.total_s
    assert taken_s < allowed_s, f"took {taken_s:.3f} s; allowed: {limit_s} s, here {allowed_s:.3f}"
