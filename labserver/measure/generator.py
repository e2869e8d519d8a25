"""The load's own process: `python -m labserver.measure.generator`, started by runner.py.

It reads a plan from standard input, carries it out and writes reports to standard output. When
standard input ends, whoever wanted to know has gone or has lost interest: it ends with all its
servers and clients, at once.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading

import msgspec

from labserver.errors import LabError
from labserver.measure.capacity import CapacityPlan
from labserver.measure.latency import LatencyPlan
from labserver.measure.overhead import OverheadPlan
from labserver.measure.reports import Reporter

STDIN = 0

Plan = LatencyPlan | OverheadPlan | CapacityPlan


def main() -> None:
    """Carry out the plan on standard input."""
    plan = msgspec.json.decode(sys.stdin.buffer.readline(), type=Plan)
    reporter = Reporter(sys.stdout.buffer)
    try:
        asyncio.run(carry_out(plan, reporter))
    except asyncio.CancelledError:
        pass  # nobody waits for more
    except LabError as error:
        reporter.failed(str(error))


async def carry_out(plan: Plan, reporter: Reporter) -> None:
    """Carry out a plan, as long as standard input is open."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    # A thread, because not every kind of stdin can be polled.
    threading.Thread(target=_at_end_of_stdin, args=(loop, task), daemon=True).start()
    await plan.work(reporter)


def _at_end_of_stdin(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    while os.read(STDIN, 4096):
        pass
    try:
        loop.call_soon_threadsafe(task.cancel)
    except RuntimeError:
        pass  # the loop has ended before


if __name__ == "__main__":
    main()
