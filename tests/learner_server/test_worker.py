"""The thread of a connection: it answers, or is left alone and broken off."""

from __future__ import annotations

import asyncio
import threading

import pytest

from labserver.learner_server.worker import TookTooLong, Worker

SOON_S = 0.05
JOIN_S = 10.0


async def test_it_returns_and_raises_what_the_function_does() -> None:
    worker = Worker()
    assert await worker.call(threading.get_ident, JOIN_S) != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        await worker.call(lambda: 1 // 0, JOIN_S)
    assert await worker.call(lambda: "still here", JOIN_S) == "still here"
    worker.leave()
    await asyncio.to_thread(worker.join, JOIN_S)
    assert not worker.alive


async def test_a_loop_without_end_is_broken_off_and_the_line_is_told() -> None:
    def loops() -> None:
        while True:
            pass

    worker = Worker()
    with pytest.raises(TookTooLong) as caught:
        await worker.call(loops, SOON_S)
    assert caught.value.where.startswith("in loops, line ")
    await asyncio.to_thread(worker.join, JOIN_S)
    assert not worker.alive


async def test_a_call_that_nobody_waits_for_any_more_is_broken_off() -> None:
    begun = threading.Event()

    def loops() -> None:
        begun.set()
        while True:
            pass

    worker = Worker()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(worker.call(loops, JOIN_S))
        await asyncio.to_thread(begun.wait, JOIN_S)
        task.cancel()
    await asyncio.to_thread(worker.join, JOIN_S)
    assert not worker.alive


async def test_what_waits_in_c_goes_on_until_it_returns() -> None:
    go_on = threading.Event()

    def waits() -> None:
        go_on.wait(JOIN_S)

    worker = Worker()
    with pytest.raises(TookTooLong, match="in waits"):
        await worker.call(waits, SOON_S)
    assert worker.alive
    go_on.set()
    await asyncio.to_thread(worker.join, JOIN_S)
    assert not worker.alive


async def test_to_end_one_that_has_ended_does_nothing() -> None:
    worker = Worker()
    worker.end()
    await asyncio.to_thread(worker.join, JOIN_S)
    worker.end()
    assert not worker.alive
    assert worker.where == ""


async def test_the_loop_that_waits_for_it_goes_on() -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.001)
            ticks += 1

    def loops() -> None:
        while True:
            pass

    async with asyncio.TaskGroup() as tasks:
        ticking = tasks.create_task(tick())
        with pytest.raises(TookTooLong):
            await Worker().call(loops, 0.5)
        ticking.cancel()
    assert ticks > 3
