"""The one background event loop of a kernel, on which every server and client runs.

The notebook's own loop would not do, because a cell that blocks would stop the server that it
waits for. This is a thin layer on anyio's blocking portal, which owns every task that is started
through it.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, ExitStack
from typing import Generic, TypeVar, TypeVarTuple

from anyio.from_thread import BlockingPortal, start_blocking_portal

from labserver.errors import LabError

T = TypeVar("T")
A = TypeVarTuple("A")

THREAD_NAME = "labserver"

log = logging.getLogger("labserver")


class LabLoop:
    """An event loop in a daemon thread, which starts when it is first needed.

    Attributes:
        failures: what was raised in the background, where no cell was waiting for it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._portal: BlockingPortal | None = None
        self._thread: int | None = None
        self.failures: list[BaseException] = []

    def call(self, function: Callable[[*A], Awaitable[T]], *args: *A) -> T:
        """Run a coroutine function on the loop and wait for its result.

        An interrupt (KeyboardInterrupt) cancels it.

        Raises:
            LabError: if called on the loop's own thread, where it would wait for itself.
        """
        self._refuse_own_thread()
        with Cancellable() as call:
            return self._start(call.run, function, *args).result()

    async def bridge(self, function: Callable[[*A], Awaitable[T]], *args: *A) -> T:
        """Run a coroutine function on the loop, for a caller with a loop of its own.

        Such a caller is a notebook's cell that awaits.
        """
        if threading.get_ident() == self._thread:
            return await function(*args)
        with Cancellable() as call:
            return await asyncio.wrap_future(self._start(call.run, function, *args))

    def hold(self, manager: AbstractAsyncContextManager[T]) -> Held[T]:
        """Enter an async context manager on the loop, and stay in it until `Held.leave`."""
        held: Held[T] = Held(manager)
        self._refuse_own_thread()
        with Cancellable() as call:
            held.running = self._start(call.run, held.run)
            held.running.add_done_callback(self._report)
            held.value = held.entered.result()
        return held

    def spawn(self, function: Callable[[], Awaitable[None]]) -> None:
        """Run a coroutine function in the background, until it or the loop ends."""
        self._start(function).add_done_callback(self._report)

    def soon(self, function: Callable[[], object]) -> None:
        """Run a plain function on the loop's thread, from any thread."""

        async def run() -> None:
            function()

        self.spawn(run)

    def stop(self) -> None:
        """End the loop and everything that still runs on it; the next use starts a new one."""
        with self._lock:
            if self._portal is not None:
                self._portal.call(self._portal.stop, True)
            self._portal = self._thread = None
            self._stack.close()

    def _start(self, function: Callable[[*A], Awaitable[T]], *args: *A) -> Future[T]:
        with self._lock:
            if self._portal is None:
                self._portal = self._stack.enter_context(
                    start_blocking_portal("asyncio", name=THREAD_NAME)
                )
                self._thread = self._portal.call(threading.get_ident)
        return self._portal.start_task_soon(function, *args)

    def _report(self, future: Future[None]) -> None:
        """Keep the error of something that no cell was waiting for."""
        if not future.cancelled() and (error := future.exception()) is not None:
            self.failures.append(error)
            log.error("failed in the background", exc_info=error)

    def _refuse_own_thread(self) -> None:
        if threading.get_ident() == self._thread:
            raise LabError(
                "This would wait for itself: on the lab's own loop, await asend and areceive"
                " instead."
            )


class Cancellable:
    """A context manager: a call on the loop that is cancelled if the block raises.

    The future of a call is known only once the call has been started, and an interrupt can come
    in between. So the call can be cancelled from before it starts.
    """

    def __init__(self) -> None:
        self._task: asyncio.Task[object] | None = None
        self._cancelled = False

    async def run(self, function: Callable[[*A], Awaitable[T]], *args: *A) -> T:
        """Run a coroutine function, unless it was cancelled before."""
        self._task = asyncio.current_task()
        if self._cancelled:
            raise asyncio.CancelledError
        return await function(*args)

    def __enter__(self) -> Cancellable:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            return
        self._cancelled = True  # before looking for the task: `run` does it the other way round
        if self._task is not None and not self._task.get_loop().is_closed():
            self._task.get_loop().call_soon_threadsafe(self._task.cancel)


class Held(Generic[T]):
    """An async context manager that was entered and not left yet; see `LabLoop.hold`."""

    value: T
    running: Future[None]

    def __init__(self, manager: AbstractAsyncContextManager[T]) -> None:
        self.entered: Future[T] = Future()
        self._manager = manager
        self._leave = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self) -> None:
        """Enter the manager, and stay in it until told to leave; runs on the loop."""
        self._loop = asyncio.get_running_loop()
        try:
            async with self._manager as value:
                self.entered.set_result(value)
                await self._leave.wait()
        except BaseException as error:
            if not self.entered.done():
                self.entered.set_exception(error)
                return
            raise

    def ask_to_leave(self) -> None:
        """Leave the manager, without waiting for that."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._leave.set)

    def leave(self, timeout: float | None = None) -> None:
        """Leave the manager, and wait until that is done.

        Args:
            timeout: seconds after which the manager is cancelled; None for never.

        Raises:
            Exception: what went wrong in the background.
        """
        assert self._loop is not None
        if not self.running.done():  # otherwise its loop may be closed
            self._loop.call_soon_threadsafe(self._leave.set)
        try:
            self.running.result(timeout)
        except TimeoutError:
            self.running.cancel()


lab_loop = LabLoop()
atexit.register(lab_loop.stop)
