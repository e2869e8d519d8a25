from __future__ import annotations

import asyncio

import pytest

from labserver.practice.given.virtual_time import Stuck, run


def test_an_hour_takes_no_time_and_the_order_is_that_of_the_clock() -> None:
    async def story() -> list[tuple[float, str]]:
        seen: list[tuple[float, str]] = []

        async def at(seconds: float, name: str) -> None:
            await asyncio.sleep(seconds)
            seen.append((asyncio.get_running_loop().time(), name))

        async with asyncio.TaskGroup() as group:
            for seconds, name in ((3600.0, "c"), (0.1, "a"), (0.25, "b")):
                group.create_task(at(seconds, name))
        return seen

    assert run(story()) == [(0.1, "a"), (0.25, "b"), (3600.0, "c")]


def test_a_timeout_comes_when_it_is_due() -> None:
    async def story() -> float:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 25)
        return asyncio.get_running_loop().time()

    assert run(story()) == pytest.approx(25)


def test_a_wait_that_nobody_can_end_is_an_error() -> None:
    async def story() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Stuck, match="nothing is left that could wake"):
        run(story())
