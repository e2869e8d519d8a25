from __future__ import annotations

import asyncio

from labserver.practice.given.event_log import Event, EventLog
from labserver.practice.given.virtual_time import run


def test_a_cursor_gives_what_came_after_it() -> None:
    async def story() -> tuple[list[Event], list[Event]]:
        log = EventLog()
        await log.append("a")
        await log.append("b")
        return log.after(0), log.after(1)

    assert run(story()) == ([Event(1, "a"), Event(2, "b")], [Event(2, "b")])


def test_an_append_holds_the_lock_while_it_writes_and_then_wakes_who_waits() -> None:
    async def story() -> tuple[list[Event], float, list[Event]]:
        log, loop = EventLog(), asyncio.get_running_loop()

        async def wait() -> tuple[list[Event], float]:
            async with log.changed:
                await log.changed.wait()
                return log.after(0), loop.time()

        async with asyncio.TaskGroup() as group:
            waits = group.create_task(wait())
            await asyncio.sleep(1)
            group.create_task(log.append("a", writing_s=0.5))
            await asyncio.sleep(0.25)
            meanwhile = log.after(0)
            assert log.changed.locked()
        return *waits.result(), meanwhile

    assert run(story()) == ([Event(1, "a")], 1.5, [])
