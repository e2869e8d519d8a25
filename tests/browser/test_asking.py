"""Predictions, explanations and recalls in JupyterLab: asked, answered, kept over a reload."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.lab_page import LabPage, write_notebook

pytestmark = pytest.mark.browser

CELLS = [
    "import labserver as lab\n"
    "share = lab.predict('a share', 'How many?', unit='%', low=0, high=50)\nshare",
    "share.compare(65, why='They come at random.')",
    "gap = lab.predict('a gap', 'Lost?', choices=['always', '<b>never</b>'])\ngap",
    "gap.compare('always', why={'<b>never</b>': 'Nobody was listening.'})",
    "lab.explain('hash', 'What does `it` prove?', 'It was read.', ['read', 'no more'])",
    "lab.recall(2)",
]
SHARE, SHARE_MEASURED, GAP, GAP_MEASURED, HASH, RECALL = range(6)
TEXT = "ddx The server has read my request."  # begins with what would delete a cell


@pytest.fixture(autouse=True)
def _asked(notebooks: Path, lab_page: LabPage) -> None:
    """A notebook that asks everything, what no lesson does, after a Run all."""
    if not (notebooks / "asked.ipynb").exists():
        write_notebook(notebooks / "asked.ipynb", CELLS)
    lab_page.run_all("asked.ipynb")


def press(lab_page: LabPage, *keys: str) -> None:
    for key in keys:
        lab_page.page.keyboard.press(key)


def focused(locator: Locator) -> None:
    expect(locator).to_be_focused()


def test_a_guess_uncovers_the_result_that_a_run_of_all_cells_has_covered(
    lab_page: LabPage,
) -> None:
    page = lab_page.page
    share, measured = page.locator(".predict-a-share"), page.locator(".compare-a-share")
    gap, fate = page.locator(".predict-a-gap"), page.locator(".compare-a-gap")
    for result in (measured, fate):
        expect(result).to_contain_text("covered, because you have not guessed yet")
        expect(result).not_to_contain_text("65")
    number = share.get_by_role("textbox")
    expect(share.get_by_role("slider")).to_have_value("25")
    number.fill("60")
    press(lab_page, "Enter")
    expect(share.get_by_role("alert")).to_have_text(
        "60 is out of range: type a number between 0 and 50 %."
    )
    focused(number)
    number.fill("12,5")
    expect(share.get_by_role("alert")).to_have_text("")
    press(lab_page, "Enter")
    expect(share.get_by_role("status")).to_have_text("Your guess: 12.5 %")
    line = "You guessed 12.5 %; it was 65 %: too low by 52.5 percentage points."
    expect(measured.get_by_text(line)).to_be_visible()
    expect(measured.get_by_text("They come at random.")).to_be_visible()
    expect(measured.get_by_role("img", name=line)).to_be_visible()

    fate.get_by_role("button", name="Guess first").click()
    fate.get_by_label("<b>never</b>").check()
    fate.get_by_role("button", name="Lock in").click()
    wrong = "✗WrongIt is “always”, not “<b>never</b>”.Nobody was listening."
    expect(fate.get_by_role("status")).to_have_text(wrong)
    expect(gap.get_by_role("status")).to_have_text("Your guess: “<b>never</b>”")

    for cell in (SHARE, SHARE_MEASURED):
        lab_page.run_cell(cell)
    lab_page.reload()
    expect(measured.get_by_text(line)).to_be_visible()
    expect(share.get_by_role("status")).to_have_text("Your guess: 12.5 %")
    expect(fate.get_by_role("status")).to_have_text(wrong)


def test_an_explanation_and_a_recall_are_written_with_the_keyboard_alone(
    lab_page: LabPage,
) -> None:
    page = lab_page.page
    explain, recall = page.locator(".explain-hash"), page.locator(".recall-2")
    explain.get_by_role("textbox").focus()
    page.keyboard.type("ddx")
    expect(explain).not_to_contain_text("It was read.")
    page.keyboard.type(TEXT[3:])
    press(lab_page, "Tab", "Enter")
    focused(explain.get_by_role("group", name="A model explanation"))
    press(lab_page, "Tab", "Space")
    expect(explain.get_by_label("read")).to_be_checked()

    first = recall.get_by_role("listitem").nth(0)
    first.get_by_role("textbox").focus()
    page.keyboard.type("With 304.")
    press(lab_page, "Control+Enter")
    focused(first.get_by_role("group", name="The answer"))
    press(lab_page, "Tab", "Enter")
    knew = first.get_by_role("button", name="I knew it")
    expect(knew).to_have_attribute("aria-pressed", "true")
    second = recall.get_by_role("listitem").nth(1)
    second.get_by_role("textbox").fill("half of")
    second.get_by_role("textbox").blur()

    for cell in (HASH, RECALL):
        lab_page.run_cell(cell)
    lab_page.reload()
    expect(explain.get_by_text(TEXT)).to_be_visible()
    expect(explain.get_by_text("It was read.")).to_be_visible()
    expect(explain.get_by_label("read")).to_be_checked()
    expect(explain.get_by_label("no more")).not_to_be_checked()
    expect(knew).to_have_attribute("aria-pressed", "true")
    expect(second.get_by_role("textbox")).to_have_value("half of")
