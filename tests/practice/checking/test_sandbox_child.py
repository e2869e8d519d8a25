from __future__ import annotations

import json
import subprocess
import sys

import cloudpickle

from labserver.practice.checking.exercise import load
from labserver.practice.checking.play import package_of
from labserver.practice.checking.sandbox import Sandbox
from labserver.practice.checking.sandbox_child import LENGTH, PRINTED_MAX, Printed


def framed(data: bytes) -> bytes:
    return LENGTH.pack(len(data)) + data


def test_it_answers_each_request_by_number_and_ends_with_its_input() -> None:
    def code(key: str) -> str:
        print("hi")
        return key * 2

    requests = [("E08", []), code, ("a",), ("b",)]
    asked = b"".join(framed(cloudpickle.dumps(one)) for one in requests)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "labserver.practice.checking.sandbox_child"],
        input=asked,
        capture_output=True,
        check=True,
        timeout=60,
    )
    answers, rest = [], done.stdout
    while rest:
        (size,) = LENGTH.unpack(rest[: LENGTH.size])
        answers.append(json.loads(rest[LENGTH.size :][:size]))
        rest = rest[LENGTH.size + size :]
    assert [one["number"] for one in answers] == [0, 1, 2, 3]
    assert [one.get("value") for one in answers] == [None, None, {"str": "6161"}, {"str": "6262"}]
    assert [one["printed"] for one in answers] == ["", "", "hi\n", "hi\n"]
    assert done.stderr == b""


def test_it_starts_without_what_is_heavy() -> None:
    heavy = ("asyncio", "pandas", "numpy", "plotly", "IPython", "ipywidgets", "msgspec")
    code = (
        "import sys, labserver.practice.checking.sandbox_child\n"
        "from labserver.practice.checking.play import load_play\n"
        f"load_play('E12')\nprint([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_it_imports_how_an_exercise_is_played_and_neither_reference_nor_cases() -> None:
    code = (
        "import sys, labserver.practice.checking.sandbox_child\n"
        "from labserver.practice.checking.play import load_play, packages\n"
        "for one in packages(): load_play(one)\n"
        "print({n.rpartition('.')[2] for n in sys.modules"
        " if n.startswith('labserver.exercises.') and n.count('.') > 2})\n"
        "print([n for n in sys.modules if n.startswith('labserver.practice.')"
        " and '.given' not in n and '.checking' not in n])"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "{'play'}\n[]\n"


def test_the_learners_code_finds_one_play_py_beside_it() -> None:
    def code(key: str) -> str:
        return " ".join(sorted(n for n in sys.modules if n.startswith("labserver.exercises.")))

    package = package_of("E08")
    with Sandbox(load("E08"), code) as attempt:
        assert attempt.play(("key",)).value == f"{package} {package}.play"


def test_only_the_beginning_of_what_is_printed_is_kept() -> None:
    printed = Printed()
    assert printed.write("a" * 10) == 10
    assert printed.write("b" * 10**6) == 10**6
    assert printed.writable()
    assert printed.take() == "a" * 10 + "b" * (PRINTED_MAX - 10)
    assert printed.take() == ""
