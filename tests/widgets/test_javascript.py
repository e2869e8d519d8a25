"""The widgets' scripts are tested by `node --test`, one file per module.

What draws is tested in a browser (tests/browser); every other module has a test of its own.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from labserver.widgets.assets import IMPORT

TESTS_FOLDER = Path(__file__).parents[1]
SCRIPTS = TESTS_FOLDER.parent / "labserver"
ELEMENT = SCRIPTS / "widgets" / "element.mjs"


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


WITHOUT_DOM = {
    path.relative_to(SCRIPTS).with_suffix("")
    for path in SCRIPTS.rglob("*.mjs")
    if ELEMENT not in imported_by(path)
}
TESTS = sorted(TESTS_FOLDER.rglob("*.test.mjs"))


def test_every_module_that_does_not_draw_has_tests() -> None:
    tested = {path.relative_to(TESTS_FOLDER).with_suffix("").with_suffix("") for path in TESTS}
    assert tested == WITHOUT_DOM


def test_the_modules_pass_their_tests(node: str) -> None:
    command = [node, "--test", *TESTS]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert ran.returncode == 0, ran.stdout + ran.stderr
