"""Is this machine ready for the lab? What was checked, what was found, and what to do about it.

Each finding is one line. Whatever fails keeps lessons from running; optional tools are needed by
only a few exercises and tests.

The module is not called doctor.py: importing `labserver.doctor` would put the module in the place
of the public function `labserver.doctor`.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import platform
import shutil
import socket
import sys
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from labserver.errors import LabError
from labserver.runtime import server, wiring
from labserver.runtime.config import ServerConfig
from labserver.runtime.loop import lab_loop
from labserver.techniques import NAMES
from labserver.templates import render

PYTHON_MIN = (3, 11)
ROUND_TRIP_TIMEOUT_S = 10.0
PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
SYSTEM_FOLDERS = os.pathsep.join(("/usr/sbin", "/sbin", "/usr/local/sbin", "/opt/homebrew/bin"))

TOOLS = {  # any of these commands: what it is for, and how to install it
    ("chromium", "chromium-browser", "google-chrome", "chrome"): (
        "tests in a browser",
        "apt install chromium",
    ),
    ("redis-server",): ("several servers, one chat", "apt install redis-server"),
    ("node",): ("Node's clients", "apt install nodejs"),
    ("tshark",): ("Wireshark's view of a trace", "apt install tshark"),
    ("haproxy",): ("balancing several servers", "apt install haproxy"),
}

HEADINGS = ("", "what", "found", "what to do")

State = Literal["ok", "optional", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked.

    Attributes:
        what: its name.
        state: "ok", "failed", or "optional" if it is missing but few things need it.
        found: what was found, in a few words.
        remedy: what to do about it; empty if it is ok.
    """

    what: str
    state: State
    found: str
    remedy: str = ""


class Findings(tuple[Finding, ...]):
    """All findings; a notebook shows them as a table."""

    __slots__ = ()

    @property
    def ok(self) -> bool:
        """Whether nothing has failed."""
        return all(finding.state != "failed" for finding in self)

    def _repr_html_(self) -> str:
        rows = [
            (_MARKS[finding.state], finding.what, finding.found, finding.remedy) for finding in self
        ]
        return render("machine.html", headings=HEADINGS, rows=rows)

    def __repr__(self) -> str:
        return "\n".join(
            f"{_MARKS[finding.state]:<10} {finding.what}: {finding.found}"
            + (f" → {finding.remedy}" if finding.remedy else "")
            for finding in self
        )


_MARKS: dict[State, str] = {"ok": "✓ ok", "optional": "· optional", "failed": "✗ failed"}


def doctor() -> Findings:
    """Check whether this machine has what the lab needs; takes a few seconds."""
    return Findings(
        (
            _python(),
            *packages(requirements()),
            _attempt("background loop", "restart the kernel", _loop),
            _attempt(
                "TCP_NODELAY",
                "report this as a bug: each latency would be 40 ms too long",
                _nodelay,
            ),
            *(
                _attempt(
                    f"round trip: {name}",
                    f'run lab.start("{name}") in a cell and read the error',
                    partial(_trip, name),
                )
                for name in NAMES
            ),
            *tools(os.environ.get("PATH", "") + os.pathsep + SYSTEM_FOLDERS),
        )
    )


def _python() -> Finding:
    found = platform.python_version()
    if sys.version_info >= PYTHON_MIN:
        return Finding("Python", "ok", found)
    wanted = ".".join(map(str, PYTHON_MIN))
    return Finding("Python", "failed", found, f"use Python {wanted} or newer")


def packages(required: Iterable[str]) -> Iterator[Finding]:
    """Compare what is installed with what is required.

    Args:
        required: requirements in the form of PEP 508; those of extras are skipped.
    """
    from packaging.requirements import Requirement

    for line in required:
        wanted = Requirement(line)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        install = f'pip install "{wanted.name}{wanted.specifier}"'
        try:
            version = importlib.metadata.version(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding(wanted.name, "failed", "not installed", install)
            continue
        if wanted.specifier.contains(version, prereleases=True):
            yield Finding(wanted.name, "ok", version)
        else:
            yield Finding(wanted.name, "failed", f"{version}, not {wanted.specifier}", install)


def requirements() -> list[str]:
    """Return what this package depends on, extras included, in the form of PEP 508.

    They are those of the installed package, or else those in pyproject.toml.
    """
    try:
        return importlib.metadata.requires("labserver") or []
    except importlib.metadata.PackageNotFoundError:
        project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
        return list(project["dependencies"])


def _attempt(what: str, remedy: str, probe: Callable[[], str]) -> Finding:
    try:
        return Finding(what, "ok", probe())
    except Exception as error:  # noqa: BLE001 - any error is a finding
        return Finding(what, "failed", f"{type(error).__name__}: {error}", remedy)


def _loop() -> str:
    async def ident() -> None:
        await asyncio.sleep(0)

    before = time.perf_counter()
    lab_loop.call(ident)
    return f"answers in {_ms(before)}"


def _nodelay() -> str:
    """Check that asyncio switches Nagle's algorithm off on a connection to one of our sockets."""

    async def accepted() -> bool:
        on: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            taken = writer.get_extra_info("socket")
            on.set_result(bool(taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
            writer.close()

        listening = wiring.bind(wiring.LOOPBACK, 0)
        port = listening.getsockname()[1]
        async with await asyncio.start_server(connected, sock=listening), asyncio.timeout(5):
            _, writer = await asyncio.open_connection(wiring.LOOPBACK, port)
            try:
                return await on
            finally:
                writer.close()

    if not lab_loop.call(accepted):
        raise LabError("Nagle's algorithm is on")
    return "set"


def _trip(technique: str) -> str:
    """Send one message from one client to another."""
    with (
        server.start(ServerConfig(technique=technique, name=f"doctor {technique}")) as running,
        running.client("alice", "doctor") as alice,
        running.client("bob", "doctor") as bob,
    ):
        before = time.perf_counter()
        alice.send("Is anybody there?", timeout=ROUND_TRIP_TIMEOUT_S)
        if bob.receive(ROUND_TRIP_TIMEOUT_S, type="CHAT_MESSAGE") is None:
            raise LabError(f"nothing arrived within {ROUND_TRIP_TIMEOUT_S:g} s")
        return _ms(before)


def tools(path: str) -> Iterator[Finding]:
    """Look for the programs that a few exercises and tests need.

    Args:
        path: the folders to search, in the form of PATH.
    """
    for commands, (use, install) in TOOLS.items():
        places = (shutil.which(command, path=path) for command in commands)
        place = next(filter(None, places), None)
        if place is not None:
            yield Finding(commands[0], "ok", place)
        else:
            yield Finding(commands[0], "optional", f"missing; for {use}", install)


def _ms(since: float) -> str:
    return f"{(time.perf_counter() - since) * 1000:.1f} ms"
