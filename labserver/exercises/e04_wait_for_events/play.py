"""How E04 is played: appends and waiting calls on one virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from labserver.practice.checking.play import Raised
from labserver.practice.given.event_log import Event, EventLog
from labserver.practice.given.virtual_time import run

Wait = Callable[[EventLog, int, float], Awaitable[list[Event]]]


class Happening(NamedTuple):
    """Something that happens to the log.

    Attributes:
        at: when it starts, seconds.
        writing_s: how long the append holds the lock; None if all are woken without an append.
    """

    at: float
    writing_s: float | None = 0.0


class Waiter(NamedTuple):
    """One call of the learner's function.

    Attributes:
        at: when it is called, seconds.
        after: its cursor.
        timeout: its timeout, seconds.
        cancelled: when it is cancelled; None for never.
    """

    at: float
    after: int = 0
    timeout: float = 10.0
    cancelled: float | None = None


class Waited(NamedTuple):
    """How a call ended.

    Attributes:
        at: when it ended, seconds.
        events: what it returned, or the exception.
    """

    at: float
    events: Any


def play(attempt: Wait, happenings: tuple[Happening, ...], waiters: tuple[Waiter, ...]) -> Any:
    """Run all happenings and all calls on one virtual clock."""
    return run(_story(attempt, happenings, waiters))


async def _story(
    attempt: Wait, happenings: tuple[Happening, ...], waiters: tuple[Waiter, ...]
) -> list[Waited]:
    log, clock = EventLog(), asyncio.get_running_loop().time
    ended: dict[int, Waited] = {}
    broken: list[Exception] = []

    async def happen(happening: Happening, number: int) -> None:
        await asyncio.sleep(happening.at)
        if happening.writing_s is None:
            async with log.changed:
                log.changed.notify_all()
        else:
            await log.append(f"event {number}", happening.writing_s)

    async def wait(index: int, waiter: Waiter) -> None:
        await asyncio.sleep(waiter.at)
        actual: Any
        try:
            actual = await attempt(log, waiter.after, waiter.timeout)
        except (TimeoutError, asyncio.CancelledError) as error:
            actual = Raised(type(error).__name__)
        except Exception as error:  # noqa: BLE001  # raised below, outside the group
            broken.append(error)
            actual = None
        ended[index] = Waited(round(clock(), 6), actual)

    async def cancel(task: asyncio.Task[None], at: float) -> None:
        await asyncio.sleep(at)
        task.cancel()

    async with asyncio.TaskGroup() as group:
        appends = 0
        for happening in happenings:
            appends += happening.writing_s is not None
            group.create_task(happen(happening, appends))
        for index, waiter in enumerate(waiters):
            task = group.create_task(wait(index, waiter))
            if waiter.cancelled is not None:
                group.create_task(cancel(task, waiter.cancelled))
    if broken:
        raise broken[0]
    return [ended[index] for index in range(len(waiters))]


TYPES = (Waited, Event)
