"""The widgets' scripts are tested by `node --test`, one file per module, beside this one.

What draws is tested in a browser (tests/browser); every other module has a test of its own.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from labserver.widgets.assets import IMPORT

HERE = Path(__file__).parent
SCRIPTS = HERE.parents[1] / "labserver" / "widgets"
ELEMENT = SCRIPTS / "element.mjs"


def imported_by(script: Path) -> set[Path]:
    """Return a module and the modules that it imports, directly or through others."""
    reached, todo = set(), [script]
    while todo:
        module = todo.pop()
        if module not in reached:
            reached.add(module)
            text = module.read_text(encoding="utf-8")
            todo += [(module.parent / name).resolve() for name in IMPORT.findall(text)]
    return reached


WITHOUT_DOM = {path.stem for path in SCRIPTS.glob("*.mjs") if ELEMENT not in imported_by(path)}
TESTS = sorted(HERE.glob("*.test.mjs"))


def test_every_module_that_does_not_draw_has_tests() -> None:
    assert {path.name.removesuffix(".test.mjs") for path in TESTS} == WITHOUT_DOM


def test_the_modules_pass_their_tests(node: str) -> None:
    command = [node, "--test", *TESTS]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert ran.returncode == 0, ran.stdout + ran.stderr
