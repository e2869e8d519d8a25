from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from labserver.classroom.marking.junit import junit
from labserver.classroom.marking.mark import Mark, MarkedNotebook
from labserver.practice.checking.judge import Outcome

MARKED = [
    MarkedNotebook(
        Path("a/05_frames.ipynb"),
        "05_frames",
        (
            Mark("E10", "mask", Outcome.PASS, 2, 2, "✓ E10 mask: passes"),
            Mark("E11", "encode", Outcome.WRONG, 0, 3, "✗ E11 <b>\x00\x1b\n  came \ud800"),
            Mark("E12", "Decoder", Outcome.NOT_ATTEMPTED, 0, 5, "· E12 Decoder: not"),
        ),
    ),
    MarkedNotebook(Path("b.ipynb"), problem="b.ipynb is no notebook."),
]


def test_a_suite_a_notebook_and_a_case_an_exercise() -> None:
    first, second = ET.fromstring(junit(MARKED))
    counts = [first.get(name) for name in ("tests", "failures", "skipped", "errors")]
    assert counts == ["3", "1", "1", "0"]
    assert [case.get("name") for case in first] == ["E10 mask", "E11 encode", "E12 Decoder"]
    assert [[what.tag for what in case] for case in first] == [[], ["failure"], ["skipped"]]
    assert second.get("errors") == "1"
    assert second[0][0].get("message") == "b.ipynb is no notebook."


def test_what_xml_cannot_write_is_replaced() -> None:
    failure = ET.fromstring(junit(MARKED)).find(".//failure")
    assert failure is not None
    assert failure.get("message") == "✗ E11 <b>��"
    assert failure.text == "✗ E11 <b>��\n  came �"
