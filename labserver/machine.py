"""Is this machine ready for the lab? What was looked at, what was found, what to do.

Every finding is one line. What fails keeps lessons from running; what is optional is needed
for single exercises or tests.
"""

from __future__ import annotations

import asyncio
import html
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

PYTHON_MIN = (3, 11)
ROUND_TRIP_TIMEOUT_S = 10.0
PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
SYSTEM_FOLDERS = os.pathsep.join(("/usr/sbin", "/sbin", "/usr/local/sbin", "/opt/homebrew/bin"))

TOOLS = {  # any of these commands, what it is for, where it comes from
    ("chromium", "chromium-browser", "google-chrome", "chrome"): (
        "tests in a browser",
        "apt install chromium",
    ),
    ("redis-server",): ("several servers, one chat", "apt install redis-server"),
    ("node",): ("Node's clients", "apt install nodejs"),
    ("tshark",): ("Wireshark's reading of a trace", "apt install tshark"),
    ("haproxy",): ("balancing several servers", "apt install haproxy"),
}

State = Literal["ok", "optional", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: it is.
        state: ok; optional: missing, but few things need it; failed.
        found: the verdict, in a few words.
        remedy: what to do; empty where it is ok.
    """

    what: str
    state: State
    found: str
    remedy: str = ""


class Findings(tuple[Finding, ...]):
    """All findings; shown as a table in a notebook."""

    __slots__ = ()

    @property
    def ok(self) -> bool:
        """Whether nothing that is needed failed."""
        return all(finding.state != "failed" for finding in self)

    def _repr_html_(self) -> str:
        rows = "".join(
            "<tr>"
            + "".join(
                f"<td style='text-align:left'>{html.escape(text)}</td>"
                for text in (_MARKS[finding.state], finding.what, finding.found, finding.remedy)
            )
            + "</tr>"
            for finding in self
        )
        head = "".join(
            f"<th style='text-align:left'>{name}</th>"
            for name in ("", "what", "found", "what to do")
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"

    def __repr__(self) -> str:
        return "\n".join(
            f"{_MARKS[finding.state]:<10} {finding.what}: {finding.found}"
            + (f" → {finding.remedy}" if finding.remedy else "")
            for finding in self
        )


_MARKS: dict[State, str] = {"ok": "✓ ok", "optional": "· optional", "failed": "✗ failed"}


def doctor() -> Findings:
    """Look whether this machine has what the lab needs; takes a few seconds."""
    return Findings(
        (
            _python(),
            *packages(requirements()),
            _attempt("background loop", "restart the kernel", _loop),
            _attempt("TCP_NODELAY", "report it: every latency would be 40 ms too long", _nodelay),
            *(
                _attempt(
                    f"round trip: {name}",
                    f'run lab.start("{name}") in a cell, and read its error',
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


def packages(wanted_ones: Iterable[str]) -> Iterator[Finding]:
    """What is installed, against what is wanted.

    Args:
        wanted_ones: requirements as PEP 508 has them; those of extras are passed over.
    """
    from packaging.requirements import Requirement

    for line in wanted_ones:
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
    """What this package depends on: as installed, else as its pyproject.toml beside it says.

    Returns:
        Requirements as PEP 508 has them, those of extras among them.
    """
    try:
        return importlib.metadata.requires("labserver") or []
    except importlib.metadata.PackageNotFoundError:
        project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
        return list(project["dependencies"])


def _attempt(what: str, remedy: str, probe: Callable[[], str]) -> Finding:
    try:
        return Finding(what, "ok", probe())
    except Exception as error:  # noqa: BLE001 - whatever breaks is the finding
        return Finding(what, "failed", f"{type(error).__name__}: {error}", remedy)


def _loop() -> str:
    async def ident() -> None:
        await asyncio.sleep(0)

    before = time.perf_counter()
    lab_loop.call(ident)
    return f"answers in {_ms(before)}"


def _nodelay() -> str:
    """Whether asyncio switched Nagle's algorithm off on a connection to a socket of ours."""

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
    """One message from one client to another."""
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
    """Programs that single exercises and tests need.

    Args:
        path: the folders to look in, as in PATH.
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
