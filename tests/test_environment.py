"""pyproject.toml says what is needed; the lock, the conda environment and the doctor keep to it."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

REPOSITORY = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
LOCK = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
CONDA = yaml.safe_load((REPOSITORY / "environment.yml").read_text(encoding="utf-8"))

DIRECT = [
    Requirement(line)
    for group in (
        PROJECT["dependencies"],
        *PROJECT["optional-dependencies"].values(),
        *PYPROJECT["dependency-groups"].values(),
    )
    for line in group
]
DISTRIBUTIONS = {"jwt": "pyjwt"}  # the rest is called alike


def locked() -> Iterator[tuple[str, Version, list[str]]]:
    """Every entry of the lock: name, version, hashes."""
    for entry in re.split(r"\n(?=\S)", LOCK):
        if entry.startswith("#"):
            continue
        pinned = Requirement(entry.split("\\", 1)[0].strip())
        (version,) = (specifier.version for specifier in pinned.specifier)
        hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})", entry)
        yield canonicalize_name(pinned.name), Version(version), hashes


def imported_by_labserver() -> set[str]:
    """The top-level names that labserver imports, anywhere."""
    names: set[str] = set()
    for path in (REPOSITORY / "labserver").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - {"labserver"}


@pytest.mark.parametrize("needed", DIRECT, ids=lambda needed: needed.name)
def test_the_lock_has_what_is_needed_in_a_version_that_will_do(needed: Requirement) -> None:
    versions = [version for name, version, _ in locked() if name == canonicalize_name(needed.name)]
    assert versions, f"{needed.name} is not in requirements.lock: run `make lock`"
    for version in versions:
        assert needed.specifier.contains(version), f"{version}: run `make lock`"


def test_every_entry_of_the_lock_has_hashes() -> None:
    assert [name for name, _, hashes in locked() if not hashes] == []


def test_the_lock_names_no_host_and_no_path() -> None:
    assert re.findall(r"\S*(?:://|file:|index-url|find-links|/tmp|/home|\s@\s)\S*", LOCK) == []


@pytest.mark.parametrize("folder", [".", "tests/peers"])
def test_the_locks_of_the_node_packages_name_no_host(folder: str) -> None:
    lock = REPOSITORY / folder / "package-lock.json"
    assert '"resolved"' not in lock.read_text(encoding="utf-8")


def test_the_lock_holds_public_versions_only() -> None:
    assert [name for name, version, _ in locked() if version.local] == []


def test_every_need_has_a_lower_bound() -> None:
    for needed in DIRECT:
        assert [one.operator for one in needed.specifier] == [">="], needed


def test_no_need_is_named_twice_within_a_group() -> None:
    for group in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()):
        names = [canonicalize_name(Requirement(line).name) for line in group]
        assert len(names) == len(set(names))


def test_what_labserver_imports_is_declared() -> None:
    declared = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    imported = {DISTRIBUTIONS.get(name, name.lower()) for name in imported_by_labserver()}
    assert {canonicalize_name(name) for name in imported} <= declared


def test_conda_asks_for_the_same_python() -> None:
    (python,) = (line for line in CONDA["dependencies"] if str(line).startswith("python"))
    assert Requirement(python).specifier == SpecifierSet(PROJECT["requires-python"])


def test_conda_installs_this_project_with_extras_that_exist() -> None:
    (by_pip,) = (entry["pip"] for entry in CONDA["dependencies"] if isinstance(entry, dict))
    (project,) = by_pip
    extras = re.fullmatch(r"-e \.\[([a-z,]+)\]", project)
    assert extras is not None
    assert set(extras[1].split(",")) <= set(PROJECT["optional-dependencies"])
    assert "test" in extras[1].split(",")


def test_the_versions_agree() -> None:
    minimum = Version(PROJECT["requires-python"].removeprefix(">="))
    assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py{minimum.major}{minimum.minor}"
    assert PYPROJECT["tool"]["mypy"]["python_version"] == str(minimum)
    assert f"--python-version {minimum} " in (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    face = (REPOSITORY / "labserver" / "__init__.py").read_text(encoding="utf-8")
    assert f'__version__ = "{PROJECT["version"]}"' in face
