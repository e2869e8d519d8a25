"""What all tests share: the tools they need from the machine, and the watch over the event loop.

A test says what it needs by a fixture (`chromium`, `redis_server`, `node`, `java`, `curl`,
`tshark`: the path of the program; `axe`: that of a script; `peers`: the Node packages of
tests/peers) or by a marker (`browser`, `redis`, `node`). Where the tool is missing the test is
skipped, and the summary says what to install; with CI=true it fails.

A test marked `alone` measures milliseconds, and runs when nothing else does (`--alone=only`); its
verdict may be "undecided", see `judge`. A test marked `slow` waits for real time or starts
processes. `--quick` runs the tests that need no tool, wait for no real time and start no
processes. How tests wait is in waiting.py.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from blockbuster import blockbuster_ctx
from hypothesis import HealthCheck, settings

from tests.waiting import Lateness

REPOSITORY = Path(__file__).parents[1]

# How long an example takes says more about the machine than about the code.
settings.register_profile("lab", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lab")


def on_path(*commands: str) -> Callable[[], str | None]:
    """A search for the first of `commands` that is on the PATH, or beside this Python."""
    folders = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
    return lambda: next(filter(None, (shutil.which(name, path=folders) for name in commands)), None)


def find_chromium() -> str | None:
    """The machine's Chromium or Chrome, else the one that Playwright has downloaded."""
    found = on_path("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")()
    if found:
        return found
    # In a process of its own: Playwright's event loop would stay in this one.
    path = subprocess.run(
        [
            sys.executable,
            "-c",
            "from playwright.sync_api import sync_playwright as start\n"
            "with start() as playwright: print(playwright.chromium.executable_path)",
        ],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return path if Path(path).is_file() else None


def find_peers() -> str | None:
    """The folder of the Node packages, once they are installed."""
    packages = REPOSITORY / "tests" / "peers" / "node_modules"
    return str(packages) if packages.is_dir() else None


def find_axe() -> str | None:
    """The script of axe-core, once it is installed."""
    script = REPOSITORY / "node_modules" / "axe-core" / "axe.min.js"
    return str(script) if script.is_file() else None


@dataclass(frozen=True)
class Tool:
    """Something that a test needs and this project's packages do not bring.

    Args:
        name: as people call it.
        find: its path, or None where it is missing.
        install: the command that brings it.
        marker: of the tests that need it.
    """

    name: str
    find: Callable[[], str | None]
    install: str
    marker: str | None = None


TOOLS = {
    "chromium": Tool(
        "Chromium",
        cache(find_chromium),
        "apt install chromium, or python -m playwright install chromium",
        "browser",
    ),
    "redis_server": Tool(
        "redis-server",
        on_path("redis-server"),
        "apt install redis-server, or brew install redis",
        "redis",
    ),
    "node": Tool(
        "Node.js", on_path("node"), "apt install nodejs npm, or brew install node", "node"
    ),
    "peers": Tool("node_modules", find_peers, "npm ci --prefix tests/peers", "node"),
    "axe": Tool("axe-core", find_axe, "npm ci", "browser"),
    "java": Tool("A Java compiler", on_path("javac"), "apt install default-jdk-headless"),
    "curl": Tool("curl", on_path("curl"), "apt install curl"),
    "tshark": Tool("TShark", on_path("tshark"), "apt install tshark, or brew install wireshark"),
}
BY_MARKER = {"browser": "chromium", "redis": "redis_server", "node": "node"}
NOT_QUICK = ("alone", "browser", "node", "redis", "slow")
# What waits for real time or starts processes; a single test elsewhere carries the marker itself.
SLOW = (
    "tests/classroom/marking/test_cells.py",
    "tests/classroom/marking/test_command.py",
    "tests/classroom/marking/test_mark.py",
    "tests/conformance/",
    "tests/exercises/",
    "tests/learner_server/test_conformance.py",
    "tests/learner_server/test_handle.py",
    "tests/measure/test_accounting.py",
    "tests/measure/test_capacity.py",
    "tests/measure/test_comparison.py",
    "tests/measure/test_load_process.py",
    "tests/measure/test_latency.py",
    "tests/measure/test_listeners.py",
    "tests/measure/test_load.py",
    "tests/measure/test_overhead.py",
    "tests/measure/test_proxies.py",
    "tests/measure/test_runner.py",
    "tests/measure/test_testbed.py",
    "tests/notebooks/test_kernel.py",
    "tests/peers/",
    "tests/practice/checking/test_judge.py",
    "tests/practice/checking/test_sandbox.py",
    "tests/practice/test_exercise_panel.py",
    "tests/runtime/test_client.py",
    "tests/runtime/test_server.py",
    "tests/runtime/test_server_process.py",
    "tests/runtime/test_state.py",
    "tests/runtime/test_tls.py",
    "tests/runtime/test_wiring.py",
    "tests/techniques/test_webrtc.py",
    "tests/techniques/transport/test_polling_server.py",
    "tests/test_import.py",
    "tests/test_machine.py",
    "tests/test_main.py",
    "tests/trace/test_pcapng.py",
)
ALONE = "tests/measure/"  # where all that is marked `alone` stands: `make test` looks only there
# What takes longest, longest first; a folder stands for all of its files.
LONGEST = (
    "tests/browser/",
    "tests/peers/",
    "tests/test_main.py",
    "notebooks/09",
    "tests/runtime/",
    "tests/measure/",
    "tests/exercises/",
    "tests/conformance/",
    "notebooks/",
    "tests/classroom/",
    "tests/test_import.py",
)


def require(tool: str) -> str:
    """The path of one of TOOLS; where it is missing, the test ends here."""
    needed = TOOLS[tool]
    path = needed.find()
    if path is not None:
        return path
    missing = f"{needed.name} is missing. To run this: {needed.install}"
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(missing, pytrace=False)
    pytest.skip(missing)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which part of the suite is run; unlike `-m`, this leaves `-m` to whoever types it."""
    group = parser.getgroup("labserver")
    group.addoption(
        "--alone",
        choices=["only", "never"],
        help="run only the tests that need a machine of their own, or all others",
    )
    group.addoption(
        "--quick",
        action="store_true",
        help="run the tests that need no tool, wait for no real time and start no processes",
    )


def pytest_configure() -> None:
    """Let interrupts through: what a shell starts in the background begins with them ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs a tool, leave out what was not asked for, and put what takes long first.

    A worker that begins the longest file last would let the other one wait.
    """
    for item in items:
        if _path(item).startswith(SLOW):
            item.add_marker("slow")
        if item.get_closest_marker("alone") and not _path(item).startswith(ALONE):
            raise pytest.UsageError(f"{item.nodeid} is marked alone: it must stand in {ALONE}")
        for name in TOOLS.keys() & set(getattr(item, "fixturenames", ())):
            if (marker := TOOLS[name].marker) is not None:
                item.add_marker(marker)
    chosen = [item for item in items if _is_asked_for(item, config)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
    items[:] = sorted(chosen, key=_place)


def _is_asked_for(item: pytest.Item, config: pytest.Config) -> bool:
    alone = item.get_closest_marker("alone") is not None
    if alone is {"only": False, "never": True}.get(config.getoption("--alone")):
        return False
    return not (config.getoption("--quick") and any(map(item.get_closest_marker, NOT_QUICK)))


def _place(item: pytest.Item) -> int:
    path = _path(item)
    return next((n for n, long in enumerate(LONGEST) if path.startswith(long)), len(LONGEST))


def _path(item: pytest.Item) -> str:
    return item.path.relative_to(REPOSITORY).as_posix()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """The workers share the files; the tests of one JupyterLab stay with the worker that has it."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            near = file.startswith("tests/browser/") and "far_away" not in file
            return "tests/browser" if near else file

    return Scheduling(config, log)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Look for the tools before a fixture starts anything, and in one place: one line for all."""
    by_marker = {tool for marker, tool in BY_MARKER.items() if item.get_closest_marker(marker)}
    for name in TOOLS:
        if name in by_marker or name in getattr(item, "fixturenames", ()):
            require(name)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium."""
    return require("chromium")


@pytest.fixture(scope="session")
def axe() -> str:
    """The path of axe-core's script."""
    return require("axe")


@pytest.fixture(scope="session")
def redis_server() -> str:
    """The path of redis-server."""
    return require("redis_server")


@pytest.fixture(scope="session")
def node() -> str:
    """The path of Node.js."""
    return require("node")


@pytest.fixture(scope="session")
def curl() -> str:
    """The path of curl."""
    return require("curl")


@pytest.fixture(scope="session")
def tshark() -> str:
    """The path of TShark."""
    return require("tshark")


@pytest.fixture(scope="session")
def java() -> str:
    """The path of a Java compiler; `java` is beside it."""
    return require("java")


@pytest.fixture(scope="session")
def peers(node: str) -> Path:
    """The folder of the Node packages that the peers use."""
    return Path(require("peers"))


@pytest.fixture(autouse=True)
def no_blocking_call(request: pytest.FixtureRequest) -> Iterator[None]:
    """A call of labserver that blocks an event loop fails: it would falsify every latency.

    Every loop of the process is watched, the lab's own thread included. Not in browser tests:
    Playwright's blocking face keeps a loop running under the test's own code, which may block.
    """
    if request.node.get_closest_marker("browser"):
        yield
        return
    with blockbuster_ctx("labserver") as watch:
        locks = watch.functions["threading.Lock.acquire"]
        # The blocking face: whoever calls it from a cell, where Jupyter's loop is running, waits
        # for the lab's loop in another thread, and means to. On the lab's own it is refused.
        locks.can_block_in(
            "labserver/runtime/loop.py", {"_start", "_wait", "hold", "leave", "stop"}
        )
        # Microseconds, until the lab's thread has taken a coroutine.
        locks.can_block_in("anyio/from_thread.py", {"start_task_soon"})
        # The store is opened before the server is, when nobody is connected, and closed after.
        locks.can_block_in("labserver/backends/sqlite_mailbox.py", {"__init__", "aclose"})
        yield


@pytest.fixture(autouse=True, scope="session")
def own_state_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or changes the secret and the mailbox of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABSERVER_STATE", str(tmp_path_factory.mktemp("state")))
        patch.delenv("LABSERVER_SECRET", raising=False)
        yield


UNDECIDED = "undecided"
Judge = Callable[..., None]


@pytest.fixture
def judge(request: pytest.FixtureRequest) -> Judge:
    """Says whether a measurement is as expected, or that this machine cannot measure it.

    `judge(holds, late, difference_s, said)`: passes if `holds`. Where it does not, the test fails,
    unless `late`, measured beside it, hides the difference in question: then the verdict is
    "undecided", and the summary of the run says so.
    """

    def judge(holds: bool, late: Lateness, difference_s: float, said: str) -> None:
        if not holds:
            assert late.hides(difference_s), said
            request.node.user_properties.append((UNDECIDED, said))

    return judge


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what was undecided."""
    for report in terminalreporter.getreports("passed"):
        for name, said in report.user_properties:
            if name == UNDECIDED and report.when == "call":
                terminalreporter.line(
                    f"UNDECIDED {report.nodeid} - the machine is too busy: {said}"
                )
