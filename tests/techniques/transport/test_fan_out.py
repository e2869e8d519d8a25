"""Frames of one turn of the loop leave together, in order, and none waits for the next turn."""

from __future__ import annotations

import asyncio

from labserver.techniques.transport.fan_out import FRAMES_MAX, Cork, Corked


async def turn() -> None:
    await asyncio.sleep(0)


async def test_what_comes_in_one_turn_is_one_write() -> None:
    written: list[bytes] = []
    corked = Corked(Cork(), written.append)
    corked.put(b"one ")
    corked.put(b"two")
    assert written == []
    await turn()
    assert written == [b"one two"]


async def test_what_comes_in_the_next_turn_is_a_write_of_its_own() -> None:
    written: list[bytes] = []
    corked = Corked(Cork(), written.append)
    corked.put(b"one")
    await turn()
    corked.put(b"two")
    await turn()
    assert written == [b"one", b"two"]


async def test_a_room_is_given_the_same_bytes_and_each_its_own_answers() -> None:
    written: dict[int, list[bytes]] = {number: [] for number in range(4)}
    cork = Cork()
    room = [Corked(cork, written[number].append) for number in range(4)]
    for frame in (b"hello ", b"world"):
        for corked in room:
            corked.put(frame)
    room[1].put(b", and ACK")
    await turn()
    assert written[0] == written[2] == written[3] == [b"hello world"]
    assert written[1] == [b"hello world, and ACK"]
    assert written[0][0] is not written[3][0], "joined anew after the one in between"
    assert written[2][0] is written[3][0], "joined once for those in a row"


async def test_something_else_is_written_behind_it_and_nothing_twice() -> None:
    written: list[bytes] = []
    corked = Corked(Cork(), written.append)
    corked.put(b"message")
    corked.flush()
    written.append(b"close")
    corked.flush()
    await turn()
    assert written == [b"message", b"close"]


async def test_after_a_flush_the_turn_goes_on() -> None:
    written: list[bytes] = []
    corked = Corked(Cork(), written.append)
    corked.put(b"one")
    corked.flush()
    corked.put(b"two")
    await turn()
    assert written == [b"one", b"two"]


async def test_no_more_than_its_bound_waits() -> None:
    written: list[bytes] = []
    corked = Corked(Cork(), written.append)
    for _ in range(FRAMES_MAX + 1):
        corked.put(b"x")
    assert written == [b"x" * FRAMES_MAX]
    await turn()
    assert written == [b"x" * FRAMES_MAX, b"x"]
