"""Whatever a learner's code does, it ends in an answer, and its process is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from labserver.errors import LabError
from labserver.practice.checking import descendants
from labserver.practice.checking import sandbox as module
from labserver.practice.checking.exercise import load
from labserver.practice.checking.play import Raised
from labserver.practice.checking.sandbox import (
    ALL_TIMED_OUT,
    STOPPED,
    TIMED_OUT,
    TOO_MUCH,
    CaseResult,
    Sandbox,
)
from labserver.practice.checking.values import Strange
from tests.waiting import within

E08 = load("E08")
posix = pytest.mark.skipif(sys.platform == "win32", reason="there the clock is the only limit")


def what_comes(code: Callable[[str], Any]) -> CaseResult:
    """What comes of one case, after which no process is left."""
    before = set(psutil.Process().children(recursive=True))
    with Sandbox(E08, code) as attempt:
        came = attempt.play(("key",))
        assert attempt.over == (came.ended not in ("", TOO_MUCH))
    assert set(psutil.Process().children(recursive=True)) <= before
    return came


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CASE_MAX_S", 1.0)


def test_an_answer_comes_across_with_what_was_printed() -> None:
    def code(key: str) -> str:
        print("I was asked for", key)
        return key.upper()

    assert what_comes(code) == CaseResult(value="KEY", printed="I was asked for key\n")


@pytest.mark.usefixtures("impatient")
def test_an_endless_loop_is_ended() -> None:
    def code(key: str) -> str:
        while True:
            pass

    assert what_comes(code).ended == TIMED_OUT


@pytest.mark.usefixtures("impatient")
def test_a_loop_that_catches_everything_and_prints_is_ended() -> None:
    def code(key: str) -> str:
        while True:
            try:
                print("x" * 1_000_000)
            except BaseException:  # noqa: BLE001
                pass

    assert what_comes(code).ended == TIMED_OUT


@pytest.mark.parametrize("status", [0, 3])
def test_an_exit_of_the_process_is_told(status: int) -> None:
    came = what_comes(lambda key: os._exit(status))
    assert came.ended == f"your code ended the process (exit status {status})."


@posix
def test_a_crash_is_told_with_its_signal() -> None:
    def code(key: str) -> None:
        import ctypes

        ctypes.string_at(0)

    assert what_comes(code).ended == "your code crashed the process (SIGSEGV)."


def test_sys_exit_is_an_exception_like_any_other() -> None:
    came = what_comes(lambda key: sys.exit(3))
    assert (came.value, came.raised, came.ended) == (Raised("SystemExit"), "3", "")


@posix
def test_10_gb_are_refused() -> None:
    came = what_comes(lambda key: bytearray(10**10))
    assert came.value == Raised("MemoryError")
    assert "1 GiB" in came.raised


def test_a_recursion_without_end_is_an_exception() -> None:
    def code(key: str) -> str:
        return code(key)

    assert what_comes(code).value == Raised("RecursionError")


def test_a_huge_print_is_cut_and_the_answer_comes() -> None:
    def code(key: str) -> str:
        print("x" * 50_000_000)
        sys.stderr.write("y" * 1_000)
        os.write(1, b"z" * 1_000_000)
        return "done"

    came = what_comes(code)
    assert (came.value, came.printed) == ("done", "x" * 1_000)


def test_a_huge_answer_is_refused_and_the_process_goes_on() -> None:
    with Sandbox(E08, lambda key: "x" * 10**8 if key == "much" else key) as attempt:
        assert attempt.play(("much",)).ended == TOO_MUCH
        assert attempt.play(("little",)).value == "little"


@posix
def test_what_writes_into_every_pipe_is_not_an_answer() -> None:
    def code(key: str) -> str:
        for descriptor in range(3, 30):
            try:
                os.write(descriptor, b"\0\0\0\2{}" * 100)
            except OSError:
                pass
        return key

    assert "interfered with the checker" in what_comes(code).ended


@posix
@pytest.mark.usefixtures("impatient")
def test_a_fork_does_not_answer_twice_and_goes_with_the_rest() -> None:
    def code(key: str) -> int:
        return 1 if key == "fork" and not os.fork() else 0

    with Sandbox(E08, code) as attempt:
        came = attempt.play(("fork",))
        while not came.ended:  # until the second answer to the first question is read
            time.sleep(0.05)
            came = attempt.play(("b",))
    assert "interfered with the checker" in came.ended
    assert not with_token(attempt.token)


def with_token(token: str) -> list[psutil.Process]:
    """The processes that were started by the attempt with this token."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(descendants.VARIABLE) == token:
                found.append(process)
    return found


