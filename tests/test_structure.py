"""The house rules that a program can check."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import labserver as lab
from labserver.figures import palette
from labserver.measure import claims, overhead
from labserver.techniques import NAMES
from labserver.widgets import browser

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "labserver"
MODULES = sorted(
    path.relative_to(PACKAGE)
    for path in PACKAGE.rglob("*.py")
    if path.name not in ("__init__.py", "__main__.py")
)
LINES_MAX = 350  # what a technique and the client hold; elsewhere size follows sense


# Only interfaces: what keeps their promises is tested there.
ELSEWHERE = {
    Path("chat", "interfaces.py"): Path("tests", "backends", "test_mailboxes.py"),
    Path("techniques", "transport", "interface.py"): Path("tests", "conformance", "test_client.py"),
}
# The public names of what exercises hand over, which stands in practice/given/.
ELSEWHERE |= {
    Path("practice", f"{name}.py"): Path("tests", "practice", "test_public_types.py")
    for name in ("answers", "event_log", "frames", "sse_events")
}


def places_of(module: Path) -> list[Path]:
    """Where the tests of a module may stand."""
    if module in ELSEWHERE:
        return [ELSEWHERE[module]]
    if module.parts[0] == "exercises":  # one suite plays them all
        return [Path("tests", "exercises", "test_exercises.py")]
    own = [Path("tests", module.parent, f"test_{module.name}")]
    folder = module.parent
    if len(folder.parts) > 1:  # a folder within a floor, such as backends/redis, is one thing
        own.append(Path("tests", folder.parent, f"test_{folder.name}.py"))
    if folder == Path("techniques") and is_a_technique(module):  # they have one suite together
        own.append(Path("tests", "conformance", "test_client.py"))
    return own


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_each_module_has_a_test_file(module: Path) -> None:
    places = places_of(module)
    assert any((ROOT / path).exists() for path in places), f"write {places[0]}"


def is_a_technique(module: Path) -> bool:
    """Whether it has the two functions of a technique."""
    tree = ast.parse((PACKAGE / module).read_text(encoding="utf-8"))
    functions = {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    return {"serve", "connector"} <= functions


SOURCES = sorted(PACKAGE.rglob("*.py"))
TECHNIQUES = sorted((PACKAGE / "techniques").glob("*.py"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_opens_with_what_it_is(source: Path) -> None:
    assert ast.get_docstring(ast.parse(source.read_text(encoding="utf-8")))


@pytest.mark.parametrize("source", TECHNIQUES, ids=lambda path: path.name)
def test_a_technique_can_be_read_in_one_sitting(source: Path) -> None:
    assert len(source.read_text(encoding="utf-8").splitlines()) <= LINES_MAX


def test_a_folder_is_a_noun_of_the_field() -> None:
    forbidden = {"utils", "helpers", "common", "manager", "misc"}
    assert not forbidden & {path.stem for path in PACKAGE.rglob("*")}


def test_every_list_of_techniques_agrees_with_their_names() -> None:
    assert lab.TECHNIQUES == NAMES
    assert tuple(palette.TECHNIQUE) == NAMES
    for some in (overhead.TECHNIQUES, claims.TECHNIQUES, browser.TECHNIQUES):
        assert set(some) <= set(NAMES)
