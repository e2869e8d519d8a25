"""A thread in which the learner's code runs, so that an infinite loop holds up nothing else.

A thread cannot be killed. One that does not answer in time is abandoned, and an exception is
raised in it, which ends any Python loop at its next step. What waits in C code, such as a long
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
        where: the learner's line that was running.
    """

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.where = where


class Worker:
    """A daemon thread that makes one call after another."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="labserver learner", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether its thread is running."""
        return self._thread.is_alive()

    async def call(self, function: Callable[[], T], seconds: float) -> T:
        """Call a function in the worker's thread, and return its result.

        Args:
            function: what to call.
            seconds: how long that may take.

        Raises:
            TookTooLong: if it takes longer; the worker is then of no further use.
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
        """The learner's line that is running."""
        now = sys._current_frames().get(self._thread.ident or 0)
        frames = [(f.f_code.co_filename, line, f.f_code.co_name) for f, line in _walked(now)]
        return "".join(learners_line(tuple(frames)))

    def leave(self) -> None:
        """Let the thread end when it has nothing left to do."""
        self._jobs.put(None)

    def end(self) -> None:
        """Let the thread end, and interrupt what it does."""
        self.leave()
        if self._thread.ident is not None and self.alive:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self._thread.ident), ctypes.py_object(Interrupted)
            )

    def join(self, seconds: float) -> None:
        """Wait up to so many seconds for its thread to end."""
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            while (job := self._jobs.get()) is not None:
                future, function = job
                if not future.set_running_or_notify_cancel():
                    continue
                try:
                    future.set_result(function())
                except BaseException as error:  # noqa: BLE001  # it is raised in the caller
                    future.set_exception(error)
        except (Interrupted, InvalidStateError):  # it had just ended by itself
            pass


def _walked(frame: Any) -> list[Any]:
    return list(traceback.walk_stack(frame))[::-1] if frame is not None else []
