from __future__ import annotations

import subprocess
import sys

import msgspec

from labserver.measure.latency import LatencyPlan
from labserver.measure.load_reports import Failed, ProgressReport, Report, Rows
from labserver.measure.runner import LOAD_PROCESS
from labserver.measure.workload import Workload
from tests.waiting import DEADLINE_S

PLAN = LatencyPlan(
    runs=[("websocket", "loopback")],
    links={"loopback": None},
    poll_interval_s=1.0,
    workload=Workload(messages=3),
    repetitions=2,
)


def generate(stdin: str) -> tuple[list[Report], int]:
    """Return what it says and its exit code; its standard input stays open until then."""
    with subprocess.Popen(
        [sys.executable, "-m", LOAD_PROCESS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(stdin)
        child.stdin.flush()
        said = [msgspec.json.decode(line, type=Report) for line in child.stdout]
    return said, child.returncode


def test_a_plan_is_carried_out_and_reported() -> None:
    said, code = generate(msgspec.json.encode(PLAN).decode() + "\n")
    assert code == 0
    assert said[0] == ProgressReport(0, 6, "websocket over loopback")
    assert said[-1] == ProgressReport(6, 6, "websocket over loopback")
    rows = [row for report in said if isinstance(report, Rows) for row in report.rows]
    assert [row[2:4] for row in rows] == [(r, m) for r in range(2) for m in range(3)]


def test_what_it_cannot_do_is_the_last_report() -> None:
    plan = msgspec.structs.replace(PLAN, runs=[("carrier_pigeon", "loopback")])
    said, code = generate(msgspec.json.encode(plan).decode() + "\n")
    assert code == 0
    assert isinstance(said[-1], Failed)


def test_it_ends_with_its_standard_input() -> None:
    plan = msgspec.structs.replace(PLAN, workload=Workload(messages=10_000))
    run = subprocess.run(
        [sys.executable, "-m", LOAD_PROCESS],
        input=msgspec.json.encode(plan) + b"\n",
        capture_output=True,
        check=True,
        timeout=DEADLINE_S,
    )
    assert b"rows" not in run.stdout
    assert run.stderr == b""
