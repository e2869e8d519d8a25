"""What a person does in JupyterLab, as a few verbs."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Locator, Page, expect

from tests.waiting import DEADLINE_S

NOTEBOOK_READY = """() => {
  const context = window.jupyterapp?.shell?.currentWidget?.context?.sessionContext;
  return context?.isReady && context.session?.kernel?.status === 'idle';
}"""
ALL_CELLS_RUN = """() => {
  const panel = window.jupyterapp.shell.currentWidget;
  const code = panel.content.widgets.filter(cell => cell.model.type === 'code');
  const kernel = panel.context.sessionContext.session?.kernel;
  const failed = document.querySelector('.jp-mod-error');
  return failed || (code.every(cell => cell.model.executionCount) && kernel?.status === 'idle');
}"""
# What a command returns stays in the page: it may be a widget, and that may be too much to send.
OPEN = "async (path) => { await window.jupyterapp.commands.execute('docmanager:open', {path}); }"
CLOSE_ALL = "() => [...window.jupyterapp.shell.widgets('main')].forEach(tab => tab.dispose())"
CLEAR = """async () => {
  await window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs');
}"""
RUN_ALL = "() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }"
RUN_CELL = """async (index) => {
  window.jupyterapp.shell.currentWidget.content.activeCellIndex = index;
  await window.jupyterapp.commands.execute('notebook:run-cell');
}"""
RESTART = """async () => {
  await window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.restart();
}"""
INSTEAD_OF_A_WIDGET = """() => [...document.querySelectorAll('.jp-OutputArea-output')]
  .map(output => getComputedStyle(output, '::after').content)
  .filter(text => text.includes('Run its cell again'))"""
COUNT_SAVES = """() => {
  window.saves = 0;
  window.jupyterapp.commands.commandExecuted.connect((_, {id}) => {
    if (id === 'docmanager:save') window.saves += 1;
  });
}"""
SAVE = "async () => { await window.jupyterapp.commands.execute('docmanager:save'); }"
EVALUATE = """async (expression) => {
  const kernel = window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel;
  const asked = {code: '', user_expressions: {it: expression}, store_history: false};
  const {it} = (await kernel.requestExecute(asked).done).content.user_expressions;
  if (it.status !== 'ok') throw new Error(`${it.ename}: ${it.evalue}`);
  return it.data['text/plain'];
}"""
ERRORS = "() => [...document.querySelectorAll('.jp-mod-error')].map(cell => cell.innerText)"


class LabPage:
    """A page of JupyterLab.

    Args:
        page: Playwright's.
        url: JupyterLab's.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.dialogs: list[str] = []
        self._loaded = False
        page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))

    def run_all(self, notebook: str) -> None:
        """Open a notebook, run all its cells, and see to it that none failed."""
        self.begin(notebook)
        self.finish()

    def begin(self, notebook: str) -> None:
        """Open a notebook in place of what is open, and begin to run its cells.

        Its kernel is the one that it had before, if it had one: loading JupyterLab and starting
        a kernel take seconds of work.
        """
        path = f"notebooks/{notebook}"
        if self._loaded:
            self.close()
            self.page.evaluate(OPEN, path)
        else:
            self.page.goto(f"{self.url}/lab/tree/{path}?reset")
            self._loaded = True
        self.page.wait_for_function(NOTEBOOK_READY, timeout=1000 * DEADLINE_S)
        self.page.evaluate(CLEAR)
        self.page.evaluate(RUN_ALL)

    def finish(self) -> None:
        """Wait until all cells have run, or one has failed, and see to it that none did."""
        self.page.wait_for_function(ALL_CELLS_RUN, timeout=1000 * DEADLINE_S)
        assert self.page.evaluate(ERRORS) == []

    def close(self) -> None:
        """Close the notebook without saving it; its kernel lives on."""
        self.page.evaluate(CLOSE_ALL)

    def run_cell(self, index: int) -> None:
        """Run one cell of the open notebook."""
        self.page.evaluate(RUN_CELL, index)

    def reload(self) -> None:
        """Save the notebook and load the page anew; the kernel lives on."""
        self.page.evaluate(SAVE)
        self.page.reload()
        self.page.wait_for_function(NOTEBOOK_READY, timeout=1000 * DEADLINE_S)

    def count_saves(self) -> None:
        """Count from now on how often JupyterLab is told to save the notebook."""
        self.page.evaluate(COUNT_SAVES)

    def saves(self) -> int:
        """How often that was, without JupyterLab's own saving from time to time."""
        return int(self.page.evaluate("() => window.saves"))

    def restart_kernel(self) -> None:
        """End the kernel and start another one, as the menu does."""
        self.page.evaluate(RESTART)

    def shown_instead_of_widgets(self) -> list[str]:
        """What stands where a widget was that no kernel knows any more."""
        found: list[str] = self.page.evaluate(INSTEAD_OF_A_WIDGET)
        return found

    def evaluate(self, expression: str) -> Any:
        """The value of a Python expression in the open notebook's kernel."""
        return ast.literal_eval(self.page.evaluate(EVALUATE, expression))

    def window(self, user: str) -> Window:
        """The chat window of `user`, scrolled into view."""
        return self._scrolled_to(f".chat-{user}")

    def pane(self, user: str) -> Window:
        """The browser's own client of `user`, scrolled into view."""
        return self._scrolled_to(f".browser-{user}")

    def _scrolled_to(self, selector: str) -> Window:
        root = self.page.locator(selector)
        root.scroll_into_view_if_needed()
        return Window(root)


def write_notebook(path: Path, cells: Iterable[str | nbformat.NotebookNode]) -> None:
    """Write a notebook for the lab's kernel.

    Args:
        path: its file; its folder is there.
        cells: its cells; a text is the source of a code cell.
    """
    all_cells = [new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=all_cells, metadata={"kernelspec": kernel}), path)


class Window:
    """A chat window."""

    def __init__(self, root: Locator) -> None:
        self.root = root
        self.lines = root.locator(".lab-chat-text")
        self.state = root.locator(".lab-chat-state")

    def say(self, text: str) -> None:
        """Type a message and press Enter."""
        box = self.root.get_by_label("Message from")
        box.press_sequentially(text)
        box.press("Enter")

    def hears(self, text: str, times: int = 1) -> None:
        """Wait until a message is shown, so many times and no more."""
        expect(self.lines.get_by_text(text, exact=True)).to_have_count(times)

    def press(self, button: str) -> None:
        """Press Cut, Restore or Send; in a browser's pane Disconnect, Connect or Send."""
        self.root.get_by_role("button", name=button, exact=True).click()

    def height(self) -> float:
        """The window's height in pixels."""
        return float(self.root.evaluate("it => it.getBoundingClientRect().height"))

    def is_now(self, state: str) -> None:
        """Wait until the connection's state is shown as `state`."""
        expect(self.state).to_have_text(state)
