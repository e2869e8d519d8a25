"""A server that has its process to itself: `labserver serve`.

It runs on the main thread's loop. Told to stop, by a signal or because whoever started it
is gone, it ends its streams (WebSockets with 1001) and returns.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from types import FrameType

from labserver.chat.guard import Guard
from labserver.runtime.wiring import LOOPBACK, bind, make_hub, open_hub, redis_hub, url_of
from labserver.techniques.transport.interface import Chat, Technique

STOP_TIMEOUT_S = 4.0  # supervisors kill after 5 to 90 s; the contract says 5
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
STDIN = 0

log = logging.getLogger("labserver")


def serve(
    technique: Technique,
    guard: Guard,
    *,
    host: str = LOOPBACK,
    port: int = 0,
    store: str | os.PathLike[str],
    redis: str | None = None,
    tls: ssl.SSLContext | None = None,
    http2: bool = False,
    while_stdin: bool = False,
    ready: Callable[[str], None],
    stopping: Callable[[], object] = lambda: None,
) -> bool:
    """Serve until told to stop; for the main thread.

    Args:
        technique: how it travels.
        guard: who may take part.
        host: the address to listen on.
        port: TCP port; 0: a free one.
        store: the SQLite file for direct messages.
        redis: the URL of a Redis that holds logs and mailbox in place of memory and `store`.
        tls: what it proves itself with; None: plain TCP.
        http2: over HTTP/2.
        while_stdin: stop when standard input ends.
        ready: called with the URL once connections are accepted.
        stopping: called when it was told to stop; `STOP_TIMEOUT_S` later it has returned,
            unless something does not let itself be cancelled.

    Returns:
        Whether it was orphaned: standard input ended without a word, so the parent was killed.

    Raises:
        LabError: if the port is busy, or the store or Redis cannot be used.
    """
    with closing(bind(host, port)) as listening:
        hub = redis_hub(redis) if redis is not None else open_hub(make_hub(store))

        async def run() -> bool:
            stop = asyncio.Event()
            limit = asyncio.timeout(None)  # there is one from the stop on
            with _told_to_stop(stop, while_stdin) as parent:
                try:
                    async with (
                        limit,
                        hub as opened,
                        technique.serve(Chat(opened, guard, tls, http2), listening),
                    ):
                        ready(url_of(listening, tls is not None))
                        await stop.wait()
                        stopping()
                        limit.reschedule(asyncio.get_running_loop().time() + STOP_TIMEOUT_S)
                except TimeoutError:
                    if not limit.expired():
                        raise
                    log.warning("connections did not close within %g s", STOP_TIMEOUT_S)
            return parent.gone

        return asyncio.run(run())


@dataclass(slots=True)
class _Parent:
    gone: bool = False


@contextmanager
def _told_to_stop(stop: asyncio.Event, while_stdin: bool) -> Iterator[_Parent]:
    """Set `stop` on SIGTERM and SIGINT, and at the end of standard input where asked for."""
    loop = asyncio.get_running_loop()

    def on_signal(number: int, frame: FrameType | None) -> None:
        log.info("stopping: %s", signal.Signals(number).name)
        loop.call_soon_threadsafe(stop.set)

    # Not loop.add_signal_handler: Windows has none.
    before = {number: signal.signal(number, on_signal) for number in STOP_SIGNALS}
    parent = _Parent()
    if while_stdin:
        # A thread, because not every kind of stdin can be polled; os.read, because a daemon
        # thread that holds the lock of sys.stdin aborts the interpreter at its end.
        threading.Thread(target=_at_end_of_stdin, args=(loop, stop, parent), daemon=True).start()
    try:
        yield parent
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _at_end_of_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event, parent: _Parent) -> None:
    farewell = False
    try:
        while os.read(STDIN, 4096):
            farewell = True
    except OSError:
        pass
    parent.gone = not farewell
    try:
        loop.call_soon_threadsafe(stop.set)
    except RuntimeError:
        pass  # the loop has ended before
