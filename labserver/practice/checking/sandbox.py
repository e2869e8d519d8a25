"""The learner's code in a process of its own, from the kernel's side.

Whatever the code does there (loop, crash, exit, use up memory, print without end) is a result
here, and the process is gone when the block ends.
"""

from __future__ import annotations

import json
import os
import pickle
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, BinaryIO

import cloudpickle

from labserver.errors import LabError
from labserver.practice.checking import descendants
from labserver.practice.checking.exercise import Exercise
from labserver.practice.checking.play import Raised
from labserver.practice.checking.sandbox_child import LENGTH
from labserver.practice.checking.values import decode
from labserver.runtime.child_process import command, options

START_MAX_S = 30.0  # Python, on a busy machine
LOAD_MAX_S = 10.0  # the learner's own imports, pandas for one
CASE_MAX_S = 5.0  # a case takes milliseconds
ALL_MAX_S = 40.0
ALL_TIMED_OUT = f"all cases together took more than {ALL_MAX_S:.0f} s: your code is slow."
LOADED_LATE = f"your cell did not finish within {LOAD_MAX_S:.0f} s: it loops forever, or waits."
TIMED_OUT = f"no answer within {CASE_MAX_S:.0f} s: your code loops forever, waits, or is slow."
STOPPED = "stopped before it was judged."
TOO_MUCH = "your code returned more than any answer can hold."
EXIT_MAX_S = 2.0  # from the end of its answers to the end of the process
ANSWER_MAX = 20_000_000  # bytes; what is returned is limited in the child already


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What the learner's code made of one case.

    Attributes:
        value: plain values, `Raised` or `Strange`.
        raised: the text of the exception, if there was one.
        frames: the frames it passed through: file, line, function.
        printed: the beginning of what the code printed.
        ended: why there is no value, as a sentence; the process is gone then.
    """

    value: Any = None
    raised: str = ""
    frames: tuple[tuple[str, int, str], ...] = ()
    printed: str = ""
    ended: str = ""


class Sandbox:
    """A context manager: the process with the learner's code in it.

    Args:
        exercise: the exercise whose cases it will be fed.
        code: the learner's function or class.

    Attributes:
        token: what its processes have in their environment, by which they are found.

    The code is taken as it is now; the block may be entered later, and in another thread.

    Raises:
        LabError: if the code cannot be sent to another process, or the process cannot start.
    """

    def __init__(self, exercise: Exercise, code: Any) -> None:
        self.token = secrets.token_hex(16)
        self._stopped = threading.Event()
        self._exercise = exercise
        try:
            pickled = cloudpickle.dumps(code)
        except Exception as error:
            raise LabError(
                f"{exercise.name} cannot be sent to the checker ({error}): let it use only what"
                " its own cell defines or imports."
            ) from error
        self._pickled = pickled
        self._over = ""
        self._number = 0

    def __enter__(self) -> Sandbox:
        self._started = time.time()
        try:
            self._start()
        except OSError as error:
            raise LabError(f"The checker could not start a process: {error}.") from error
        try:
            hello = pickle.dumps((self._exercise.id, sys.path))
            if self._ask(hello, START_MAX_S).ended:  # nothing of the learner's has run yet
                raise LabError("The checker's process did not start: lab.doctor() may say why.")
            self._unpickled = self._ask(self._pickled, LOAD_MAX_S, LOADED_LATE)
        except BaseException:
            self._leave()
            raise
        self._until = time.monotonic() + ALL_MAX_S
        return self

    def _start(self) -> None:
        """Start the process, and open the way to it and the way back.

        Where the system has socket pairs, both are one socket. Our end can be shut down, which
        ends a read even if a process that the code started, and that we cannot find, still holds
        the other end.
        """
        self._ours: socket.socket | None = None
        to: Any = subprocess.PIPE
        if sys.platform != "win32":
            self._ours, to = socket.socketpair()
        try:
            self._process = subprocess.Popen(
                command("labserver.practice.checking.sandbox_child"),
                stdin=to,
                stdout=to,
                stderr=subprocess.DEVNULL,
                # One thread per core, each with its buffers, would exceed the limit on a large
                # machine. Its own session is its process group as well; see _kill_group.
                **options(**{"OPENBLAS_NUM_THREADS": "1", descendants.VARIABLE: self.token}),
            )
        except OSError:
            if self._ours is not None:
                self._ours.close()
            raise
        finally:
            if self._ours is not None:
                to.close()
        self._to: BinaryIO
        self._back: BinaryIO
        if self._ours is not None:
            self._to, self._back = self._ours.makefile("wb"), self._ours.makefile("rb")
        else:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._to, self._back = self._process.stdin, self._process.stdout

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave()

    @property
    def over(self) -> bool:
        """Whether the process is gone and can no longer be asked."""
        return bool(self._over)

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called, so that what came out is no judgement."""
        return self._stopped.is_set()

    def play(self, given: tuple[Any, ...]) -> CaseResult:
        """Feed the code with a case, and return what it made of it."""
        if self._over:
            return CaseResult(ended=self._over)
        if isinstance(self._unpickled.value, Raised):
            return self._unpickled
        request = pickle.dumps(given)
        remaining = max(0.1, self._until - time.monotonic())
        if remaining < CASE_MAX_S:
            return self._ask(request, remaining, ALL_TIMED_OUT)
        return self._ask(request, CASE_MAX_S)

    def stop(self) -> None:
        """End the process, from any thread: whoever waits for an answer gets STOPPED."""
        self._stopped.set()
        if hasattr(self, "_back"):  # otherwise it has not started, and will not be asked
            self._cut_off()

    def _cut_off(self) -> None:
        """Kill the process, and end a read that waits for it."""
        self._kill()
        if self._ours is not None:
            with suppress(OSError):  # it was closed in this very moment
                self._ours.shutdown(socket.SHUT_RDWR)

    def _ask(self, request: bytes, seconds: float, timed_out: str = TIMED_OUT) -> CaseResult:
        if self._stopped.is_set():
            self._over = STOPPED
            return CaseResult(ended=self._over)
        late = threading.Event()

        def give_up() -> None:
            late.set()
            self._cut_off()

        timer = threading.Timer(seconds, give_up)
        timer.daemon = True
        timer.start()
        try:
            return self._read(self._exchange(request))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            ended = timed_out if late.is_set() else _ending(self._status())
            self._over = STOPPED if self._stopped.is_set() else ended
            self._kill()
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            self._kill()
            self._over = "something that your code wrote or started interfered with the checker."
        finally:
            timer.cancel()
        return CaseResult(ended=self._over)

    def _read(self, answer: dict[str, Any]) -> CaseResult:
        """Decode an answer of the child's."""
        if answer["number"] != self._number:
            raise ValueError("an answer to something else")
        self._number += 1
        return CaseResult(
            value=decode(answer.get("value"), self._exercise.types),
            raised=str(answer.get("raised", "")),
            frames=tuple((str(f), int(n), str(name)) for f, n, name in answer.get("frames", ())),
            printed=str(answer["printed"]),
            ended=TOO_MUCH if "too_much" in answer else "",
        )

    def _exchange(self, request: bytes) -> dict[str, Any]:
        self._to.write(LENGTH.pack(len(request)) + request)
        self._to.flush()
        head = self._back.read(LENGTH.size)
        if len(head) < LENGTH.size:
            raise EOFError
        (size,) = LENGTH.unpack(head)
        if size > ANSWER_MAX:
            raise ValueError
        answer = json.loads(self._back.read(size))
        if not isinstance(answer, dict):
            raise ValueError
        return answer

    def _status(self) -> int:
        """Return the exit status of the process, which has stopped answering."""
        try:
            status = self._process.wait(EXIT_MAX_S)
            self._kill_group()
        except subprocess.TimeoutExpired:  # it closed all its files, and lives on
            self._kill()
            status = self._process.wait()
        return status

    def _kill(self) -> None:
        """Kill the process and what it started."""
        if self._process.returncode is None:
            below = descendants.of(self._process.pid)  # as long as they can be found by it
            self._kill_group()
            descendants.kill(below)
        self._process.kill()

    def _kill_group(self) -> None:
        """On POSIX, kill its process group."""
        if sys.platform != "win32":
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _leave(self) -> None:
        self._kill()
        self._process.wait()
        descendants.end(self.token, self._started)
        for end in (self._to, self._back, self._ours):
            if end is not None:
                with suppress(OSError):  # what was not sent yet goes nowhere
                    end.close()


def _ending(status: int) -> str:
    """Say in a sentence why the process ended by itself."""
    if status >= 0:
        return f"your code ended the process (exit status {status})."
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"your code crashed the process ({name})."
