"""What a person does in JupyterLab, as a few verbs."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

NOTEBOOK_READY = """() => {
  const context = window.jupyterapp?.shell?.currentWidget?.context?.sessionContext;
  return context?.isReady && context.session?.kernel?.status === 'idle';
}"""
ALL_CELLS_RUN = """() => {
  const panel = window.jupyterapp.shell.currentWidget;
  const code = panel.content.widgets.filter(cell => cell.model.type === 'code');
  const kernel = panel.context.sessionContext.session?.kernel;
  return code.every(cell => cell.model.executionCount) && kernel?.status === 'idle';
}"""
CLEAR = "() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')"
RUN_ALL = "() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }"
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
        page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))

    def run_all(self, notebook: str, timeout_s: float = 90) -> None:
        """Open a notebook, run all its cells, and see to it that none failed."""
        self.page.goto(f"{self.url}/lab/tree/notebooks/{notebook}?reset")
        self.page.wait_for_function(NOTEBOOK_READY, timeout=60_000)
        self.page.evaluate(CLEAR)
        self.page.evaluate(RUN_ALL)
        self.page.wait_for_function(ALL_CELLS_RUN, timeout=1000 * timeout_s)
        assert self.page.evaluate(ERRORS) == []

    def window(self, user: str) -> Window:
        """The chat window of `user`, scrolled into view."""
        root = self.page.locator(f".chat-{user}")
        root.scroll_into_view_if_needed()
        return Window(root)


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
        expect(self.lines.get_by_text(text, exact=True)).to_have_count(times, timeout=10_000)

    def press(self, button: str) -> None:
        """Press Cut, Restore or Send."""
        self.root.get_by_role("button", name=button, exact=True).click()

    def is_now(self, state: str) -> None:
        """Wait until the connection's state is shown as `state`."""
        expect(self.state).to_have_text(state, timeout=10_000)
