from __future__ import annotations

import time

import pytest

import labserver as lab
from labserver.measure.chatter import Chatter
from tests.waiting import wait_until


def test_a_chatter_says_all_of_it_and_remembers_when() -> None:
    with lab.start("websocket") as server:
        bob = server.client("bob")
        began = time.perf_counter()
        chatter = Chatter(server.client("alice"), messages=5, per_s=50)
        heard = [bob.receive(type="CHAT_MESSAGE") for _ in range(5)]
        ids = [event.data["id"] for event in heard if event is not None]
        assert ids == list(chatter.sent)
        assert began < min(chatter.sent.values()) <= max(chatter.sent.values())
        wait_until(lambda: not chatter.talking)  # the last ACK may still be on its way
    lab.stop_all()


@pytest.mark.parametrize("wrong", [{"messages": 0}, {"per_s": 0}])
def test_a_chatter_with_nothing_to_say_is_an_error(wrong: dict[str, int]) -> None:
    with lab.start("websocket") as server, pytest.raises(ValueError, match="at least 1"):
        Chatter(server.client("alice"), **wrong)
    lab.stop_all()
