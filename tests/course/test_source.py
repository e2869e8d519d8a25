"""The course's files, as a learner gets them: nothing of a run, and every link leads somewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from labserver.course import source
from labserver.course.source import course_files
from tests.conftest import REPOSITORY
from tests.course.editions import FIRST, SOLUTION, edition, write

FILES = course_files(source.root(), solutions=True)
NOTEBOOKS = sorted(path for path in FILES if path.endswith(".ipynb"))
TEXTS = sorted(path for path in FILES if path.endswith(".md"))


def test_in_the_repository_the_course_is_the_repositorys() -> None:
    assert source.root() == REPOSITORY
    assert source.FIRST in FILES


def test_all_lessons_exercises_and_recordings_are_there() -> None:
    for folder, pattern in (("notebooks", "*.ipynb"), ("exercises", "**/*.ipynb")):
        in_repository = {
            path.relative_to(REPOSITORY).as_posix()
            for path in (REPOSITORY / folder).glob(pattern)
            if not any(part.startswith(".") for part in path.parts)
        }
        assert in_repository <= set(FILES)
    loaded = [
        f"notebooks/{found}"
        for path in NOTEBOOKS
        for found in re.findall(r"traces/[\w.]+", FILES[path].decode())
    ]
    assert loaded
    assert set(loaded) <= set(FILES)


@pytest.mark.parametrize("path", NOTEBOOKS)
def test_a_learner_sees_no_result_before_running_a_cell(path: str) -> None:
    book = json.loads(FILES[path])
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    assert code
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    metadata = json.dumps([book["metadata"], *(cell["metadata"] for cell in book["cells"])])
    for leftover in ("widgets", "nbval", "iopub", "version"):
        assert f'"{leftover}' not in metadata.replace("schema_version", "")


@pytest.mark.parametrize("path", [*NOTEBOOKS, *TEXTS])
def test_links_lead_to_what_a_learner_has(path: str) -> None:
    text = FILES[path].decode()
    if path in NOTEBOOKS:
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"]
        text = "\n".join("".join(cell["source"]) for cell in cells)
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        target = (REPOSITORY / path).parent / link
        assert target.resolve().relative_to(REPOSITORY).as_posix() in FILES, link


def test_without_being_asked_for_solutions_stay_away(tmp_path: Path) -> None:
    course = edition(tmp_path, FIRST)
    assert set(course_files(course)) == set(FIRST) - {SOLUTION}
    assert set(course_files(course, solutions=True)) == set(FIRST)


def test_what_tools_leave_and_what_only_tests_need_is_not_the_course(tmp_path: Path) -> None:
    course = edition(tmp_path, FIRST)
    for stranger in (
        "notebooks/.ipynb_checkpoints/03_streams-checkpoint.ipynb",
        "notebooks/code/__pycache__/server.pyc",
        "notebooks/traces/.DS_Store",
        "exercises/solutions/conftest.py",
        "README.md",
    ):
        write(course / stranger, "{}")
    write(course / "notebooks/code/server.py", "print()")
    wanted = {*FIRST, "notebooks/code/server.py"}
    assert set(course_files(course, solutions=True)) == wanted
