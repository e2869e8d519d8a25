"""A figure in JupyterLab: it follows every change of its width, and keeps its height."""

from __future__ import annotations

from pathlib import Path

import pytest
from nbformat.v4 import new_markdown_cell

from tests.browser.lab_page import LabPage, write_notebook
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

NOTEBOOK = "figure.ipynb"
HEIGHT = 320  # in pixels, as `dress` sets it
CODE = """from labserver.figures.staleness import staleness
staleness([0.1, 0.2], 0.5)"""
SIDEBAR = "() => { window.jupyterapp.commands.execute('application:toggle-left-area'); }"
SIZES = """() => {
  const figure = document.querySelector('.js-plotly-plot');
  const drawn = figure?.querySelector('.main-svg');
  return drawn && [+drawn.getAttribute('width'), figure.clientWidth, +drawn.getAttribute('height')];
}"""


@pytest.fixture(autouse=True)
def _with_a_figure_out_of_sight(notebooks: Path) -> None:
    text = new_markdown_cell("# A long text\n" + "\n\n".join("abcdefghijklm" * 5))
    write_notebook(notebooks / NOTEBOOK, [text, CODE])


def test_a_figure_out_of_sight_follows_the_sidebar_and_the_window(lab_page: LabPage) -> None:
    lab_page.run_all(NOTEBOOK)
    page = lab_page.page

    def width_of_a_figure_that_fits() -> int:
        drawn, there, height = page.evaluate(SIZES) or (0, -1, 0)
        return int(there) if (drawn, height) == (there, HEIGHT) else 0

    def settled(other_than: int = 0) -> int:
        return wait_until(
            lambda: (found := width_of_a_figure_that_fits()) != other_than and found,
            "a figure as wide as its cell, and as high as it was",
        )

    beside = settled()
    for _ in range(2):
        page.evaluate(SIDEBAR)
        alone = settled(other_than=beside)
        assert alone > beside
        page.evaluate(SIDEBAR)
        assert settled(other_than=alone) == beside
    page.set_viewport_size({"width": 700, "height": 800})
    narrow = settled(other_than=beside)
    page.evaluate(SIDEBAR)
    assert settled(other_than=narrow) > narrow
