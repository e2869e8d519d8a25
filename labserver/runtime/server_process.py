"""A server in a process of its own, for a kernel that measures or computes at the same time.

The child gets its configuration as JSON on its standard input (serve.py), never as words of a
command, which every user of the machine could read. It ends when that pipe does, so that it does
not outlive its kernel, even if the kernel is killed; then it also removes what was temporary.
"""

from __future__ import annotations

import asyncio
import atexit
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import cast
from urllib.parse import quote

import msgspec

from labserver.chat.tokens import Tokens
from labserver.errors import LabError
from labserver.network.link import Link
from labserver.runtime import running_servers
from labserver.runtime.child_process import command, options
from labserver.runtime.config import ServerConfig
from labserver.runtime.loop import lab_loop
from labserver.runtime.relay import Relay, run_relay
from labserver.runtime.server import Server, Widgets, kernel_secret
from labserver.runtime.tls import authority
from labserver.runtime.wiring import LOOPBACK, bind, clock, url_of
from labserver.techniques import load
from labserver.wire.tape import Tape

READY_TIMEOUT_S = 30.0  # Python on a busy machine, and aiortc's codecs
STOP_TIMEOUT_S = 5.0  # it takes at most 4 s; then it is killed
TAIL_BYTES = 2_000  # of what the child wrote to stderr, for the error message

_folder: tempfile.TemporaryDirectory[str] | None = None


def start(config: ServerConfig, widgets: Widgets | None = None) -> Server:
    """Start a server in a process of its own; one of the same name is replaced.

    Direct messages are kept in a file that lasts as long as the kernel, unless the configuration
    names one, so that the next server of this name finds what was accepted. The relay runs in the
    kernel.

    Args:
        config: what is asked of the server.
        widgets: what makes its widgets; None if it has none.

    Raises:
        LabError: if there is no such technique, or the server does not start.
    """
    load(config.technique, http2=config.http2)
    secret = config.secret or kernel_secret
    running_servers.stop(config.registered_name)
    signing = authority() if config.tls else None
    with ExitStack() as until_ready:
        certificate = None
        if signing is not None:
            certificate = until_ready.enter_context(signing.certificate(config.hosts))
        child_config = _for_child(config, secret, certificate)
        listening = bind(config.host, config.port) if config.record else None
        held = lab_loop.hold(_relayed(child_config, listening, config.link or Link()))
    child, relay = held.value
    return running_servers.add(
        Server(
            config,
            url=child.url.result() if listening is None else url_of(listening, config.tls),
            tokens=Tokens(secret, clock),
            hub=None,
            widgets=widgets,
            end=held.leave,
            relay=relay,
            pid=child.pid,
            failure=child.failure,
            authority=signing,
        )
    )


def _for_child(config: ServerConfig, secret: str, certificate: str | None) -> ServerConfig:
    """Return the configuration as the child gets it: without what stays in the kernel.

    The relay stays, and with it the port that others connect to; so does the authority, which
    gives the child a certificate.
    """
    kept_elsewhere = config.store is not None or config.redis is not None
    return msgspec.structs.replace(
        config,
        host=LOOPBACK if config.record else config.host,
        port=0 if config.record else config.port,
        record=False,
        link=None,
        allowed_hosts=config.hosts,
        secret=secret,
        store=config.store if kept_elsewhere else _default_store(config.registered_name),
        temporary_store=not kept_elsewhere,
        tls=False,
        certificate=certificate,
    )


class ServerProcess(asyncio.SubprocessProtocol):
    """A server process, as its parent sees it.

    Attributes:
        url: where it serves; done once it does.
        ended: set when it has ended and everything it wrote has been read.
    """

    def __init__(self) -> None:
        self.url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.ended = asyncio.Event()
        self._stdout = self._stderr = b""
        self._transport: asyncio.SubprocessTransport | None = None

    @property
    def pid(self) -> int:
        """The number of the process."""
        assert self._transport is not None
        return self._transport.get_pid()

    def failure(self) -> str | None:
        """How the process ended; None while it runs."""
        if not self.ended.is_set():
            return None
        assert self._transport is not None
        tail = self._stderr.decode(errors="replace").strip()
        ended = f"ended with exit code {self._transport.get_returncode()}"
        return f"{ended}: {tail}" if tail else ended

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio when the process has started."""
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Called by asyncio with what the process wrote; it never has to wait for us."""
        if fd == 2:
            self._stderr = (self._stderr + data)[-TAIL_BYTES:]
        elif not self.url.done():
            self._stdout += data
            line, newline, _ = self._stdout.partition(b"\n")
            if newline:
                self.url.set_result(line.decode().removeprefix("ready ").strip())

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio when the process has ended and its pipes have been read."""
        self.ended.set()
        if not self.url.done():
            self.url.set_exception(LabError(f"The server did not start: it {self.failure()}"))
            self.url.exception()  # perhaps nobody waits for it any more


@asynccontextmanager
async def server_process(config: ServerConfig) -> AsyncIterator[ServerProcess]:
    """Run a server process for the length of a block.

    If the block ends with an exception, the process is killed at once.

    Args:
        config: what is asked of the server, its secret included.

    Raises:
        LabError: if it does not start.
    """
    transport, child = await asyncio.get_running_loop().subprocess_exec(
        ServerProcess,
        *command("labserver.runtime.serve"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options(),
    )
    try:
        stdin = transport.get_pipe_transport(0)
        assert isinstance(stdin, asyncio.WriteTransport)
        stdin.write(msgspec.json.encode(config) + b"\n")
        await _ready(child)
        yield child
        stdin.write(b"good-bye\n")  # without it the child would take us for dead
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
    config: ServerConfig, listening: socket.socket | None, link: Link
) -> AsyncIterator[tuple[ServerProcess, Relay | None]]:
    """Run a server process, behind a relay if there is a socket to listen on."""
    if listening is None:
        async with server_process(config) as child:
            yield child, None
        return
    with closing(listening):
        # The server ends first, so that its good-byes still pass.
        async with (
            run_relay(listening, 0, link=link, tape=Tape()) as relay,
            server_process(config) as child,
        ):
            relay.port = int(child.url.result().rpartition(":")[2])
            yield child, relay


async def _ready(child: ServerProcess) -> None:
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            await asyncio.shield(child.url)
    except TimeoutError:
        raise LabError(
            f"The server process was not ready within {READY_TIMEOUT_S:g} s: start it again, or"
            " without process=True."
        ) from None


def _default_store(name: str) -> str:
    global _folder  # noqa: PLW0603 - one per kernel, made when it is first needed
    if _folder is None:
        _folder = tempfile.TemporaryDirectory(prefix="labserver-", ignore_cleanup_errors=True)
        atexit.register(_remove_folder)
    return str(Path(_folder.name, f"{quote(name, safe='')}.sqlite3"))


def _remove_folder() -> None:
    running_servers.stop_all()  # their stores are still open
    if _folder is not None:
        _folder.cleanup()
