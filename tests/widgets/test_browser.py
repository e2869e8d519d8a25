from __future__ import annotations

import re
from functools import partial
from typing import Any

import pytest

import labserver as lab
from labserver.errors import LabError, Refused
from labserver.runtime import server as runtime
from labserver.runtime.config import ServerConfig
from labserver.techniques import long_polling, reconnecting_client, short_polling
from labserver.widgets import browser
from labserver.widgets.browser import BrowserPane
from tests.waiting import within

FIRST_PAGE, SECOND_PAGE = 1_795_000_000_000.0, 1_795_000_060_000.0  # their performance.timeOrigin
SCRIPT = str(BrowserPane._esm)


class Pane(BrowserPane):
    """A pane whose words to the browser are kept."""

    def send(self, content: Any, buffers: Any = None) -> None:
        self.__dict__.setdefault("told", []).append(content)


@pytest.fixture
def pane() -> Pane:
    tokens = iter(["first token", "second token", "third token"])
    return Pane(
        user="alice",
        room="lobby",
        technique="websocket",
        url="http://127.0.0.1:4711",
        token=lambda: next(tokens),
        connected=lambda: False,
    )


def tells(pane: Pane, message: dict[str, Any]) -> None:
    """What the browser sends."""
    pane._handle_custom_msg(message, [])


def test_the_first_token_comes_with_the_widget_and_is_not_kept(pane: Pane) -> None:
    assert pane.get_state()["first_token"] == "first token"
    tells(pane, {"began": FIRST_PAGE, "rows": []})
    assert "first token" not in str(pane.get_state())


def test_each_further_token_is_made_when_the_browser_asks_for_it(pane: Pane) -> None:
    tells(pane, {"want": "token"})
    tells(pane, {"want": "token"})
    assert pane.told == [{"token": "second token"}, {"token": "third token"}]
    assert "token" not in pane.get_state()["first_token"]


def test_code_can_do_what_a_hand_does(pane: Pane) -> None:
    pane.say("hi")
    pane.disconnect()
    pane.connect()
    assert pane.told == [{"say": "hi"}, {"connected": False}, {"connected": True}]


def test_the_log_is_a_table_with_the_same_columns_before_and_after(pane: Pane) -> None:
    empty = pane.log()
    rows = [
        [10.5, "opened", "", None, None, "direct"],
        [20.0, "sent", "a1", None, None, ""],
        [20.7, "received", "a1", 3, None, "CHAT_MESSAGE"],
        [21.0, "acked", "a1", 3, None, ""],
        [90.0, "closed", "", None, 1001, "closed with 1001"],
    ]
    tells(pane, {"began": FIRST_PAGE, "rows": rows})
    log = pane.log()
    assert list(log.columns) == ["ms", "what", "id", "offset", "code", "detail", "page"]
    assert list(empty.dtypes) == list(log.dtypes)
    assert len(empty) == 0
    assert log.code.dropna().tolist() == [1001]
    assert log.offset.isna().tolist() == [True, True, False, False, True]


def test_a_message_is_a_row_with_the_moments_of_its_round_trip(pane: Pane) -> None:
    assert list(pane.messages().columns) == ["sent", "acked", "received"]
    rows = [
        [20.0, "sent", "a1", None, None, ""],
        [20.7, "received", "a1", 3, None, "CHAT_MESSAGE"],
        [21.0, "acked", "a1", 3, None, ""],
        [30.0, "received", "b1", 4, None, "CHAT_MESSAGE"],
        [40.0, "sent", "a2", None, None, ""],
        [50.0, "sent", "a2", None, None, ""],
    ]
    tells(pane, {"began": FIRST_PAGE, "rows": rows})
    messages = pane.messages()
    assert messages.sent.to_dict() == {"a1": 20.0, "a2": 40.0}
    assert (messages.received - messages.sent).dropna().to_dict() == pytest.approx({"a1": 0.7})
    assert messages.acked.isna().to_dict() == {"a1": False, "a2": True}


