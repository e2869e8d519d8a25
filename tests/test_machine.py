"""What the doctor checks, and what it says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from labserver.machine import (
    TOOLS,
    Finding,
    Findings,
    doctor,
    packages,
    requirements,
    tools,
)
from labserver.runtime import running_servers
from labserver.runtime import server as runtime
from tests.served import TECHNIQUES


@pytest.fixture(scope="module")
def findings() -> Findings:
    """Of this machine."""
    found = doctor()
    runtime.stop_all()
    return found


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_each_technique_makes_a_round_trip(findings: Findings, technique: str) -> None:
    (trip,) = [finding for finding in findings if finding.what == f"round trip: {technique}"]
    assert trip.state == "ok", trip
    assert trip.found.endswith(" ms")


def test_what_the_lab_needs_is_there(findings: Findings) -> None:
    of = {finding.what: finding for finding in findings}
    for what in ("Python", "ipykernel", "jupyterlab", "background loop", "TCP_NODELAY"):
        assert of[what].state == "ok", of[what]
    assert findings.ok == all(finding.state != "failed" for finding in findings)


def test_it_leaves_nothing_behind(findings: Findings) -> None:
    assert not running_servers._servers


def test_ours_are_among_the_requirements() -> None:
    names = {line.partition(">")[0].partition("=")[0] for line in requirements()}
    assert {"ipykernel", "jupyterlab", "websockets", "tornado"} <= names


def test_a_package_that_is_missing_or_too_old() -> None:
    wanted = ["no-such-package>=1", "pytest>=999", "pytest>=1", 'nothing>=1; extra == "test"']
    missing, old, good = packages(wanted)
    assert missing == Finding(
        "no-such-package", "failed", "not installed", 'pip install "no-such-package>=1"'
    )
    assert old.state == "failed"
    assert old.found.endswith(", not >=999")
    assert old.remedy == 'pip install "pytest>=999"'
    assert (good.what, good.state, good.remedy) == ("pytest", "ok", "")


def test_tools_are_optional(tmp_path: Path) -> None:
    found = tuple(tools(str(tmp_path)))
    assert len(found) == len(TOOLS)
    assert {finding.state for finding in found} == {"optional"}
    assert all("apt install" in finding.remedy for finding in found)
    assert Findings(found).ok


def test_a_tool_is_found(tmp_path: Path) -> None:
    node = tmp_path / "node"
    node.touch(mode=0o755)
    (finding,) = [finding for finding in tools(os.fspath(tmp_path)) if finding.what == "node"]
    assert finding == Finding("node", "ok", str(node))


def test_they_are_shown_as_a_table_and_as_text() -> None:
    findings = Findings((Finding("<b>", "failed", "x & y", "mend it"), Finding("it", "ok", "1.0")))
    assert not findings.ok
    assert '<td style="text-align:left">&lt;b&gt;</td>' in findings._repr_html_()
    assert "x &amp; y" in findings._repr_html_()
    assert repr(findings) == "✗ failed   <b>: x & y → mend it\n✓ ok       it: 1.0"
