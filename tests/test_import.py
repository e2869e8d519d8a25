"""What an import costs: nothing heavy is imported before it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import labserver as lab
from tests.served import TECHNIQUES

HEAVY = (
    "IPython",
    "aiortc",
    "anyio",
    "asyncio",
    "av",
    "cryptography",
    "hypercorn",
    "ipywidgets",
    "jwt",
    "msgspec",
    "numpy",
    "pandas",
    "plotly",
    "redis",
    "rich",
    "sqlite3",
    "starlette",
    "tornado",
    "trustme",
    "uvicorn",
    "websockets",
)
# What a technique needs of these; nothing else may come with it. Each needs the chat's.
CHAT = {"anyio", "asyncio", "cryptography", "jwt", "msgspec", "sqlite3"}
OWN = {
    "short_polling": {"tornado"},
    "long_polling": {"tornado"},
    "sse": {"starlette", "uvicorn"},
    "websocket": {"websockets"},
    "webrtc": {"websockets", "aiortc", "av", "numpy"},
}
WANTED_BY_CLIENTS = {"rich"}  # httpx2 has a command line of its own


def imported(program: str) -> set[str]:
    """The heavy modules that are there after a program has run."""
    check = f"import sys\n{program}\nprint(*({HEAVY!r} & sys.modules.keys()))".replace(
        repr(HEAVY), f"set({HEAVY!r})"
    )
    return set(subprocess.check_output([sys.executable, "-c", check], text=True).split())


def test_importing_the_package_imports_nothing_heavy() -> None:
    assert imported("import labserver") == set()


def test_importing_the_package_is_quick() -> None:
    program = (
        "import time; began = time.process_time(); import labserver;"
        " print(time.process_time() - began)"
    )
    times = [
        float(subprocess.check_output([sys.executable, "-c", program], text=True)) for _ in range(5)
    ]
    assert min(times) < 0.150


def test_the_command_line_waits_with_the_servers() -> None:
    program = "import labserver.__main__ as command; command.token.callback('alice', 60)"
    lines = f"import io, contextlib\nwith contextlib.redirect_stdout(io.StringIO()): {program}"
    assert imported(lines.replace(": import", ":\n import").replace("; ", "\n ")) <= {
        "cryptography",
        "jwt",
    }


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_a_technique_brings_only_what_it_needs(technique: str) -> None:
    program = f"import labserver as lab\nlab.start({technique!r}).client('alice')\nlab.stop_all()"
    assert imported(program) <= CHAT | OWN[technique] | WANTED_BY_CLIENTS


def test_all_is_true() -> None:
    for name in lab.__all__:
        assert getattr(lab, name) is not None
    public = {name for name in vars(lab) if not name.startswith("_")}
    other_things = {
        name
        for name in public - set(lab.__all__)
        if getattr(vars(lab)[name], "__module__", None) == "labserver"
    }
    assert not other_things, "public, but not in __all__"
    assert set(lab.__all__) <= set(dir(lab))
