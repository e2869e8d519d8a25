"""axe finds no serious fault in windows, panels and pages, whether light or dark.

Whoever makes a new widget or figure adds a line to SHOWN; whoever makes a page, one to PAGES.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from labserver.classroom.marking.gradebook import gradebook
from labserver.classroom.marking.mark import Mark, MarkedNotebook
from labserver.classroom.marking.page import class_page, page
from labserver.practice.checking.judge import Outcome
from labserver.report.page import report
from tests.browser.axe import faults
from tests.browser.lab_page import LabPage, write_notebook
from tests.report.measured import four_techniques

pytestmark = pytest.mark.browser

BEFORE = "import labserver as lab\nserver = lab.start('websocket')\nalice = server.client('alice')"
SHOWN = (
    "window = server.chat('bob')\nwindow",
    "server.browser('carol')",
    "alice.send('hi')\nserver.inspector()",
    "share = lab.predict('a share', 'How many?', unit='%', low=0, high=50)\nshare",
    "share.compare(20, why='Half of them are lost.')",  # covered
    "gap = lab.predict('a gap', 'Lost?', choices=['always', 'never'])\ngap.lock('never')\ngap",
    "gap.compare('always', why='The cable is cut.')",
    "lab.explain('a gap', 'Why?', 'Nothing is kept.', ['a log', 'a cursor'])",
    "written = lab.explain('a cut', 'Why?', 'Nothing is kept.', ['a log', 'a cursor'])\n"
    "written.lock('What was said is nowhere kept.')\nwritten",
    "lab.recall(4)",
    "lab.check('E10', lambda data, key: data)",
    "lab.exercise('E12')",
    "lab.verdict('accept-hash', 'holds', 'the figure says so')\nlab.verdicts(lesson=4)",
    "lab.term('ALPN')",
    "lab.live(server)",
    "lab.progress()",
    "lab.doctor()",
    "from labserver.figures.handshake import handshake\nhandshake(server.trace)",
    "from labserver.figures.frame_bits import frame_bits\n"
    "frame_bits(next(iter(server.trace.only(kind='WebSocket frame'))))",
)
OUTPUT = ".jp-OutputArea-output:not(:has(.lab-window-gone))"
AFTER = "window.say('hello')"
THEMES = ("JupyterLab Light", "JupyterLab Dark")
CHANGE_THEME = "(theme) => jupyterapp.commands.execute('apputils:change-theme', {theme})"
TALL = {"width": 1400, "height": 8500}  # a cell that is out of sight is not there to be judged

MARKED = [
    MarkedNotebook(
        Path("class") / name / "05_frames.ipynb",
        "05_frames",
        (
            Mark("E10", "mask", Outcome.PASS, 2, 2, "✓ E10 mask: passes"),
            Mark("E11", "encode_frame", Outcome.WRONG, 0, 3, "✗ E11\n  came b''"),
            Mark("E12", "decode_frame", Outcome.NOT_ATTEMPTED, 0, 3, "· E12: not attempted"),
        ),
    )
    for name in ("alice", "bob")
]
PAGES: dict[str, Callable[[], str]] = {
    "compare": lambda: report(replace(four_techniques(), quick=True)),
    "marks": lambda: page(MARKED),
    "class": lambda: class_page(gradebook(MARKED, Path("class"), [])),
}


@pytest.mark.parametrize("made", PAGES)
def test_a_page_has_no_serious_fault(
    made: str, context: BrowserContext, axe: str, tmp_path: Path
) -> None:
    file = tmp_path / f"{made}.html"
    file.write_text(PAGES[made](), encoding="utf-8")
    opened = context.new_page()
    opened.goto(file.as_uri())
    opened.emulate_media(color_scheme="light")
    assert faults(opened, axe) == []
    opened.emulate_media(color_scheme="dark")
    opened.set_viewport_size({"width": 500, "height": 900})  # so narrow that tables are scrolled
    assert faults(opened, axe) == []
    expect(opened.get_by_role("main")).to_have_count(1)
    expect(opened.locator("html")).to_have_attribute("lang", "en")
    levels = opened.locator("h1, h2, h3, h4").evaluate_all("all => all.map(e => +e.tagName[1])")
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for table in opened.get_by_role("table").all():
        assert table.locator("caption").count() == 1
        assert table.locator("th:not([scope])").count() == 0
    opened.close()


def test_windows_and_panels_in_jupyterlab_have_no_serious_fault(
    lab_page: LabPage, notebooks: Path, axe: str
) -> None:
    write_notebook(notebooks / "shown.ipynb", [BEFORE, *SHOWN, AFTER])
    opened = lab_page.page
    opened.set_viewport_size(TALL)
    lab_page.run_all("shown.ipynb")
    lab_page.window("bob").hears("hello")
    shown = opened.locator(f".jp-CodeCell {OUTPUT}")
    expect(shown).to_have_count(len(SHOWN))
    for output in shown.all():
        expect(output).to_contain_text(re.compile(r"\w"))
        expect(output).not_to_contain_text("Loading widget")
    opened.locator(".lab-wire-row").last.click()  # so that its bits are shown
    for theme in THEMES:
        opened.evaluate(CHANGE_THEME, theme)
        dark = "false" if theme.endswith("Dark") else "true"
        expect(opened.locator("body")).to_have_attribute("data-jp-theme-light", dark)
        expect(opened.locator(".lab-wire-row").last).to_be_visible()
        assert faults(opened, axe, OUTPUT) == [], theme
