"""A thread in which the learner's code runs, so that a loop without end holds up nothing else.

A thread cannot be killed. One that does not answer in time is left alone, and an exception is
raised in it: that ends any loop in Python, at its next step. What waits within C, such as a long
sleep, goes on until it returns; the thread is a daemon and ends with the kernel at the latest.
"""

from __future__ import annotations

import asyncio
import ctypes
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from queue import SimpleQueue
from typing import Any, TypeVar

from labserver.learner_server.parts import Interrupted
from labserver.practice.checking.judge import learners_line

T = TypeVar("T")

Job = tuple["Future[Any]", Callable[[], Any]]


class TookTooLong(Exception):
    """A call did not return in time.

    Args:
        where: the learner's line that it was at.
    """

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.where = where


class Worker:
    """A daemon thread that makes one call after another."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="labserver yours", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    async def call(self, function: Callable[[], T], seconds: float) -> T:
        """What a function returns, in this thread.

        Args:
            function: is called.
            seconds: how long that may take.

        Raises:
            TookTooLong: if it does; this worker is of no use from then on.
        """
        future: Future[T] = Future()
        self._jobs.put((future, function))
        coming = asyncio.wrap_future(future)
        try:
            await asyncio.wait([coming], timeout=seconds)
            if not coming.done():
                raise TookTooLong(self.where)
            return coming.result()
        finally:
            if not coming.done():
                coming.cancel()
                self.end()

    @property
    def where(self) -> str:
        """The learner's line that it is at."""
        now = sys._current_frames().get(self._thread.ident or 0)
        frames = [(f.f_code.co_filename, line, f.f_code.co_name) for f, line in _walked(now)]
        return "".join(learners_line(tuple(frames)))

    def leave(self) -> None:
        """It is not needed any more: the thread ends when it has nothing left to do."""
        self._jobs.put(None)

    def end(self) -> None:
        """Leave it, and break off what it does."""
        self.leave()
        if self._thread.ident is not None and self.alive:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self._thread.ident), ctypes.py_object(Interrupted)
            )

    def join(self, seconds: float) -> None:
        """Wait until its thread has ended, so long at most."""
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            while (job := self._jobs.get()) is not None:
                future, function = job
                if not future.set_running_or_notify_cancel():
                    continue
                try:
                    future.set_result(function())
                except BaseException as error:  # noqa: BLE001  # it is raised where it was called
                    future.set_exception(error)
        except (Interrupted, InvalidStateError):  # it had just come to its end by itself
            pass


def _walked(frame: Any) -> list[Any]:
    return list(traceback.walk_stack(frame))[::-1] if frame is not None else []
