"""A server that has a process to itself: `labserver serve`, and the kernel's child processes.

It runs on the main thread's loop. When it is told to stop, by a signal or because its parent has
gone, it ends its streams (WebSockets with 1001) and returns.

`python -m labserver.runtime.serve` is how server_process.py starts it, and is not for people: it
reads its configuration as one line of JSON from standard input, and serves until standard input
ends.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType

import msgspec

from labserver.errors import LabError
from labserver.runtime.child_process import first_line, when_stdin_ends
from labserver.runtime.config import ServerConfig
from labserver.runtime.wiring import Service, bind, hub_for, service_for, url_of

STOP_TIMEOUT_S = 4.0  # less than the 5 to 90 s after which supervisors kill
EXIT_TIMEOUT_S = 4.5
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)

log = logging.getLogger("labserver")


def main() -> None:
    """Serve the configuration on standard input until standard input ends."""
    config = msgspec.json.decode(first_line(), type=ServerConfig)
    try:
        orphaned = serve_as_process(service_for(config), until_stdin_ends=True)
    except LabError as error:
        sys.exit(str(error))  # for the parent to read, on standard error
    if orphaned and config.temporary_store and config.store is not None:
        _remove(Path(config.store))


def serve_as_process(service: Service, *, until_stdin_ends: bool = False) -> bool:
    """Serve as a program does: say `ready URL` on standard output, and log to standard error.

    Args:
        service: what to serve.
        until_stdin_ends: whether to stop when standard input ends.

    Returns:
        Whether the parent was killed, as `serve` says.

    Raises:
        LabError: if the server cannot start.
    """
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s: %(message)s"
    )
    os.umask(0o077)  # nobody else may read the direct messages in the store
    return serve(
        service, ready=_say_ready, stopping=_exit_in_time, until_stdin_ends=until_stdin_ends
    )


def serve(
    service: Service,
    *,
    ready: Callable[[str], None],
    stopping: Callable[[], object] = lambda: None,
    until_stdin_ends: bool = False,
) -> bool:
    """Serve until told to stop; only on the main thread.

    Args:
        service: what to serve; its configuration says where.
        ready: called with the URL once connections are accepted.
        stopping: called when the server has been told to stop. It returns `STOP_TIMEOUT_S` later
            at the latest, unless something cannot be cancelled.
        until_stdin_ends: whether to stop when standard input ends.

    Returns:
        Whether the server was orphaned: standard input ended without a good-bye, so the parent
        was killed.

    Raises:
        LabError: if the port is busy, or the store or Redis cannot be used.
    """
    config = service.config
    with closing(bind(config.host, config.port)) as listening:
        hub = hub_for(config)

        async def run() -> bool:
            stop = _Stop()
            limit = asyncio.timeout(None)  # set once the server has been told to stop
            with stop.on_signals():
                if until_stdin_ends:
                    when_stdin_ends(asyncio.get_running_loop(), stop.by_parent)
                try:
                    async with limit, hub as opened, service.serve(opened, listening):
                        ready(url_of(listening, service.tls is not None))
                        await stop.told.wait()
                        stopping()
                        limit.reschedule(asyncio.get_running_loop().time() + STOP_TIMEOUT_S)
                except TimeoutError:
                    if not limit.expired():
                        raise
                    log.warning("connections did not close within %g s", STOP_TIMEOUT_S)
            return stop.orphaned

        return asyncio.run(run())


class _Stop:
    """Whether the server was told to stop, and by whom; belongs to the running loop."""

    def __init__(self) -> None:
        self.told = asyncio.Event()
        self.orphaned = False
        self._loop = asyncio.get_running_loop()

    def by_parent(self, said_goodbye: bool) -> None:
        self.orphaned = not said_goodbye
        self.told.set()

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and SIGINT while the block runs."""

        def on_signal(number: int, frame: FrameType | None) -> None:
            log.info("stopping: %s", signal.Signals(number).name)
            self._loop.call_soon_threadsafe(self.told.set)

        # Not loop.add_signal_handler, which Windows does not have.
        before = {number: signal.signal(number, on_signal) for number in STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _say_ready(url: str) -> None:
    sys.stdout.write(f"ready {url}\n")
    sys.stdout.flush()


def _exit_in_time() -> None:
    """End the process even if something hangs: a supervisor would kill it, and not with exit 0."""
    last_resort = threading.Timer(EXIT_TIMEOUT_S, os._exit, (0,))
    last_resort.daemon = True
    last_resort.start()


def _remove(store: Path) -> None:
    """Remove a store, and its folder if that is then empty."""
    for suffix in ("", "-wal", "-shm"):
        store.with_name(store.name + suffix).unlink(missing_ok=True)
    try:
        store.parent.rmdir()
    except OSError:
        pass  # another server's store is still in it


if __name__ == "__main__":
    main()
