"""The load's own process: `python -m labserver.measure.load_process`, started by runner.py.

It reads a plan from standard input, carries it out and writes reports to standard output. When
standard input ends, the kernel is gone or was interrupted: the process then ends at once, with
all its servers and clients.
"""

from __future__ import annotations

import asyncio
import sys

import msgspec

from labserver.errors import LabError
from labserver.measure.capacity import CapacityPlan
from labserver.measure.comparison import ComparisonPlan
from labserver.measure.latency import LatencyPlan
from labserver.measure.load_reports import Reporter
from labserver.measure.overhead import OverheadPlan
from labserver.runtime.child_process import first_line, when_stdin_ends

Plan = LatencyPlan | OverheadPlan | CapacityPlan | ComparisonPlan


def main() -> None:
    """Carry out the plan on standard input."""
    plan = msgspec.json.decode(first_line(), type=Plan)
    reporter = Reporter(sys.stdout.buffer)
    try:
        asyncio.run(_until_stdin_ends(plan, reporter))
    except asyncio.CancelledError:
        pass  # nobody is waiting any more
    except LabError as error:
        reporter.failed(str(error))


async def _until_stdin_ends(plan: Plan, reporter: Reporter) -> None:
    task = asyncio.current_task()
    assert task is not None
    when_stdin_ends(asyncio.get_running_loop(), lambda _: task.cancel())
    await plan.work(reporter)


if __name__ == "__main__":
    main()
