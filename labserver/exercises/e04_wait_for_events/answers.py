"""Wrong ideas about waiting."""

from __future__ import annotations

import asyncio

from labserver.practice.given.event_log import Event, EventLog


async def checks_then_subscribes(log: EventLog, after: int, timeout: float) -> list[Event]:
    if events := log.after(after):
        return events
    async with log.changed:
        try:
            await asyncio.wait_for(log.changed.wait(), timeout)
        except TimeoutError:
            return []
    return log.after(after)


async def timeout_raises(log: EventLog, after: int, timeout: float) -> list[Event]:
    async with log.changed:
        await asyncio.wait_for(log.changed.wait_for(lambda: log.after(after)), timeout)
    return log.after(after)


async def any_wake_will_do(log: EventLog, after: int, timeout: float) -> list[Event]:
    async with log.changed:
        if not log.after(after):
            try:
                await asyncio.wait_for(log.changed.wait(), timeout)
            except TimeoutError:
                return []
        return log.after(after)


async def each_wake_a_new_timeout(log: EventLog, after: int, timeout: float) -> list[Event]:
    async with log.changed:
        while not log.after(after):
            try:
                await asyncio.wait_for(log.changed.wait(), timeout)
            except TimeoutError:
                return []
        return log.after(after)


async def looks_every_second(log: EventLog, after: int, timeout: float) -> list[Event]:
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout
    while not log.after(after) and loop.time() < end:
        await asyncio.sleep(min(1.0, end - loop.time()))
    return log.after(after)


async def swallows_the_cancellation(log: EventLog, after: int, timeout: float) -> list[Event]:
    async with log.changed:
        try:
            await asyncio.wait_for(log.changed.wait_for(lambda: log.after(after)), timeout)
        except (TimeoutError, asyncio.CancelledError):
            pass
        return log.after(after)


async def no_timeout(log: EventLog, after: int, timeout: float) -> list[Event]:
    async with log.changed:
        await log.changed.wait_for(lambda: log.after(after))
    return log.after(after)


async def keeps_the_lock_when_cancelled(log: EventLog, after: int, timeout: float) -> list[Event]:
    await log.changed.acquire()
    try:
        await asyncio.wait_for(log.changed.wait_for(lambda: log.after(after)), timeout)
    except TimeoutError:
        pass
    log.changed.release()
    return log.after(after)


def no_coroutine(log: EventLog, after: int, timeout: float) -> list[Event]:
    return log.after(after)


# Wrong solution → a part of what the learner is told first.
MESSAGES = {
    "checks_then_subscribes": "(a lost wake-up)",
    "timeout_raises": "the normal end of a long poll, not an error",
    "any_wake_will_do": "you were woken and answered without checking",
    "each_wake_a_new_timeout": "it counts from the call",
    "looks_every_second": "the answer came late: you look every so often. Wait",
    "swallows_the_cancellation": "let CancelledError through",
    "no_timeout": "never ends",
    "keeps_the_lock_when_cancelled": "it kept the lock",
    "no_coroutine": "wrong.",
}
