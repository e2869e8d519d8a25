"""The wheel holds the course, and needs nothing of the repository."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from labserver.course import source
from labserver.course.source import SOLUTIONS, course_files
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.slow

pytest.importorskip("hatchling", reason="python -m pip install hatchling")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel installs."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def python(installed: Path, folder: Path, *words: str) -> str:
    """What Python prints, in a folder, if the package is installed."""
    # The path that Python is told comes before that of the editable install.
    environment = os.environ | {"PYTHONPATH": str(installed)}
    command = [sys.executable, *words]
    ran = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.stderr == "", ran.stderr
    return ran.stdout


def test_it_has_the_course_and_not_what_only_tests_need(installed: Path) -> None:
    course = installed / "labserver" / "course"
    expected = course_files(source.root(), solutions=True)
    assert course_files(course, solutions=True) == expected
    packed = {
        path.relative_to(course).as_posix()
        for folder in (source.LESSONS, source.EXERCISES, "docs")
        for path in (course / folder).rglob("*")
        if path.is_file()
    }
    assert packed == set(expected)
    assert not list((installed / "labserver" / "exercises").glob("*/answers.py"))
    assert not (installed / "notebooks").exists()


def test_a_copy_is_unpacked_from_it(installed: Path, tmp_path: Path) -> None:
    said = python(installed, tmp_path, "-m", "labserver", "lab", "--no-open", "--solutions")
    assert said == f"Your new copy of the course is in {tmp_path / 'my-lab'}.\n"
    assert set(course_files(tmp_path / "my-lab", solutions=True)) == set(
        course_files(source.root(), solutions=True)
    )


def test_the_solved_exercises_are_found_in_it(installed: Path, tmp_path: Path) -> None:
    found = """
from labserver.classroom.marking import references
print(references.__file__, *(one.name for one in references.find_references()))
"""
    place, *names = python(installed, tmp_path, "-c", found).split()
    assert Path(place).is_relative_to(installed)
    assert names == [path.stem for path in sorted((REPOSITORY / SOLUTIONS).glob("*.ipynb"))]
