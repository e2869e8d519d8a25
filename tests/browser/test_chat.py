"""The chat in JupyterLab, in a real Chromium: typing, seeing, cutting and restoring."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import end_kernels
from tests.browser.lab_page import LabPage
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

USERS = {
    "short_polling": "ada",
    "long_polling": "ben",
    "sse": "cleo",
    "websocket": "dan",
    "webrtc": "eve",
}
SERVER_CELL, WINDOWS_CELL = 3, 4  # of the first notebook
# Points of a canvas in full colour; the line in the middle of a lane is paler.
STROKES = """canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
  .data.filter((value, index) => index % 4 === 3 && value === 255).length"""
EVIL = "<img src=x onerror=alert(1)><b>bold</b>"


@pytest.fixture
def lab_page(context: BrowserContext, lab_url: str) -> Iterator[LabPage]:
    """A page of the test's own.

    In a page that has shown another notebook before, cells of a long one that are out of sight
    may have no output yet when all cells have run.
    """
    page = context.new_page()
    yield LabPage(page, lab_url)
    page.close()
    end_kernels(lab_url)


def test_the_first_notebook_lets_two_windows_talk(lab_page: LabPage) -> None:
    lab_page.run_all("00_start_here.ipynb")
    for cell in (SERVER_CELL, WINDOWS_CELL):  # a second time: their first windows are closed
        lab_page.run_cell(cell)
    alice, bob = lab_page.window("alice"), lab_page.window("bob")
    alice.say("hello bob")
    bob.hears("hello bob")
    bob.root.get_by_label("Message from").press_sequentially("hm")
    expect(alice.root.locator(".lab-chat-typing")).to_have_text("bob is typing…")
    expect(alice.root.locator(".lab-chat-people")).to_contain_text("alice, bob")
    alice.say(EVIL)
    bob.hears(EVIL)
    assert bob.root.locator("img, .lab-chat-log b >> text=bold").count() == 0
    box = alice.root.get_by_label("Message from")
    box.fill("x" * 4097)
    box.press("Enter")
    assert box.evaluate("it => it.validationMessage").startswith(
        "A message has at most 4,096 characters. This one has 4,097"
    )
    expect(box).to_have_value("x" * 4097)
    box.fill("")
    for number in range(20):
        alice.say(f"line {number}")
    bob.hears("line 19")
    log = alice.root.get_by_role("log")
    log.evaluate("(log) => { log.scrollTop = 0; }")
    bob.root.get_by_label("Message from").fill("")
    bob.say("meanwhile")
    alice.hears("meanwhile")
    assert log.evaluate("(log) => log.scrollTop") == 0, "whoever reads is left alone"
    alice.say("an answer")
    expect(alice.lines.get_by_text("an answer")).to_be_in_viewport()
    lab_page.reload()
    expect(lab_page.window("bob").lines.get_by_text("line 19")).to_be_in_viewport()
    assert lab_page.dialogs == []
    lab_page.count_saves()
    bob.root.get_by_label("Message from").press("Control+s")
    wait_until(lambda: lab_page.saves() == 1, "the notebook to be saved")
    lab_page.restart_kernel()
    expect(bob.root.get_by_text("belonged to a kernel that has ended")).to_be_visible()
    expect(bob.root.get_by_label("Message from")).to_have_attribute("inert", "")
    lab_page.reload()
    (text,) = wait_until(lab_page.shown_instead_of_widgets) or []
    assert "belonged to a kernel that has ended" in text


def test_every_technique_is_heard_in_every_window_and_survives_a_cut(lab_page: LabPage) -> None:
    lab_page.run_all("01_first_chat_and_short_polling.ipynb")
    windows = {name: lab_page.window(user) for name, user in USERS.items()}
    lane = lab_page.page.locator(".lab-live").get_by_role("row").filter(has_text="websocket")
    lane.scroll_into_view_if_needed()
    wait_until(lambda: lane.locator("canvas").evaluate(STROKES) == 0, "a lane without strokes")
    before = lane.inner_text()
    windows["websocket"].say("seen in the lane")
    wait_until(lambda: lane.locator("canvas").evaluate(STROKES) > 0, "a stroke in the lane")
    assert lane.inner_text() != before  # the counters
    for speaker, window in windows.items():
        window.say(f"from {speaker}")
        for listener in windows.values():
            listener.hears(f"from {speaker}")
    for name, cut in windows.items():
        other = windows["websocket" if name != "websocket" else "sse"]
        height = cut.height()
        cut.press("Cut")
        cut.is_now("cut")
        assert cut.height() == height, "what is below does not move"
        other.say(f"{name} misses this")
        other.hears(f"{name} misses this")
        cut.say(f"{name} says this while cut")
        expect(cut.root.get_by_text("waits for the connection")).to_have_count(1)
        cut.hears(f"{name} misses this", times=0)
        cut.press("Restore")
        cut.is_now("open")
        cut.hears(f"{name} misses this")
        other.hears(f"{name} says this while cut")
        cut.hears(f"{name} says this while cut")