def test_a_page_that_is_loaded_again_has_another_clock(pane: Pane) -> None:
    for began in (FIRST_PAGE, FIRST_PAGE, SECOND_PAGE):
        tells(pane, {"began": began, "rows": [[1.0, "opened", "", None, None, ""]]})
    assert pane.log().page.tolist() == [1, 1, 2]


def test_the_log_is_bounded(pane: Pane, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [[float(ms), "asked", "", None, None, ""] for ms in range(browser.ROWS_MAX + 10)]
    tells(pane, {"began": FIRST_PAGE, "rows": rows})
    log = pane.log()
    assert (len(log), log.ms.iloc[0]) == (browser.ROWS_MAX, 10.0)


def test_every_word_of_the_script_is_a_category_of_the_log() -> None:
    written = set(re.findall(r'this\.log\("(\w+)"', SCRIPT))
    assert written == set(browser.WHAT)


def test_a_technique_that_a_browser_has_no_client_for_is_an_error() -> None:
    with pytest.raises(LabError, match="speaks short_polling, long_polling, sse, websocket"):
        BrowserPane(
            user="a", room="b", technique="webrtc", url="http://x", token=str, connected=bool
        )


def test_the_script_sets_text_and_loads_nothing() -> None:
    assert "innerHTML" not in SCRIPT
    assert "textContent" in SCRIPT
    assert re.findall(r"\bimport\b|https?://[a-z]", SCRIPT) == []


def constant(name: str) -> float:
    found = re.search(rf"const {name} = ([\d_]+);", SCRIPT)
    assert found is not None, name
    return float(found[1])


def test_the_browser_reconnects_and_asks_as_the_python_client_does() -> None:
    assert constant("BACKOFF_BASE_MS") == 1000 * reconnecting_client.BACKOFF_BASE_S
    assert constant("BACKOFF_CAP_MS") == 1000 * reconnecting_client.BACKOFF_CAP_S
    assert constant("STEADY_MS") == 1000 * reconnecting_client.STEADY_S
    assert constant("POLL_INTERVAL_MS") == 1000 * short_polling.POLL_INTERVAL_S
    assert constant("WAIT_S") == long_polling.WAIT_S


def test_script_and_widget_know_the_same_techniques() -> None:
    table = SCRIPT[SCRIPT.index("const TECHNIQUES = {") :]
    named = re.findall(r"^  (\w+): \{$", table[: table.index("\n};")], re.MULTILINE)
    assert set(named) == set(browser.TECHNIQUES)


def test_where_no_page_shows_the_notebook_nobody_waits_for_the_browser(pane: Pane) -> None:
    with within(2):
        assert not pane.wait_open(timeout=60)


def test_a_pane_is_open_once_the_server_has_its_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(browser, "in_a_page", lambda: True)
    with lab.start("websocket") as server:
        pane = server.browser("alice")
        assert not pane.wait_open(timeout=0.1)
        server.client("alice")
        assert pane.wait_open()
        assert not server.browser("bob").wait_open(timeout=0.1)
    lab.stop_all()


@pytest.mark.parametrize("process", [False, True])
def test_a_server_opens_a_pane_for_a_user(process: bool) -> None:
    with lab.start("sse", process=process) as server:
        pane = server.browser("alice", "den")
        assert (pane.user, pane.room, pane.technique) == ("alice", "den", "sse")
        assert pane.url == server.url
        assert server._tokens.verify(pane._token()) == "alice"
        with pytest.raises(Refused, match="user"):
            server.browser("no name")
    lab.stop_all()


def test_a_server_that_the_face_did_not_start_has_no_widgets() -> None:
    with runtime.start(ServerConfig(technique="sse")) as server:
        for face in (
            partial(server.chat, "alice"),
            partial(server.browser, "alice"),
            server.inspector,
        ):
            with pytest.raises(LabError, match=r"lab\.start"):
                face()
    lab.stop_all()
