"""The wire inspector in JupyterLab, in a real Chromium: it misses nothing and shows every bit."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect
from websockets.frames import Frame, Opcode

from labserver.trace.trace import Trace
from labserver.wire.tape import Direction, Piece, PieceKind, Tape
from tests.browser.lab_page import LabPage, write_notebook

pytestmark = pytest.mark.browser

REQUEST = b"""GET / HTTP/1.1\r
Host: a\r
Upgrade: websocket\r
Connection: Upgrade\r
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
Sec-WebSocket-Version: 13\r
\r
"""
ANSWER = b"""HTTP/1.1 101 Switching Protocols\r
Upgrade: websocket\r
Connection: Upgrade\r
Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r
\r
"""
EVIL = "<img src=x onerror=alert(1)>"
MANY = 10_000
CELLS = {
    "small": [
        "import labserver as lab",
        "server = lab.start('websocket')\nserver.inspector()",
        "alice = server.client('alice')",
        f"alice.send({EVIL!r}).data['status']",
    ],
    "two": [
        "import labserver as lab",
        "server = lab.start('websocket')\nserver.inspector()",
        "for name in ('alice', 'bob'):\n    server.client(name).close()",
        "lab.stop_all()",
    ],
    "many": [
        "import labserver as lab",
        "lab.inspect(lab.Trace.load('many.trace'), title='many')",
    ],
    # Some 500 a second, by a cell that keeps the kernel busy until the test has seen enough.
    "fast": [
        "import labserver as lab\nserver = lab.start('websocket')",
        "server.inspector()",
        "from pathlib import Path\n"
        "from time import monotonic, sleep\n"
        "talkers = [server.client(f'user{n}', room=f'room{n}') for n in range(6)]\n"
        "until = monotonic() + 90\n"
        "while not Path('enough').exists() and monotonic() < until:\n"
        "    for talker in talkers:\n"
        "        talker.send('hi')\n"
        "    sleep(0.03)",
    ],
    "twice": [
        "import labserver as lab\nserver = lab.start('websocket')",
        "frames = lab.inspect(server.trace.only(kind='WebSocket frame'), 'frames')\nframes",
        "frames",
        "alice = server.client('alice')\nfor word in ('one', 'two'):\n    alice.send(word)",
        "lab.stop_all()",
    ],
}


@pytest.fixture(scope="module", autouse=True)
def _written(notebooks: Path) -> None:
    """The notebooks of this file."""
    for name, cells in CELLS.items():
        write_notebook(notebooks / f"{name}.ipynb", cells)
    many_messages().save(notebooks / "many.trace")


def many_messages() -> Trace:
    """A handshake, and then texts from the server."""
    tape = Tape()
    texts = [Frame(Opcode.TEXT, b"message %d" % n).serialize(mask=False) for n in range(2, MANY)]
    for at, data in enumerate([REQUEST, ANSWER, *texts]):
        way = Direction.DOWN if at else Direction.UP
        tape.add(Piece(2_000_000 * at, 2_000_000 * at, 1, way, PieceKind.DATA, data, len(data)))
    return Trace(tape)


def inspectors(lab_page: LabPage, notebook: str) -> Locator:
    """Run a notebook; what it shows."""
    lab_page.run_all(f"{notebook}.ipynb")
    found = lab_page.page.locator(".lab-wire")
    found.first.scroll_into_view_if_needed()
    return found


def counts(found: Locator, messages: int) -> None:
    """Wait until it says that it has so many."""
    expect(found.locator(".lab-wire-count")).to_have_text(f"{messages:,} messages")


def rows(found: Locator) -> Locator:
    """The messages that are in sight."""
    return found.locator(".lab-wire-list .lab-wire-row")


def saved(found: Locator, path: Path) -> list[int]:
    """The numbers of the messages that Save writes."""
    with found.page.expect_download() as download:
        found.get_by_role("button", name="Save").click()
    download.value.save_as(path)
    with path.open(newline="") as file:
        return [int(row["number"]) for row in csv.DictReader(file)]


def test_a_frame_is_clicked_and_shows_its_bits_and_what_was_said(lab_page: LabPage) -> None:
    found = inspectors(lab_page, "small")
    found.get_by_label("directions").select_option("up")
    found.get_by_label("kinds").select_option("WebSocket frame")
    rows(found).first.click()
    expect(found.locator(".lab-wire-text")).to_contain_text(f'"content":"{EVIL}"')
    octets = found.locator(".lab-wire-octet")
    expect(octets.first.locator("small")).to_have_text(["FIN", "RSV1", "RSV2", "RSV3", "opcode"])
    expect(octets.first.locator(".lab-wire-bit-row")).to_have_text(["1", "0", "0", "0", "0001"])
    expect(octets.nth(1).locator("small").first).to_have_text("MASK")
    expect(octets.nth(1).locator(".lab-wire-bit-row").first).to_have_text("1")
    hexadecimal = found.locator(".lab-wire-hex")
    expect(hexadecimal).to_contain_text("without the mask")
    expect(hexadecimal).to_contain_text('{"')  # how what alice said begins
    assert found.locator("img").count() == 0
    assert lab_page.dialogs == []


def test_a_row_opens_that_was_drawn_anew_while_it_was_pressed(lab_page: LabPage) -> None:
    found = inspectors(lab_page, "small")
    row = rows(found).first
    row.scroll_into_view_if_needed()
    row.hover()
    lab_page.page.mouse.down()
    before = row.element_handle()
    found.get_by_role("listbox").dispatch_event("scroll")
    lab_page.page.wait_for_function("(row) => !row.isConnected", arg=before)
    lab_page.page.mouse.up()
    expect(found.locator(".lab-wire-detail h4")).to_have_text(re.compile("^1 · "))


def test_the_row_that_was_pressed_opens_though_the_list_has_moved_on(lab_page: LabPage) -> None:
    found = inspectors(lab_page, "many")
    counts(found, MANY)
    row = rows(found).first
    number = row.locator("span").first.text_content()
    row.hover()
    lab_page.page.mouse.down()
    found.get_by_role("listbox").evaluate("(list) => { list.scrollTop -= 500; }")
    expect(row.locator("span").first).not_to_have_text(f"{number}")
    lab_page.page.mouse.up()
    expect(found.locator(".lab-wire-detail h4")).to_have_text(re.compile(rf"^{number} · "))


CLICK_BEFORE_ROWS_ARE_DRAWN = """(list) => {
  list.scrollTop -= 1000;
  const {left, top} = list.getBoundingClientRect();
  const at = {clientX: left + 50, clientY: top + 50, button: 0, bubbles: true};
  const there = document.elementFromPoint(at.clientX, at.clientY);
  for (const type of ["pointerdown", "pointerup"]) there.dispatchEvent(new PointerEvent(type, at));
  return there.closest(".lab-wire-row") ? 0 : 1 + Math.floor((list.scrollTop + 50) / 22);
}"""


def test_a_row_opens_that_is_not_drawn_yet(lab_page: LabPage) -> None:
    found = inspectors(lab_page, "many")
    counts(found, MANY)
    expect(rows(found).last).to_contain_text(f"message {MANY - 1}")
    number = found.get_by_role("listbox").evaluate(CLICK_BEFORE_ROWS_ARE_DRAWN)
    assert number > 0, "there was a row already"
    expect(found.locator(".lab-wire-detail h4")).to_have_text(re.compile(rf"^{number} · "))


def test_a_press_that_ends_on_another_row_opens_nothing(lab_page: LabPage) -> None:
    found = inspectors(lab_page, "small")
    rows(found).nth(1).hover()
    lab_page.page.mouse.down()
    rows(found).nth(4).hover()
    lab_page.page.mouse.up()
    selected = found.get_by_role("listbox").get_by_role("option", selected=True)
    expect(selected).to_have_count(0)
    rows(found).nth(2).click()
    expect(found.locator(".lab-wire-detail h4")).to_have_text(re.compile("^3 · "))
    expect(selected).to_have_count(1)


def test_the_list_is_filtered_by_connection(lab_page: LabPage, tmp_path: Path) -> None:
    found = inspectors(lab_page, "two")
    connections = lab_page.evaluate("server.trace.messages()['connection'].tolist()")
    counts(found, len(connections))
    assert set(connections) == {1, 2}
    found.get_by_label("connections").select_option("2")
    second = [number for number, connection in enumerate(connections, 1) if connection == 2]
    expect(found.locator(".lab-wire-count")).to_have_text(
        f"{len(second)} of {len(connections)} messages"
    )
    assert saved(found, tmp_path / "rows.csv") == second


def test_ten_thousand_messages_are_all_there_and_a_page_holds_a_few(
    lab_page: LabPage, tmp_path: Path
) -> None:
    found = inspectors(lab_page, "many")
    counts(found, MANY)
    assert rows(found).count() < 40
    expect(rows(found).last).to_contain_text(f"message {MANY - 1}")
    assert saved(found, tmp_path / "rows.csv") == list(range(1, MANY + 1))


def test_the_keys_go_through_the_list_and_not_to_jupyterlab(lab_page: LabPage) -> None:
    found = inspectors(lab_page, "many")
    counts(found, MANY)
    found.get_by_role("listbox").focus()
    head = found.locator(".lab-wire-detail h4")
    for key, number in (("End", MANY), ("ArrowUp", MANY - 1), ("Home", 1), ("ArrowDown", 2)):
        lab_page.page.keyboard.press(key)
        expect(head).to_have_text(re.compile(rf"^{number} · "))
        chosen = found.get_by_role("listbox").get_by_role("option", selected=True)
        expect(chosen.locator("span").first).to_have_text(f"{number}")
    lab_page.page.keyboard.press("d")  # twice it would delete the cell
    lab_page.page.keyboard.press("d")
    expect(lab_page.page.locator(".jp-CodeCell")).to_have_count(len(CELLS["many"]))


def test_a_fast_stream_is_seen_as_it_comes_and_a_pause_loses_nothing(
    lab_page: LabPage, notebooks: Path, tmp_path: Path
) -> None:
    lab_page.begin("fast.ipynb")
    found = lab_page.page.locator(".lab-wire")
    said = found.locator(".lab-wire-count")
    expect(said).to_have_text(re.compile(r"^[1-9],?\d{3} messages"))
    found.get_by_role("button", name="Pause").click()
    expect(said).to_have_text(re.compile(r"paused, \d{3,} more"))
    found.get_by_label("directions").select_option("up")
    expect(said).to_have_text(re.compile(r"of .* messages · paused, [\d,]+ more"))
    found.get_by_label("directions").select_option("")
    (notebooks / "enough").touch()  # only now does the cell end
    lab_page.finish()
    found.get_by_role("button", name="Resume").click()
    total = lab_page.evaluate("len(server.trace)")
    counts(found, total)
    assert saved(found, tmp_path / "rows.csv") == list(range(1, total + 1))
    rows(found).last.click()
    expect(found.locator(".lab-wire-detail h4")).to_be_visible()
    found.get_by_role("button", name="Clear").click()
    counts(found, 0)
    expect(found.locator(".lab-wire-detail")).to_contain_text("Choose a message")


def test_two_views_and_a_reloaded_page_have_all_when_the_server_is_gone(lab_page: LabPage) -> None:
    found = inspectors(lab_page, "twice")
    total = lab_page.evaluate("len(server.trace.only(kind='WebSocket frame'))")
    expect(found).to_have_count(2)  # before that, the last one is the first
    for one in found.all():
        counts(one, total)
    rows(found.first).last.click()
    expect(found.first.locator(".lab-wire-detail h4")).to_contain_text("close 1000")
    expect(found.last.locator(".lab-wire-detail")).to_contain_text("Choose a message")
    lab_page.reload()
    expect(found).to_have_count(2)
    for one in found.all():
        counts(one, total)
    rows(found.last).last.click()
    expect(found.last.locator(".lab-wire-detail h4")).to_contain_text("close 1000")
