"""An exercise's panel in JupyterLab: it runs, judges, resets and brings back the answer's cell."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect

from labserver.practice.checking.exercise import load
from tests.browser.lab_page import LabPage
from tests.conftest import REPOSITORY
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

NOTEBOOK = "panel.ipynb"
WRONG = "def accept_key(key):\n    return '<b>key</b>'"
RIGHT = """import base64, hashlib
def accept_key(key):
    guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    return base64.b64encode(hashlib.sha1((key + guid).encode()).digest()).decode()"""
EDIT = """([id, text]) => window.jupyterapp.shell.currentWidget.content.widgets
  .find((cell) => cell.model.id === id).model.sharedModel.setSource(text)"""
READ = """(id) => window.jupyterapp.shell.currentWidget.content.widgets
  .find((cell) => cell.model.id === id).model.sharedModel.getSource()"""
DELETE = """(id) => {
  const {model} = window.jupyterapp.shell.currentWidget.content;
  model.sharedModel.deleteCell([...model.cells].findIndex((cell) => cell.id === id));
}"""
RUN = """async (code) => {
  const {kernel} = window.jupyterapp.shell.currentWidget.context.sessionContext.session;
  await kernel.requestExecute({code}).done;
}"""
FOCUS = "() => document.activeElement.textContent"


@pytest.fixture(autouse=True)
def _handed_out(notebooks: Path) -> None:
    """The first exercise of a notebook, as learners get it."""
    path = REPOSITORY / "exercises" / "04_the_websocket_handshake.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = notebook.cells[: [cell.id for cell in notebook.cells].index("e08-points")]
    nbformat.write(notebook, notebooks / NOTEBOOK)


def test_an_answer_is_checked_reset_and_brought_back_without_running_a_cell_by_hand(
    lab_page: LabPage,
) -> None:
    lab_page.run_all(NOTEBOOK)
    page = lab_page.page
    panel = page.locator(".exercise-e08")
    panel.scroll_into_view_if_needed()
    check = panel.get_by_role("button", name="Check")
    expect(panel.get_by_text("Not attempted · 1 point")).to_be_visible()
    expect(panel.locator(".lab-exercise-line")).to_have_count(0)

    page.evaluate(EDIT, ["e08", WRONG])
    check.press("Enter")
    expect(panel.get_by_text("got       <b>key</b>")).to_be_visible()
    expect(panel.get_by_text("Wrong · 0 of 1 point")).to_be_visible()
    assert page.evaluate(FOCUS) == "Check"
    page.evaluate(EDIT, ["e08", WRONG + " +"])
    check.click()
    expect(panel.get_by_role("alert")).to_contain_text("did not run (SyntaxError in line 2")
    page.evaluate(EDIT, ["e08", RIGHT])
    check.click()
    expect(panel.get_by_text("passes all 21 cases")).to_be_visible()
    note = panel.get_by_label("Your answer to the interviewer")
    note.press_sequentially("No: <i>anybody</i> can")
    panel.get_by_role("button", name="Compare with an answer").click()
    expect(panel.get_by_text("Only TLS proves who the server is")).to_be_visible()

    panel.get_by_role("button", name="Reset").click()
    expect(panel.get_by_text("Not attempted · 1 point")).to_be_visible()
    back = panel.get_by_role("button", name="Bring my attempt back")
    expect(back).to_be_visible()
    stub = load("E08").stub.rstrip("\n")
    wait_until(lambda: page.evaluate(READ, "e08") == stub, "the stub in the cell")
    back.click()
    expect(panel.get_by_text("Passed · 1 of 1 point")).to_be_visible()
    wait_until(lambda: page.evaluate(READ, "e08") == RIGHT, "the attempt in the cell")

    lab_page.run_cell(3)
    lab_page.run_cell(4)
    lab_page.reload()
    panel.scroll_into_view_if_needed()
    expect(panel.get_by_text("Passed · 1 of 1 point")).to_be_visible()
    expect(panel.get_by_text("passes all 21 cases")).to_be_visible()
    expect(note).to_have_value("No: <i>anybody</i> can")

    unseen = panel.get_by_text("If you have changed the cell since, run it, and check again.")
    page.evaluate(EDIT, ["e08", WRONG])
    check.click()
    expect(panel.get_by_text("got       <b>key</b>")).to_be_visible()
    expect(unseen).to_be_hidden()
    page.evaluate(DELETE, "e08")
    check.click()
    expect(unseen).to_be_visible()
    page.evaluate(RUN, RIGHT)
    check.click()
    expect(panel.get_by_text("Passed · 1 of 1 point")).to_be_visible()
    expect(unseen).to_be_visible()
    panel.get_by_role("button", name="Reset").click()
    expect(panel.get_by_text("The cell with your answer is not in this notebook")).to_be_visible()
    expect(panel.get_by_label("Text to copy: the stub")).to_have_value(stub)
