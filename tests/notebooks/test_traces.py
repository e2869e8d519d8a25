"""What the lessons bring of a run is whole, each their own, and drawn without a server."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

import labserver as lab
from labserver.figures.ecdf import latency_ecdf
from labserver.figures.overhead import overhead_ratio
from labserver.figures.sequence import sequence
from labserver.figures.swimlanes import swimlanes
from labserver.measure.latency import Latency
from labserver.measure.overhead import Overhead
from tests.notebooks.record import LESSONS, RECORDED, TRACES, loaded, until_loaded

FILES = sorted(TRACES.glob("*.trace"))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_trace_is_read_without_error_and_drawn_without_a_server(path: Path) -> None:
    trace = lab.Trace.load(path)
    assert len(trace) > 5
    assert not trace.full
    assert len(sequence(trace).data) > 1
    assert len(swimlanes({"recorded": trace}).data) > 1


@pytest.mark.parametrize("stem", RECORDED)
def test_a_lesson_loads_what_it_brings(stem: str) -> None:
    notebook = nbformat.read(LESSONS / f"{stem}.ipynb", as_version=4)
    assert until_loaded(notebook)
    assert loaded(notebook) == set(RECORDED[stem])
    assert all((TRACES / name).is_file() and name[:2] == stem[:2] for name in RECORDED[stem])


def test_every_lesson_brings_something_and_nothing_else_is_there() -> None:
    assert sorted(RECORDED) == sorted(path.stem for path in LESSONS.glob("*.ipynb"))
    kept = {Path(name).with_suffix("") for names in RECORDED.values() for name in names}
    assert {Path(path.stem) for path in TRACES.iterdir()} == kept


def test_what_is_kept_stays_small() -> None:
    assert [path.name for path in TRACES.iterdir() if path.stat().st_size > 50_000] == []


def test_what_was_measured_is_drawn_without_a_server() -> None:
    latency = Latency.load(TRACES / "09_latency.csv")
    assert len(latency_ecdf(latency.table).data) > 10
    spent = Overhead.load(TRACES / "09_overhead.csv")
    assert len(overhead_ratio(spent.ratios()).data) > 2
