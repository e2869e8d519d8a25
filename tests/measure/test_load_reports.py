from __future__ import annotations

import io
import json

import msgspec

from labserver.measure.load_reports import Failed, ProgressReport, Report, Reporter, Rows


def told(out: io.BytesIO) -> list[Report]:
    return [msgspec.json.decode(line, type=Report) for line in out.getvalue().splitlines()]


def test_what_is_told_is_understood() -> None:
    out = io.BytesIO()
    reporter = Reporter(out)
    reporter.expect(10)
    reporter.doing("sse over wifi")
    reporter.reach(10)
    reporter.rows([("sse", 1, 0.5)])
    reporter.failed("no server")
    assert told(out) == [
        ProgressReport(0, 10, "sse over wifi"),
        ProgressReport(10, 10, "sse over wifi"),
        Rows([("sse", 1, 0.5)]),
        Failed("no server"),
    ]


def test_single_steps_are_told_now_and_then() -> None:
    out = io.BytesIO()
    reporter = Reporter(out)
    for _ in range(10_000):
        reporter.step()
    assert 1 <= len(told(out)) < 1_000


def test_infinity_is_null_as_json_has_none() -> None:
    out = io.BytesIO()
    Reporter(out).rows([(float("inf"),)])
    assert json.loads(out.getvalue())["rows"] == [[None]]
