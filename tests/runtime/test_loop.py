"""The one background loop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from labserver.errors import LabError
from labserver.runtime.loop import THREAD_NAME, LabLoop
from tests.waiting import DEADLINE_S, eventually, within


@pytest.fixture
def loop() -> Iterator[LabLoop]:
    loop = LabLoop()
    yield loop
    loop.stop()


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == THREAD_NAME]


async def double(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


async def fail() -> None:
    raise ZeroDivisionError


def test_a_call_returns_its_result(loop: LabLoop) -> None:
    assert loop.call(double, 21) == 42


def test_a_call_raises_what_was_raised(loop: LabLoop) -> None:
    with pytest.raises(ZeroDivisionError):
        loop.call(fail)


def test_it_starts_when_it_is_needed_and_once(loop: LabLoop) -> None:
    before = len(threads())
    for number in range(3):
        loop.call(double, number)
    assert len(threads()) == before + 1


def test_after_a_stop_the_next_use_starts_another(loop: LabLoop) -> None:
    loop.call(double, 1)
    before = len(threads())
    loop.stop()
    loop.stop()
    assert len(threads()) == before - 1
    assert loop.call(double, 2) == 4


def test_a_call_from_its_own_thread_is_refused(loop: LabLoop) -> None:
    async def call_again() -> None:
        loop.call(double, 1)

    with pytest.raises(LabError, match="asend"):
        loop.call(call_again)


def test_a_hold_from_its_own_thread_is_refused(loop: LabLoop) -> None:
    async def hold() -> None:
        loop.hold(room([]))

    with pytest.raises(LabError, match="wait for itself"):
        loop.call(hold)


class LongWait:
    """A coroutine function that waits, and tells when it began and when it was cancelled."""

    def __init__(self) -> None:
        self.began, self.cancelled = threading.Event(), threading.Event()

    async def __call__(self) -> None:
        self.began.set()
        try:
            await asyncio.sleep(DEADLINE_S)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


def test_an_interrupt_cancels_the_call(loop: LabLoop) -> None:
    wait = LongWait()

    def interrupt() -> None:
        wait.began.wait(DEADLINE_S)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        loop.call(wait)
    thread.join()
    assert wait.cancelled.wait(DEADLINE_S)


@pytest.mark.parametrize("how", ["call", "hold"])
@pytest.mark.parametrize("running", [False, True], ids=["not yet running", "running"])
def test_an_interrupt_between_start_and_wait_cancels_too(
    loop: LabLoop, monkeypatch: pytest.MonkeyPatch, how: str, running: bool
) -> None:
    wait, entered = LongWait(), []

    @asynccontextmanager
    async def waiting() -> AsyncIterator[None]:
        await wait()
        entered.append(True)
        yield

    start = loop._start

    def start_and_be_interrupted(function: Callable[..., Awaitable[object]], *args: object) -> None:
        start(function, *args)
        if running:
            assert wait.began.wait(DEADLINE_S)
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "_start", start_and_be_interrupted)
    with pytest.raises(KeyboardInterrupt):
        if how == "call":
            loop.call(wait)
        else:
            loop.hold(waiting())
    monkeypatch.undo()
    loop.call(double, 1)  # whatever was put before this has had its turn
    assert wait.cancelled.wait(DEADLINE_S if wait.began.is_set() else 0) == wait.began.is_set()
    assert not entered


@pytest.fixture
def started(loop: LabLoop) -> LabLoop:
    """A loop that already runs, because starting one blocks for some milliseconds."""
    loop.call(double, 1)
    return loop


async def test_a_bridge_awaits_from_another_loop(started: LabLoop) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.01)

    async def slowly() -> str:
        await eventually(lambda: ticks > 3)
        return threading.current_thread().name

    async with asyncio.TaskGroup() as tasks:
        ticking = tasks.create_task(tick())
        assert await started.bridge(slowly) == THREAD_NAME
        ticking.cancel()


async def test_a_bridge_that_is_cancelled_cancels_its_work(started: LabLoop) -> None:
    cancelled = threading.Event()

    async def wait_long() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            cancelled.set()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(started.bridge(wait_long), 0.1)
    assert await asyncio.to_thread(cancelled.wait, DEADLINE_S)


def test_a_bridge_works_on_its_own_thread(loop: LabLoop) -> None:
    async def cross() -> int:
        return await loop.bridge(double, 4)

    assert loop.call(cross) == 8


@asynccontextmanager
async def room(diary: list[str]) -> AsyncIterator[str]:
    diary.append(f"in: {threading.current_thread().name}")
    try:
        yield "inside"
    finally:
        diary.append(f"out: {threading.current_thread().name}")


def test_a_manager_is_held_until_it_is_left(loop: LabLoop) -> None:
    diary: list[str] = []
    held = loop.hold(room(diary))
    assert held.value == "inside"
    assert diary == [f"in: {THREAD_NAME}"]
    held.leave()
    held.leave()
    assert diary == [f"in: {THREAD_NAME}", f"out: {THREAD_NAME}"]


def test_what_fails_on_entering_is_raised(loop: LabLoop) -> None:
    @asynccontextmanager
    async def locked() -> AsyncIterator[None]:
        raise LabError("locked")
        yield

    with pytest.raises(LabError, match="locked"):
        loop.hold(locked())


def test_what_fails_on_leaving_is_raised(loop: LabLoop) -> None:
    @asynccontextmanager
    async def stuck_door() -> AsyncIterator[None]:
        yield
        raise LabError("stuck")

    held = loop.hold(stuck_door())
    with pytest.raises(LabError, match="stuck"):
        held.leave()


def test_who_does_not_leave_in_time_is_cancelled(loop: LabLoop) -> None:
    diary: list[str] = []

    @asynccontextmanager
    async def dawdle() -> AsyncIterator[None]:
        yield
        try:
            await asyncio.sleep(30)
        finally:
            diary.append("cancelled")

    held = loop.hold(dawdle())
    with within(5):
        held.leave(0.1)
        loop.call(asyncio.sleep, 0)
    assert diary == ["cancelled"]


def test_leaving_after_the_loop_has_stopped_does_no_harm(loop: LabLoop) -> None:
    held = loop.hold(room([]))
    held.leave()
    loop.stop()
    held.leave()
    held.ask_to_leave()


def test_what_fails_in_the_background_is_logged(
    loop: LabLoop, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "labserver"):
        loop.spawn(fail)
        loop.call(asyncio.sleep, 0.05)
    assert "failed in the background" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_a_plain_function_runs_on_its_thread(loop: LabLoop) -> None:
    seen: list[str] = []
    loop.soon(lambda: seen.append(threading.current_thread().name))
    loop.call(asyncio.sleep, 0.05)
    assert seen == [THREAD_NAME]
