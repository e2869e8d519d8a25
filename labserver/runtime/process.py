"""A server in a process of its own, for a kernel that measures or computes meanwhile.

The child is `labserver serve`, in a session of its own: an interrupt of the kernel is not
for it. Its standard input is a pipe that only the kernel holds open, so that it ends with
the kernel, even when that is killed; then it also removes what was temporary.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import cast
from urllib.parse import quote

from labserver.chat.tokens import Tokens
from labserver.errors import LabError
from labserver.network.link import Link
from labserver.runtime import server as register
from labserver.runtime.config import ServerConfig
from labserver.runtime.loop import lab_loop
from labserver.runtime.relay import Relay, relay
from labserver.runtime.server import Server, kernel_secret
from labserver.runtime.state import SECRET_VARIABLE
from labserver.runtime.tls import authority
from labserver.runtime.wiring import LOOPBACK, bind, clock, url_of
from labserver.techniques import load
from labserver.wire.tape import Tape

READY_TIMEOUT_S = 30.0  # Python on a busy machine, and aiortc's codecs
STOP_TIMEOUT_S = 5.0  # it takes at most 4 s; then it is killed
TAIL_BYTES = 2_000  # of what the child wrote to stderr, for the error message
SOURCES = Path(__file__).parents[2]

_folder: tempfile.TemporaryDirectory[str] | None = None


def start(order: ServerConfig) -> Server:
    """Start a server in a process of its own; one of the same name is replaced.

    Direct messages are kept in a file that lasts as long as the kernel, unless the order names
    one, so that another server of this name finds what was accepted. The relay runs in the kernel.

    Raises:
        LabError: if there is no such technique, or the server did not start.
    """
    if order.hub is not None:
        raise LabError("A hub cannot be shared with another process: leave out hub=.")
    load(order.technique, http2=order.http2)
    secret = order.secret or kernel_secret
    register.clear(order.registered)
    store = _default_store(order.registered) if order.store is None else order.store
    origins = order.allowed_origins
    options = {
        "--host": [LOOPBACK if order.record else order.host],
        "--port": ["0" if order.record else str(order.port)],
        "--store": [os.fspath(store)],
        "--allow-origin": () if origins is None else list(origins) or [""],
        "--allow-host": order.hosts,
    }
    flags = ["--while-stdin"]
    if order.store is None:
        flags.append("--temporary")
    if order.http2:
        flags.append("--http2")
    signing = authority() if order.tls else None
    with ExitStack() as until_ready:
        if signing is not None:
            certificate = signing.certificate(order.hosts)
            options["--certificate"] = [until_ready.enter_context(certificate)]
        words = [f"{option}={value}" for option, values in options.items() for value in values]
        arguments = [order.technique, *flags, *words]
        listening = bind(order.host, order.port) if order.record else None
        held = lab_loop.hold(_relayed(arguments, secret, listening, order.link or Link()))
    child, passing = held.value
    return register.register(
        Server(
            order,
            url=child.url.result() if listening is None else url_of(listening, order.tls),
            tokens=Tokens(secret, clock),
            hub=None,
            end=held.leave,
            passing=passing,
            pid=child.pid,
            failure=child.failure,
            authority=signing,
        )
    )


class Child(asyncio.SubprocessProtocol):
    """What is heard from a server process.

    Attributes:
        url: where it serves, once it does.
        ended: set when it has ended and all it wrote was read.
    """

    def __init__(self) -> None:
        self.url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.ended = asyncio.Event()
        self._stdout = self._stderr = b""
        self._transport: asyncio.SubprocessTransport | None = None

    @property
    def pid(self) -> int:
        """The process."""
        assert self._transport is not None
        return self._transport.get_pid()

    def failure(self) -> str | None:
        """How it ended; None while it runs."""
        if not self.ended.is_set():
            return None
        assert self._transport is not None
        tail = self._stderr.decode(errors="replace").strip().removeprefix("labserver: ")
        ended = f"ended with exit code {self._transport.get_returncode()}"
        return f"{ended}: {tail}" if tail else ended

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The process has started."""
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """It has written; read at once, so that it never waits for us."""
        if fd == 2:
            self._stderr = (self._stderr + data)[-TAIL_BYTES:]
        elif not self.url.done():
            self._stdout += data
            line, newline, _ = self._stdout.partition(b"\n")
            if newline:
                self.url.set_result(line.decode().removeprefix("ready ").strip())

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended, and its pipes have been read."""
        self.ended.set()
        if not self.url.done():
            self.url.set_exception(LabError(f"The server did not start: it {self.failure()}"))
            self.url.exception()  # where nobody waits for it any more


@asynccontextmanager
async def serving(arguments: Sequence[str], secret: str) -> AsyncIterator[Child]:
    """A server process for the time of a block; left with an exception, it is killed.

    Args:
        arguments: of `labserver serve`; with `--while-stdin`.
        secret: signs the tokens.

    Raises:
        LabError: if it does not start.
    """
    search = [str(SOURCES), *filter(None, [os.environ.get("PYTHONPATH")])]
    transport, child = await asyncio.get_running_loop().subprocess_exec(
        Child,
        # -P: files of the notebook's folder must not pass for modules.
        *(sys.executable, "-P", "-m", "labserver", "serve", *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, SECRET_VARIABLE: secret, "PYTHONPATH": os.pathsep.join(search)},
        start_new_session=True,
    )
    try:
        await _ready(child)
        yield child
        stdin = transport.get_pipe_transport(0)
        assert isinstance(stdin, asyncio.WriteTransport)
        stdin.write(b"farewell\n")  # without it the child would take us for dead
        stdin.close()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await child.ended.wait()
        except TimeoutError:
            pass
    finally:
        transport.close()  # kills it if it still runs
        await child.ended.wait()


@asynccontextmanager
async def _relayed(
    arguments: Sequence[str], secret: str, listening: socket.socket | None, link: Link
) -> AsyncIterator[tuple[Child, Relay | None]]:
    """A server process, behind a relay where there is a socket to listen on."""
    if listening is None:
        async with serving(arguments, secret) as child:
            yield child, None
        return
    with closing(listening):
        # The server ends first, so that its good-byes still pass.
        async with (
            relay(listening, 0, link=link, tape=Tape()) as passing,
            serving(arguments, secret) as child,
        ):
            passing.port = int(child.url.result().rpartition(":")[2])
            yield child, passing


async def _ready(child: Child) -> None:
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            await asyncio.shield(child.url)
    except TimeoutError:
        raise LabError(
            f"The server process was not ready within {READY_TIMEOUT_S:g} s: start it again, or"
            " without process=True."
        ) from None


def _default_store(name: str) -> Path:
    global _folder  # noqa: PLW0603 - one a kernel, made when it is first needed
    if _folder is None:
        _folder = tempfile.TemporaryDirectory(prefix="labserver-", ignore_cleanup_errors=True)
        atexit.register(_remove_folder)
    return Path(_folder.name, f"{quote(name, safe='')}.sqlite3")


def _remove_folder() -> None:
    register.stop_all()  # they still have it open
    if _folder is not None:
        _folder.cleanup()
