"""Predictions in JupyterLab: asked, locked in, measured, compared."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect

from tests.browser.lab_page import LabPage

pytestmark = pytest.mark.browser

CELLS = [
    "import labserver as lab\n"
    "share = lab.predict('a share', 'How many?', unit='%', low=0, high=50)\nshare",
    "share.compare(65)",
    "gap = lab.predict('a gap', 'Lost?', choices=['always', '<b>never</b>'])\ngap",
    "gap.compare('always')",
]
SHARE, SHARE_MEASURED, GAP, GAP_MEASURED = range(4)


@pytest.fixture(autouse=True)
def _asked(notebooks: Path) -> None:
    """A notebook that asks twice, what no lesson asks."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in CELLS],
        metadata={"kernelspec": kernel},
    )
    nbformat.write(notebook, notebooks / "asked.ipynb")


def test_an_answer_is_locked_in_before_the_run_and_compared_after_it(lab_page: LabPage) -> None:
    lab_page.run_all("asked.ipynb")
    share, gap = (lab_page.page.locator(f".predict-{key}") for key in ("a-share", "a-gap"))
    cells = lab_page.page.locator(".jp-CodeCell")
    for asked in (share, gap):
        expect(asked.get_by_role("status")).to_contain_text("Measured already")
        expect(asked.get_by_role("button", name="Lock in")).to_be_hidden()

    lab_page.run_cell(SHARE)
    lock = share.get_by_role("button", name="Lock in")
    expect(lock).to_be_disabled()
    slider = share.get_by_role("slider")
    expect(slider).to_have_value("25")
    share.get_by_role("spinbutton").fill("60")
    expect(lock).to_be_disabled()
    slider.fill("40")
    lock.click()
    expect(share.get_by_role("status")).to_have_text("You said 40 %")
    expect(lock).to_be_hidden()
    lab_page.run_cell(SHARE_MEASURED)
    measured = cells.nth(SHARE_MEASURED)
    expect(measured.get_by_text("you said 40 %, measured 65 %")).to_be_visible()
    expect(measured.get_by_role("img", name="you said 40 %, measured 65 %")).to_be_visible()

    lab_page.run_cell(GAP)
    gap.get_by_label("<b>never</b>").check()
    gap.get_by_role("button", name="Lock in").click()
    expect(gap.get_by_role("status")).to_have_text("You said “<b>never</b>”")
    lab_page.run_cell(GAP_MEASURED)
    compared = cells.nth(GAP_MEASURED).get_by_text("you said “<b>never</b>”, it is “always”")
    expect(compared).to_be_visible()

    lab_page.reload()
    lab_page.run_cell(SHARE)
    expect(share.get_by_role("status")).to_have_text("You said 40 %")
