"""Marks as JUnit XML, for programs that read test results."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from labserver.classroom.marking.mark import MarkedNotebook, titles
from labserver.practice.checking.judge import Outcome

# Characters that XML 1.0 §2.2 does not allow.
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(marked: Sequence[MarkedNotebook]) -> str:
    """Return JUnit XML with one testsuite per notebook and one testcase per exercise.

    A wrong answer is a failure, one that was not attempted is skipped, and a notebook that could
    not be marked is an error.
    """
    suites = ET.Element("testsuites")
    for title, one in zip(titles(marked), marked, strict=True):
        outcomes = [mark.outcome for mark in one.marks]
        suite = ET.SubElement(
            suites,
            "testsuite",
            name=_xml(title),
            tests=str(len(outcomes) or 1),
            failures=str(outcomes.count(Outcome.WRONG)),
            skipped=str(outcomes.count(Outcome.NOT_ATTEMPTED)),
            errors=str(int(bool(one.problem))),
        )
        if one.problem:
            case = ET.SubElement(suite, "testcase", classname=_xml(one.path.stem), name="notebook")
            ET.SubElement(case, "error", message=_xml(one.problem))
        for mark in one.marks:
            case = ET.SubElement(
                suite, "testcase", classname=one.notebook, name=f"{mark.exercise} {mark.name}"
            )
            message = _xml(mark.text.partition("\n")[0])
            if mark.outcome is Outcome.WRONG:
                ET.SubElement(case, "failure", message=message).text = _xml(mark.text)
            elif mark.outcome is Outcome.NOT_ATTEMPTED:
                ET.SubElement(case, "skipped", message=message)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _xml(text: str) -> str:
    return FORBIDDEN.sub("�", text)
