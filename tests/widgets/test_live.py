from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import labserver as lab
from labserver.figures.palette import TECHNIQUE
from labserver.runtime.loop import lab_loop
from labserver.widgets.live import LANES_MAX, Live
from tests.waiting import wait_until


@pytest.fixture(autouse=True)
def _stopped() -> Iterator[None]:
    yield
    lab.stop_all()
    lab_loop.stop()


def lanes(live: Live) -> dict[str, list[Any]]:
    return {name: rest for name, *rest in live.now["lanes"]}


def test_each_server_has_a_lane_in_its_techniques_colour_with_what_has_passed() -> None:
    servers = [lab.start(name) for name in ("websocket", "long_polling")]
    live = lab.live(*servers)
    for server in servers:
        with server.client("alice") as alice:
            alice.send("hi")
    wait_until(lambda: all(row[1] > 3 for row in lanes(live).values()))
    shown = lanes(live)
    assert list(shown) == ["websocket", "long polling"]
    assert shown["websocket"][0] == TECHNIQUE["websocket"]
    wait_until(lambda: lanes(live)["websocket"][2] == 1)  # the handshake
    assert lanes(live)["long polling"][2] > 1
    assert lanes(live)["websocket"][3] > 200


def test_the_strokes_of_all_servers_stand_on_one_clock() -> None:
    first, second = lab.start("websocket", name="first"), lab.start("sse", name="second")
    live = lab.live(first, second)
    with first.client("alice"), second.client("bob"):
        wait_until(lambda: all(row[4] for row in lanes(live).values()))
    at = live.now["at"]
    for *_, strokes in lanes(live).values():
        assert all(at - 60 < number * live.bin_s <= at for number, _, _ in strokes)


def test_of_a_single_server_each_connection_has_a_lane_and_late_ones_share_one() -> None:
    server = lab.start("websocket")
    live = lab.live(server)
    for number in range(LANES_MAX + 3):
        server.client(f"user{number}").close()
    wait_until(lambda: len(lanes(live)) == LANES_MAX + 1)
    assert next(iter(lanes(live))) == "connection 1"
    assert list(lanes(live))[-1] == "all later connections"


def test_what_was_sent_before_is_counted_too() -> None:
    server = lab.start("websocket")
    with server.client("alice") as alice:
        alice.send("hi")
        assert lanes(lab.live(server))["connection 1"][1] >= 4


def test_it_ends_with_its_server_and_says_so_with_the_last_message_counted() -> None:
    server = lab.start("websocket")
    live = lab.live(server)
    server.client("alice").close()
    server.stop()
    wait_until(lambda: live.now["over"])
    total = sum(message.size > 0 for message in server.trace)
    assert lanes(live)["connection 1"][1] == total


def test_it_ends_when_everything_is_stopped() -> None:
    server = lab.start("websocket")
    live = lab.live(server)
    server.client("alice").close()
    lab.stop_all()
    wait_until(lambda: live.now["over"])


def test_a_closed_one_looks_no_more() -> None:
    server = lab.start("websocket")
    live = lab.live(server)
    live.close()
    server.client("alice").close()
    server.stop()
    lab_loop.stop()
    assert live.now["lanes"] == []
    assert not live.now["over"]


def test_a_cell_without_a_browser_shows_one_quiet_line() -> None:
    server = lab.start("websocket", name="quiet")
    assert repr(lab.live(server)) == "<Live: messages so far: none>"


def test_without_a_server_or_a_tape_it_says_what_to_do() -> None:
    with pytest.raises(lab.LabError, match="at least one server"):
        lab.live()
    with pytest.raises(lab.LabError, match="record"):
        lab.live(lab.start("websocket", record=False))
