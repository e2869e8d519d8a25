"""`lab.serve_yours`: the handle on a server that is made of the learner's own functions."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import connect

from labserver.errors import LabError
from labserver.learner_server.cases import CASES
from labserver.learner_server.conformance import run
from labserver.learner_server.parts import EXERCISES, PartFailed, Parts
from labserver.learner_server.scoreboard import Scoreboard
from labserver.learner_server.server import EchoServer
from labserver.practice.given.answers import CloseReply, Response
from labserver.practice.shown import Shown
from labserver.runtime import running_servers
from labserver.runtime.loop import Held, lab_loop
from labserver.runtime.relay import Relay
from labserver.runtime.server import STOP_TIMEOUT_S
from labserver.runtime.wiring import LOOPBACK, bind, serve_through_relay, url_of

if TYPE_CHECKING:
    from labserver.trace.trace import Trace

NAME = "yours"
SAY_S = 3.0  # the longest that an answer may take
STUCK_S = 1.0  # the time that the learner's code has to end when the server stops

log = logging.getLogger("labserver")


class LearnerServer:
    """A server that echoes messages, made of the learner's parts.

    Attributes:
        name: the name it is registered by; starting it again replaces it.
        url: `ws://127.0.0.1:PORT/`.
        port: its TCP port.
    """

    def __init__(self, parts: Parts, port: int) -> None:
        self.name = NAME
        self._server = EchoServer(parts)
        self._stopped = False
        listening = bind(LOOPBACK, port)
        try:
            serving = serve_through_relay(self._server.serve, listening, True, None)
            self._held: Held[Relay | None] = lab_loop.hold(serving)
        except BaseException:
            listening.close()
            raise
        self._listening = listening
        self.url = f"{url_of(listening)}/".replace("http", "ws", 1)
        self.port: int = listening.getsockname()[1]

    @property
    def running(self) -> bool:
        """Whether it has not been stopped."""
        return not self._stopped

    @property
    def errors(self) -> list[PartFailed]:
        """What went wrong in the parts, oldest first; raise one to see its traceback."""
        return list(self._server.failed)

    @cached_property
    def trace(self) -> Trace:
        """Every message between it and its clients, except those of a conformance run."""
        from labserver.trace.trace import Trace  # it loads a decoder for each technique

        return Trace(self._relay.tape, port=self.port, lock=threading.RLock())

    def conformance(self) -> Scoreboard:
        """Send it what clients may send and what they must not, and judge its answers.

        This takes a second or two; an interrupt ends it.

        Returns:
            How each case went; a cell's last line shows it as a table.

        Raises:
            LabError: if it is stopped.
        """
        self._check_running()
        stubs = lab_loop.call(self._server.not_attempted)
        rows = lab_loop.call(run, self._relay.port, CASES, self._server.failed_for)
        return Scoreboard(rows, tuple(EXERCISES[part] for part in stubs))

    def say(self, message: str | bytes) -> str | bytes | Shown:
        """Send it a message with the client of the `websockets` library.

        Args:
            message: a text, or bytes.

        Returns:
            The answer; if there is none, the reason.

        Raises:
            LabError: if it is stopped.
        """
        self._check_running()
        try:
            with connect(self.url, compression=None, proxy=None, open_timeout=SAY_S) as client:
                client.send(message)
                return client.recv(timeout=SAY_S)
        except ConnectionClosed as error:
            end = error.rcvd
            return Shown("closed without a close frame" if end is None else f"closed with {end}")
        except InvalidStatus as error:
            body = (error.response.body or b"").decode(errors="replace").strip()
            return Shown(f"no handshake: {error.response.status_code} {body}".rstrip())
        except InvalidHandshake as error:
            return Shown(f"the client refused your handshake: {error}")
        except TimeoutError:
            return Shown(f"nothing came back within {SAY_S:g} s")
        except OSError as error:
            return Shown(f"the connection failed ({error})")

    def stop(self) -> None:
        """Close its connections and free its port; calling it twice does no harm.

        If code of the learner's cannot be interrupted, a warning names it, and it runs on.
        """
        if self._stopped:
            return
        self._stopped = True
        running_servers.remove(self)
        try:
            self._held.leave(STOP_TIMEOUT_S)
        finally:
            self._listening.close()
        for where in sorted(set(self._server.stuck(STUCK_S))):
            log.warning("your code cannot be interrupted and runs on: %s", where)

    def __enter__(self) -> LearnerServer:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        own = self._server.parts.own
        whose = f"with your {', '.join(own)}" if own else "all of it the lab's own"
        return f"<echo server {self.url}, {whose}{', stopped' if self._stopped else ''}>"

    def _check_running(self) -> None:
        if self._stopped:
            raise LabError("Your server has been stopped: run the cell that starts it.")

    @property
    def _relay(self) -> Relay:
        assert self._held.value is not None
        return self._held.value


def serve_yours(
    *,
    accept_key: Callable[[str], str] | None = None,
    answer_upgrade: Callable[[bytes, list[str]], Response] | None = None,
    encode: Callable[[int, bytes], bytes] | None = None,
    decoder: Callable[[str, int], Any] | None = None,
    assembler: Callable[[], Any] | None = None,
    utf8: Callable[[], Any] | None = None,
    on_close: Callable[[bytes], CloseReply] | None = None,
    port: int = 0,
) -> LearnerServer:
    """Serve WebSocket with your own functions; a server that runs already is replaced.

    The server echoes each message, of up to 256 KiB. The lab's own code stands in for a part that
    is left out. Your code runs in a thread per connection. An exception, a result of the wrong
    type, or a call that takes more than a second ends that connection, with 500 during the
    handshake and close code 1011 after it, and is kept in `errors`; other connections and servers
    go on. An infinite loop is interrupted. Only a call that waits in C code, such as a long sleep,
    cannot be: it goes on in its thread, and `lab.stop_all()` says so and returns.

    Args:
        accept_key: E08, the value of Sec-WebSocket-Accept.
        answer_upgrade: E09, the answer to a handshake; then without `accept_key`.
        encode: E11, `encode_frame`.
        decoder: E12, the class `FrameDecoder`.
        assembler: E13, the class `Assembler`.
        utf8: E14, the class `Utf8Gate`.
        on_close: E15.
        port: the TCP port; 0 for a free one.

    Returns:
        A handle: `url`, `say(…)`, `conformance()`, `trace`, `errors`, `stop()`.

    Raises:
        LabError: if a part is neither a function nor a class, or the port is in use.
    """
    given = {
        "accept_key": accept_key,
        "answer_upgrade": answer_upgrade,
        "encode": encode,
        "decoder": decoder,
        "assembler": assembler,
        "utf8": utf8,
        "on_close": on_close,
    }
    parts = Parts.of(given)
    running_servers.stop(NAME)
    return running_servers.add(LearnerServer(parts, port))