@posix
def test_what_the_code_started_is_ended_with_it() -> None:
    def code(key: str) -> str:
        return str(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid)

    with Sandbox(E08, code) as attempt:
        pid = int(attempt.play(("key",)).value)
        process = psutil.Process(pid)
    assert process.wait(10) is not None or not process.is_running()


@posix
def test_what_hides_in_a_session_of_its_own_is_ended_as_well() -> None:
    def code(key: str) -> str:
        command = [sys.executable, "-c", "import time; time.sleep(600)"]
        return str(subprocess.Popen(command, start_new_session=True).pid)

    with Sandbox(E08, code) as attempt:
        process = psutil.Process(int(attempt.play(("key",)).value))
    assert process.wait(10) is not None or not process.is_running()
    assert not with_token(attempt.token)


@posix
def test_what_hides_in_a_session_of_its_own_without_its_environment_is_ended_as_well() -> None:
    def code(key: str) -> str:
        command = [sys.executable, "-c", "import time; time.sleep(600)"]
        return str(subprocess.Popen(command, start_new_session=True, env={}).pid)

    with Sandbox(E08, code) as attempt:
        process = psutil.Process(int(attempt.play(("key",)).value))
    assert process.wait(10) is not None or not process.is_running()


@posix
@pytest.mark.usefixtures("impatient")
def test_a_fork_that_hides_and_keeps_the_line_open_does_not_keep_the_kernel_waiting() -> None:
    def code(key: str) -> None:
        if not os.fork():
            os.setsid()
        time.sleep(600)

    start = time.monotonic()
    with Sandbox(E08, code) as attempt:
        assert attempt.play(("key",)).ended == TIMED_OUT
    assert time.monotonic() - start < 60
    assert not with_token(attempt.token)


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_to_the_parent_process_does_not_meet_the_kernel(number: int) -> None:
    def code(key: str) -> str:
        os.kill(os.getppid(), number)
        time.sleep(0.2)
        return "still here"

    assert what_comes(code).value == "still here"


def test_input_finds_nothing_to_read() -> None:
    assert what_comes(lambda key: input()).value == Raised("EOFError")


def test_an_object_that_equals_everything_is_strange() -> None:
    class Equal:
        def __repr__(self) -> str:
            return "'x'"

        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = None  # type: ignore[assignment]

    assert what_comes(lambda key: Equal()).value == Strange("Equal", "'x'")


def test_code_that_cannot_be_sent_is_a_lab_error() -> None:
    lock = threading.Lock()
    with pytest.raises(LabError, match="accept_key cannot be sent to the checker"):
        Sandbox(E08, lambda key: lock.acquire())


def test_code_that_cannot_be_received_says_why() -> None:
    class Sick:
        def __reduce__(self) -> Any:
            return int, ("no number",)

        def __call__(self, key: str) -> str:
            return key

    assert what_comes(Sick()).value == Raised("ValueError")


def test_an_interrupt_of_the_kernel_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(psutil.Process().children())

    def interrupted(self: Sandbox, request: bytes) -> dict[str, Any]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Sandbox(E08, str) as attempt:
        monkeypatch.setattr(Sandbox, "_exchange", interrupted)
        attempt.play(("key",))
    assert set(psutil.Process().children()) <= before


def test_all_cases_together_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ALL_MAX_S", 0.0)

    def code(key: str) -> None:
        time.sleep(60)

    assert what_comes(code).ended == ALL_TIMED_OUT


@posix
def test_a_process_that_does_not_start_is_not_the_learners_fault(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(LabError, match="did not start"), Sandbox(E08, str):
        pytest.fail("it started")


def test_it_can_be_stopped_from_another_thread() -> None:
    def code(key: str) -> None:
        time.sleep(60)

    with Sandbox(E08, code) as attempt:
        threading.Timer(0.2, attempt.stop).start()
        with within(3):
            assert attempt.play(("key",)).ended == STOPPED
        assert attempt.play(("key",)).ended == STOPPED
    assert attempt.stopped


def test_one_that_was_stopped_before_it_started_runs_nothing(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    attempt = Sandbox(E08, lambda key: ran.touch())
    attempt.stop()
    with pytest.raises(LabError), attempt:
        pytest.fail("it started")
    assert not ran.exists()


def test_code_that_ends_the_process_when_it_arrives_is_told() -> None:
    class Sick:
        def __reduce__(self) -> Any:
            return os._exit, (3,)

        def __call__(self, key: str) -> str:
            return key

    assert what_comes(Sick()).ended == "your code ended the process (exit status 3)."
