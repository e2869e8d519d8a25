"""The process that a learner's code runs in, started by sandbox.py.

It reads requests from standard input and answers on what was standard output; each message is a
length and that many bytes. The first request names the exercise, the second is the learner's code,
and each further one is a case. Both pipes are moved away before the code is even unpickled, so
that its print() and input() reach neither. Where the system can fork, the code's parent process is
not the kernel but a guard, which waits and then ends in the same way.

Of the exercise it loads only play.py: it does not know about the reference or the expected answers.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import pickle
import signal
import struct
import sys
import traceback
from pathlib import Path
from typing import Any, BinaryIO

from labserver.practice.checking.play import Play, Raised, load_play
from labserver.practice.checking.values import TooMuch, encode

LENGTH = struct.Struct("!I")
MEMORY_MAX = 2**30  # bytes of address space; Python with asyncio takes 0.1 GiB
THREADS_MAX = 100  # and processes; Linux counts all of a user's, and does not limit root
CPU_MAX_S = 60  # the kernel gives up long before; this ends what outlives it
PRINTED_MAX = 1_000  # characters that are shown of what was printed
MESSAGE_MAX = 500
FRAMES_MAX = 20


class Printed(io.TextIOBase):
    """Standard output as the learner's code sees it: the beginning is kept."""

    def __init__(self) -> None:
        self._kept = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        """Keep the text, as long as there is room."""
        self._kept += text[: PRINTED_MAX - len(self._kept)]
        return len(text)

    def take(self) -> str:
        """Return what was kept since the last call."""
        kept, self._kept = self._kept, ""
        return kept


def main() -> None:
    """Take the learner's code and play case after case, until standard input ends."""
    _bound()
    if sys.platform != "win32":
        _go_on_behind_a_guard()
    asked, answers = _own_pipes()
    printed = Printed()
    sys.stdout = sys.stderr = printed
    exercise_id, paths = pickle.loads(_read(asked))
    # The learner's own modules are found last, so that none of them hides one of Python's.
    sys.path += [path for path in paths if path not in sys.path]
    how = load_play(exercise_id)
    attempt: Any = None
    answer: dict[str, Any] = {}
    for number in itertools.count():
        # The number tells this answer from one that a fork of the learner's code sends as well.
        _answer(answers, {**answer, "number": number, "printed": printed.take()})
        request = _read(asked)
        if not request:
            return
        if number:
            answer = _play(how, attempt, pickle.loads(request))
            continue
        try:
            attempt = pickle.loads(request)
        except BaseException as error:  # noqa: BLE001
            answer = _raised(error)


def _play(how: Play, attempt: Any, given: tuple[Any, ...]) -> dict[str, Any]:
    try:
        return {"value": encode(how.play(attempt, *given), how.types)}
    except TooMuch:
        return {"too_much": True}
    except BaseException as error:  # noqa: BLE001  # SystemExit, too, is an answer here
        return _raised(error)


def _raised(error: BaseException) -> dict[str, Any]:
    """Describe an exception: its name, its text, and the frames it passed through."""
    try:
        text = str(error)[:MESSAGE_MAX]
    except Exception:  # noqa: BLE001
        text = ""
    if isinstance(error, MemoryError):
        text = f"a check has {MEMORY_MAX / 2**30:.0f} GiB of memory"
    walked = traceback.walk_tb(error.__traceback__)
    frames = [(f.f_code.co_filename, line, f.f_code.co_name) for f, line in walked]
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        frames.append((error.filename, error.lineno, ""))
    return {
        "value": encode(Raised(type(error).__name__), ()),
        "raised": text.encode("utf-8", "replace").decode(),
        "frames": frames[-FRAMES_MAX:],
    }


def _go_on_behind_a_guard() -> None:
    worker = os.fork()
    if not worker:
        return
    for descriptor in (0, 1, 2):  # otherwise they would not end with the worker
        os.close(descriptor)
    _, status = os.waitpid(worker, 0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def _own_pipes() -> tuple[BinaryIO, BinaryIO]:
    asked, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    return asked, answers


def _bound() -> None:
    """Set limits where the system has them; elsewhere the kernel's clock is the only limit."""
    if sys.platform == "win32":
        return
    import resource

    bounds = (
        (resource.RLIMIT_AS, MEMORY_MAX),
        (resource.RLIMIT_CPU, CPU_MAX_S),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 10_000_000),
        (resource.RLIMIT_NPROC, _threads_of_the_user() + THREADS_MAX),
    )
    for limit, value in bounds:
        hard = resource.getrlimit(limit)[1]
        try:
            resource.setrlimit(limit, (value if hard < 0 else min(value, hard), hard))
        except (ValueError, OSError):  # macOS has RLIMIT_AS, but does not allow setting it
            pass


def _threads_of_the_user() -> int:
    count = 0
    for folder in Path("/proc").glob("[0-9]*") if sys.platform == "linux" else ():
        try:
            if folder.stat().st_uid == os.getuid():
                count += len(os.listdir(folder / "task"))
        except OSError:  # it has ended
            continue
    return count or 1_000


def _read(asked: BinaryIO) -> bytes:
    head = asked.read(LENGTH.size)
    return asked.read(LENGTH.unpack(head)[0]) if len(head) == LENGTH.size else b""


def _answer(answers: BinaryIO, answer: dict[str, Any]) -> None:
    text = json.dumps(answer).encode()
    answers.write(LENGTH.pack(len(text)) + text)
    answers.flush()


if __name__ == "__main__":
    main()
