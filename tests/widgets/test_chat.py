from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

import labserver as lab
from labserver.runtime.server import Server
from labserver.widgets import chat
from labserver.widgets.chat import ChatWidget
from tests.waiting import wait_until

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def server() -> Iterator[Server]:
    with lab.start("websocket") as server:
        yield server
    lab.stop_all()


def texts(widget: ChatWidget) -> list[str]:
    return [line["text"] for line in widget.lines]


def test_two_windows_talk(server: Server) -> None:
    alice, bob = server.chat("alice"), server.chat("bob")
    alice.say("hi")
    wait_until(lambda: texts(bob) == ["hi"] and texts(alice) == ["hi"])
    assert bob.lines[0]["who"] == "alice"
    assert alice.lines[0]["state"] == "sent"
    wait_until(lambda: alice.people == ["alice", "bob"])


def test_requests_without_news_are_counted_while_nobody_speaks() -> None:
    with lab.start("short_polling") as server:
        window = server.chat("alice")
        first = window.counters["requests"]
        wait_until(lambda: window.counters["requests"] > first + 1)
        window.close()
    lab.stop_all()


def test_text_is_data_on_its_way_to_the_browser(server: Server) -> None:
    alice, bob = server.chat("alice"), server.chat("bob")
    alice.say(EVIL)
    wait_until(lambda: texts(bob) == [EVIL])  # as it was: the browser sets it as textContent
    assert "innerHTML" not in ChatWidget._esm
    assert "textContent" in ChatWidget._esm


def test_what_is_said_while_cut_waits_and_arrives_once(server: Server) -> None:
    alice, bob = server.chat("alice"), server.chat("bob")
    alice.cut()
    wait_until(lambda: alice.connection["state"] == "cut")
    alice.say("patience")
    wait_until(lambda: [line["state"] for line in alice.lines] == ["sending"])
    alice.restore()
    wait_until(lambda: texts(bob) == ["patience"])
    wait_until(lambda: [line["state"] for line in alice.lines] == ["sent"])


def test_what_the_browser_sends_is_done(server: Server) -> None:
    alice, bob = server.chat("alice"), server.chat("bob")
    alice._handle_custom_msg({"typing": True}, [])
    wait_until(lambda: bob.typing == ["alice"])
    alice._handle_custom_msg({"say": " hello "}, [])
    wait_until(lambda: texts(bob) == ["hello"] and bob.typing == [])
    alice._handle_custom_msg({"connection": "cut"}, [])
    wait_until(lambda: alice.connection["state"] == "cut")
    alice._handle_custom_msg({"connection": "restore"}, [])
    wait_until(lambda: alice.connection["state"] == "open")


def test_a_direct_message_is_for_one(server: Server) -> None:
    alice, bob, carol = (server.chat(user) for user in ("alice", "bob", "carol"))
    alice.say("/dm bob psst")
    wait_until(lambda: texts(bob) == ["psst"])
    wait_until(lambda: [(line["to"], line["state"]) for line in alice.lines] == [("bob", "sent")])
    assert texts(carol) == []


def test_what_arrives_has_the_moment_of_its_arrival(server: Server) -> None:
    alice, bob = server.chat("alice"), server.chat("bob")
    began = 1000 * time.time()
    alice.say("hi")
    wait_until(lambda: texts(bob) == ["hi"])
    assert began <= bob.lines[0]["at"] <= 1000 * time.time()
    wait_until(lambda: (alice.counters["sent"], bob.counters["received"]) == (1, 1))
    assert (alice.counters["received"], bob.counters["sent"]) == (0, 0)


def test_a_command_is_answered_in_the_window_and_not_sent(server: Server) -> None:
    alice, bob = server.chat("alice"), server.chat("bob")
    for typed in ("/help", "/foo", "//bar"):
        alice.say(typed)
    wait_until(lambda: texts(bob) == ["/bar"])
    wait_until(lambda: [line["state"] for line in alice.lines] == ["hint", "notice", "sent"])
    assert "/dm NAME" in alice.lines[0]["text"]


@pytest.mark.parametrize("typed", ["/dm", "/dm bob", "/dm b/o/b psst"])
def test_an_incomplete_direct_message_goes_to_nobody(server: Server, typed: str) -> None:
    alice, bob = server.chat("alice"), server.chat("bob")
    alice.say(typed)
    alice.say("hello")
    wait_until(lambda: texts(bob) == ["hello"])
    assert alice.lines[0]["text"].startswith("Nothing was sent: write /dm")


def test_a_message_that_is_too_long_fails_in_its_line(server: Server) -> None:
    alice = server.chat("alice")
    alice.say("x" * 5000)
    wait_until(lambda: [line["state"] for line in alice.lines] == ["failed"])
    assert "4096" in alice.lines[0]["why"]


def test_nothing_to_say_is_not_sent(server: Server) -> None:
    alice = server.chat("alice")
    alice.say("   ")
    alice.say("x")
    wait_until(lambda: texts(alice) == ["x"])


def test_updates_are_coalesced(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = 0
    show = ChatWidget._show

    def count(self: ChatWidget) -> None:
        nonlocal shown
        shown += self.user == "bob"
        show(self)

    monkeypatch.setattr(ChatWidget, "_show", count)
    alice, bob = server.client("alice"), server.chat("bob")
    began = time.monotonic()
    for number in range(90):
        alice.send(str(number))
    wait_until(lambda: texts(bob)[-1:] == ["89"])
    assert shown <= 2 + (time.monotonic() - began) / chat.UPDATE_S


def test_closing_the_window_closes_its_client(server: Server) -> None:
    alice = server.chat("alice")
    alice.close()
    assert alice.client.state == "closed"
