"""A copy of the course over several editions: it follows the course, and loses nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labserver.course import manifest
from labserver.course.report import Report
from labserver.course.source import course_files
from labserver.course.unpack import default_folder, is_beside, unpack
from labserver.errors import LabError
from tests.course.editions import (
    EXERCISE,
    FIRST,
    SECOND,
    SOLUTION,
    THREE,
    TRACE,
    ZERO,
    change,
    edition,
    run,
    texts,
    write,
)

NOBODY = 65534


class Learner:
    """A learner's folder, and the editions of the course that come along."""

    def __init__(self, place: Path) -> None:
        self.folder = place / "my-lab"
        self._place = place

    def course(self, files: dict[str, str]) -> Path:
        """The course as it is from now on."""
        shutil.rmtree(self._place / "course", ignore_errors=True)
        return edition(self._place / "course", files)

    def gets(self, files: dict[str, str], **options: Any) -> Report:
        """What `labserver lab` does with an edition of the course."""
        return unpack(self.folder, self.course(files), **options)

    def path(self, name: str) -> Path:
        """A file of the copy."""
        return self.folder / name

    def has(self, files: dict[str, str], *names: str) -> bool:
        """Whether these files are exactly as that edition has them."""
        course = course_files(self.course(files), solutions=True)
        return all(self.path(name).read_bytes() == course[name] for name in names)


@pytest.fixture
def learner(tmp_path: Path) -> Learner:
    """Somebody who has the first edition."""
    learner = Learner(tmp_path)
    learner.gets(FIRST)
    return learner


# What a copy is


def test_the_first_start_makes_a_copy_without_outputs_and_solutions(tmp_path: Path) -> None:
    learner = Learner(tmp_path)
    report = learner.gets(FIRST)
    assert report.first
    assert set(texts(learner.folder)) == set(FIRST) - {SOLUTION}
    assert learner.has(FIRST, ZERO, THREE, EXERCISE, TRACE)
    assert not any("run" in text for text in texts(learner.folder).values())


def written(folder: Path) -> dict[Path, tuple[int, int]]:
    """Which file each path is, and when it was last written: reading it changes neither."""
    found = {path: path.stat() for path in folder.rglob("*")}
    return {path: (stat.st_ino, stat.st_mtime_ns) for path, stat in found.items()}


def test_a_second_start_changes_nothing(learner: Learner) -> None:
    before = written(learner.folder)
    report = learner.gets(FIRST)
    assert report.lines() == [f"Your copy of the course is in {learner.folder}."]
    assert written(learner.folder) == before


def test_solutions_come_when_they_are_asked_for_and_then_follow_the_course(
    learner: Learner,
) -> None:
    assert learner.gets(FIRST, solutions=True).added == [SOLUTION]
    assert learner.gets(SECOND).updated == [ZERO, THREE, EXERCISE, SOLUTION, TRACE]
    assert learner.has(SECOND, SOLUTION)


def test_leftovers_of_tools_do_not_make_a_folder_a_strangers(tmp_path: Path) -> None:
    learner = Learner(tmp_path)
    (learner.folder / ".git").mkdir(parents=True)
    (learner.folder / ".DS_Store").touch()
    assert learner.gets(FIRST).first


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    learner = Learner(tmp_path)
    write(learner.path("letters.txt"), "mine")
    with pytest.raises(LabError, match=r"not empty \(it holds letters.txt\): name a new folder"):
        learner.gets(FIRST)
    assert texts(learner.folder) == {"letters.txt": "mine"}


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    learner = Learner(tmp_path)
    learner.folder.touch()
    with pytest.raises(LabError, match="is a file: name a folder"):
        learner.gets(FIRST)


def test_a_folder_within_a_file_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LabError, match="Name a folder in which you may write"):
        unpack(tmp_path / "file" / "my-lab", edition(tmp_path / "course", FIRST))


def test_a_file_in_the_place_of_a_folder_stops_everything(learner: Learner) -> None:
    shutil.rmtree(learner.path("exercises"))
    learner.path("exercises").write_text("mine")
    before = texts(learner.folder)
    with pytest.raises(LabError, match="exercises is a file, and the course has a folder there"):
        learner.gets(SECOND)
    assert texts(learner.folder) == before


def test_an_interrupted_first_start_is_taken_up_again(learner: Learner) -> None:
    manifest.write(learner.folder, {})  # as it is before the files are written
    learner.path(THREE).unlink()
    assert learner.gets(FIRST).added == [THREE]
    assert learner.gets(SECOND).updated == [ZERO, THREE, EXERCISE, TRACE]


def test_a_copy_may_be_moved(learner: Learner) -> None:
    change(learner.path(THREE), "mine")
    moved = learner.folder.with_name("my notes")
    learner.folder.rename(moved)
    learner.folder = moved
    report = learner.gets(SECOND)
    assert report.updated == [ZERO, EXERCISE, TRACE]
    assert report.beside == {THREE: "03_streams.new.ipynb"}


def test_by_default_it_is_this_folder_if_it_is_a_copy(
    learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(learner.folder.parent)
    assert default_folder() == Path("my-lab")
    monkeypatch.chdir(learner.folder)
    assert default_folder() == Path()


# A new edition


def test_what_was_never_changed_follows_the_course(learner: Learner) -> None:
    assert learner.gets(SECOND).updated == [ZERO, THREE, EXERCISE, TRACE]
    assert learner.has(SECOND, ZERO, THREE, EXERCISE, TRACE)


def test_what_is_new_is_added(learner: Learner) -> None:
    four = {"notebooks/04_more.ipynb": "four"}
    report = learner.gets(FIRST | four)
    assert report.added == list(four)
    assert "New: notebooks/04_more.ipynb." in report.lines()


def test_being_saved_by_jupyterlab_is_no_change(learner: Learner) -> None:
    book = json.loads(learner.path(THREE).read_text())
    book["metadata"]["language_info"]["version"] = "3.13.1"
    write(learner.path(THREE), book)
    assert THREE in learner.gets(SECOND).updated


@pytest.mark.parametrize("alter", [change, run])
def test_answers_and_outputs_are_kept_and_the_new_edition_is_beside_them(
    learner: Learner, alter: Callable[[Path, str], None]
) -> None:
    alter(learner.path(THREE), "my figure")
    mine = learner.path(THREE).read_bytes()
    report = learner.gets(SECOND)
    assert report.lines()[-1] == (
        f"{THREE} has a new edition. Yours is kept; the new one is beside it: 03_streams.new.ipynb."
    )
    assert learner.path(THREE).read_bytes() == mine
    beside = learner.path("notebooks/03_streams.new.ipynb")
    assert is_beside(beside)
    assert not is_beside(learner.path(THREE))
    assert "three, edition 2" in beside.read_text()
    assert learner.gets(SECOND).beside == {}, "it is said once"


def test_a_new_edition_that_the_learner_deleted_does_not_come_back(learner: Learner) -> None:
    change(learner.path(THREE), "mine")
    learner.gets(SECOND)
    learner.path("notebooks/03_streams.new.ipynb").unlink()
    assert learner.gets(SECOND).beside == {}
    assert not learner.path("notebooks/03_streams.new.ipynb").exists()


def test_the_newest_edition_replaces_the_one_beside_unless_somebody_works_in_it(
    learner: Learner,
) -> None:
    third = {path: text.replace("2", "3") for path, text in SECOND.items()}
    fourth = {path: text.replace("2", "4") for path, text in SECOND.items()}
    change(learner.path(THREE), "mine")
    learner.gets(SECOND)
    assert learner.gets(third).beside == {THREE: "03_streams.new.ipynb"}
    change(learner.path("notebooks/03_streams.new.ipynb"), "mine as well")
    assert learner.gets(fourth).beside == {THREE: "03_streams.new-2.ipynb"}
    assert "mine as well" in learner.path("notebooks/03_streams.new.ipynb").read_text()


def test_who_moves_to_the_new_edition_follows_the_course_again(learner: Learner) -> None:
    change(learner.path(THREE), "mine")
    learner.gets(SECOND)
    learner.path("notebooks/03_streams.new.ipynb").replace(learner.path(THREE))
    assert learner.gets(SECOND).lines()[1:] == []
    third = SECOND | {THREE: "three, edition 3"}
    assert learner.gets(third).updated == [THREE]


def test_a_change_that_is_taken_back_is_none(learner: Learner) -> None:
    before = learner.path(THREE).read_bytes()
    change(learner.path(THREE), "mine")
    learner.gets(SECOND)
    learner.path(THREE).write_bytes(before)
    assert learner.gets(SECOND).updated == [THREE]


def test_a_file_of_the_learners_with_a_new_ones_name_is_kept(learner: Learner) -> None:
    four = "notebooks/04_more.ipynb"
    write(learner.path(four), "mine")
    report = learner.gets(FIRST | {four: "four"})
    assert report.beside == {four: "04_more.new.ipynb"}
    assert report.broken == [four]
    assert learner.path(four).read_text() == "mine"


def test_an_older_edition_takes_back_only_what_was_not_changed(learner: Learner) -> None:
    learner.gets(SECOND)
    change(learner.path(THREE), "mine")
    report = learner.gets(FIRST)
    assert report.updated == [ZERO, EXERCISE, TRACE]
    assert report.beside == {}, "the learner has had that one"


# What a learner has deleted or renamed


def test_what_is_deleted_stays_deleted_and_can_be_brought_back(learner: Learner) -> None:
    learner.path(EXERCISE).unlink()
    report = learner.gets(SECOND)
    assert report.lines()[-1] == (
        f"Deleted or renamed by you: {EXERCISE}."
        f" `labserver lab {learner.folder} --fresh exercises/03` brings it back."
    )
    assert not learner.path(EXERCISE).exists()
    assert learner.gets(SECOND, fresh=["exercises/03"]).fresh == {EXERCISE: None}
    assert learner.has(SECOND, EXERCISE)


def test_a_renamed_copy_is_the_learners(learner: Learner) -> None:
    change(learner.path(THREE), "mine")
    mine = learner.path("notebooks/my streams.ipynb")
    learner.path(THREE).rename(mine)
    shutil.copy(learner.path(ZERO), learner.path("notebooks/copy.ipynb"))
    before = texts(learner.folder)
    assert learner.gets(SECOND).deleted == [THREE]
    after = texts(learner.folder)
    for name in ("notebooks/my streams.ipynb", "notebooks/copy.ipynb"):
        assert after[name] == before[name]


# A lesson that is renamed by the course, or leaves it

RENAMED = {("notebooks/03_events.ipynb" if p == THREE else p): text for p, text in SECOND.items()}
RENAMED = {("exercises/03_events.ipynb" if p == EXERCISE else p): t for p, t in RENAMED.items()}


def test_a_renamed_lesson_takes_the_place_of_one_that_was_not_changed(learner: Learner) -> None:
    report = learner.gets(RENAMED)
    assert report.removed == [THREE, EXERCISE]
    assert report.kept == {}
    assert not learner.path(THREE).exists()
    assert learner.gets(RENAMED).lines()[1:] == [], "it is said once"


def test_an_answer_to_a_renamed_exercise_is_kept_and_the_new_name_is_said(
    learner: Learner,
) -> None:
    change(learner.path(EXERCISE), "mine")
    report = learner.gets(RENAMED)
    assert f"{EXERCISE} is now called 03_events.ipynb. Yours is kept." in report.lines()
    assert "mine" in learner.path(EXERCISE).read_text()
    assert learner.has(RENAMED, "exercises/03_events.ipynb")
    assert learner.gets(RENAMED).lines()[1:] == []


def test_a_lesson_that_leaves_the_course_is_kept_if_it_was_changed(learner: Learner) -> None:
    run(learner.path(THREE), "my figure")
    report = learner.gets({ZERO: FIRST[ZERO]})
    assert f"{THREE} is no longer in the course. Yours is kept." in report.lines()
    assert report.removed == [EXERCISE]
    assert learner.path(TRACE).exists(), "the lesson that was kept loads it"
    assert "my figure" in learner.path(THREE).read_text()


def test_a_lesson_may_come_back(learner: Learner) -> None:
    learner.path(ZERO).unlink()
    change(learner.path(EXERCISE), "mine")
    learner.gets({THREE: FIRST[THREE]})
    report = learner.gets(SECOND)
    assert report.added == [ZERO]
    assert report.beside == {EXERCISE: "03_streams.new.ipynb"}
    assert learner.has(SECOND, TRACE)


# --fresh


@pytest.mark.parametrize("name", ["03", "3", "03_streams", "03_streams.ipynb", THREE])
def test_a_fresh_lesson_keeps_the_learners_beside_it(learner: Learner, name: str) -> None:
    change(learner.path(THREE), "mine")
    mine = learner.path(THREE).read_bytes()
    report = learner.gets(SECOND, fresh=[name])
    assert report.fresh == {THREE: "03_streams.old.ipynb"}
    assert learner.has(SECOND, THREE)
    old = learner.path("notebooks/03_streams.old.ipynb")
    assert old.read_bytes() == mine
    assert is_beside(old)


def test_each_one_that_is_put_aside_has_a_name_of_its_own(learner: Learner) -> None:
    for n, name in enumerate(["03_streams.old.ipynb", "03_streams.old-2.ipynb"]):
        change(learner.path(THREE), f"mine {n}")
        assert learner.gets(FIRST, fresh=["03"]).fresh == {THREE: name}
    assert "mine 0" in learner.path("notebooks/03_streams.old.ipynb").read_text()
    assert "mine 1" in learner.path("notebooks/03_streams.old-2.ipynb").read_text()


def test_a_fresh_lesson_that_was_not_changed_leaves_nothing_beside_it(learner: Learner) -> None:
    assert learner.gets(SECOND, fresh=["03"]).fresh == {THREE: None}
    assert not list(learner.folder.rglob("*.old*"))


def test_the_new_edition_beside_a_fresh_lesson_goes_unless_somebody_works_in_it(
    learner: Learner,
) -> None:
    change(learner.path(THREE), "mine")
    learner.gets(SECOND)
    shutil.copy(learner.path("notebooks/03_streams.new.ipynb"), learner.path("notebooks/own.ipynb"))
    learner.gets(SECOND, fresh=["03"])
    names = ["03_streams.ipynb", "03_streams.old.ipynb", "own.ipynb"]
    assert sorted(path.name for path in learner.path("notebooks").glob("[3o0][3w]*")) == names
    change(learner.path(THREE), "mine")
    learner.gets(FIRST | {THREE: "three, edition 3"})
    change(learner.path("notebooks/03_streams.new.ipynb"), "mine as well")
    learner.gets(SECOND, fresh=["03"])
    assert "mine as well" in learner.path("notebooks/03_streams.new.ipynb").read_text()


def test_a_lesson_may_be_named_by_its_file(
    learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(learner.folder.parent)
    assert list(learner.gets(FIRST, fresh=[f"my-lab/{EXERCISE}"]).fresh) == [EXERCISE]
    assert list(learner.gets(FIRST, fresh=[str(learner.path(TRACE))]).fresh) == [TRACE]


def test_a_lesson_that_the_course_does_not_have_is_an_error(learner: Learner) -> None:
    change(learner.path(THREE), "mine")
    before = texts(learner.folder)
    with pytest.raises(LabError, match=r"no '17': give a lesson's number \(00, 03\)"):
        learner.gets(SECOND, fresh=["03", "17"])
    assert texts(learner.folder) == before


# Broken and forbidden things


@pytest.mark.parametrize("content", ["", "{", '{"cells": 1}'])
def test_a_broken_notebook_is_kept_and_how_to_replace_it_is_said(
    learner: Learner, content: str
) -> None:
    learner.path(THREE).write_text(content)
    report = learner.gets(SECOND)
    assert report.broken == [THREE]
    assert any("03_streams.ipynb is broken and will not open" in line for line in report.lines())
    assert learner.path(THREE).read_text() == content
    learner.gets(SECOND, fresh=["03"])
    assert learner.path("notebooks/03_streams.old.ipynb").read_text() == content
    assert learner.has(SECOND, THREE)


def test_a_folder_in_the_place_of_a_notebook_is_kept(learner: Learner) -> None:
    learner.path(THREE).unlink()
    write(learner.path(f"{THREE}/mine.txt"), "mine")
    assert learner.gets(SECOND).beside == {THREE: "03_streams.new.ipynb"}
    learner.gets(SECOND, fresh=["03"])
    assert learner.path("notebooks/03_streams.old.ipynb/mine.txt").read_text() == "mine"


def test_a_broken_manifest_lets_every_file_stay_as_it_is(learner: Learner) -> None:
    change(learner.path(THREE), "mine")
    learner.path(EXERCISE).unlink()
    before = texts(learner.folder)
    learner.path(manifest.NAME).write_text("{")
    report = learner.gets(SECOND)
    assert "could not be read, and is made anew" in report.lines()[1]
    assert report.added == [EXERCISE]
    after = texts(learner.folder)
    after.pop(EXERCISE)
    before.pop(EXERCISE, None)
    assert after == before
    assert learner.gets(SECOND).lines()[1:] == []


def test_a_manifest_of_a_newer_labserver_is_an_error_and_changes_nothing(
    learner: Learner,
) -> None:
    learner.path(manifest.NAME).write_text('{"format": 99}')
    before = texts(learner.folder)
    with pytest.raises(LabError, match="unpacked by a newer labserver: update labserver"):
        learner.gets(SECOND, fresh=["03"])
    assert texts(learner.folder) == before


@contextmanager
def as_nobody(folder: Path) -> Iterator[None]:
    """Let the permissions of a folder count even where the tests run as root."""
    if os.getuid() != 0:
        yield
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that anybody can reach, unlike tmp_path."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.skipif(os.name != "posix", reason="permissions")
def test_a_read_only_copy_is_opened_as_it_is(place: Path) -> None:
    learner = Learner(place)
    learner.gets(FIRST)
    course = learner.course(SECOND)
    before = texts(learner.folder)
    with as_nobody(place):
        folders = [learner.folder, *filter(Path.is_dir, learner.folder.rglob("*"))]
        for folder in folders:
            folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
        try:
            report = unpack(learner.folder, course)
            with pytest.raises(LabError, match="Permission denied"):
                unpack(learner.folder / "below", course)
        finally:
            for folder in folders:
                folder.chmod(stat.S_IRWXU)
    assert report.failed == {"Permission denied": [ZERO, THREE, EXERCISE, TRACE]}
    assert report.lines()[-1].startswith(f"Not written (Permission denied): {ZERO}, ")
    assert texts(learner.folder) == before
    assert learner.gets(SECOND).updated == [ZERO, THREE, EXERCISE, TRACE], "the next start"


@pytest.mark.skipif(os.name != "posix", reason="permissions")
def test_a_read_only_folder_keeps_the_learners_file_when_a_fresh_one_cannot_be_had(
    place: Path,
) -> None:
    learner = Learner(place)
    learner.gets(FIRST)
    change(learner.path(THREE), "mine")
    course = learner.course(SECOND)
    with as_nobody(place):
        learner.path("notebooks").chmod(stat.S_IRUSR | stat.S_IXUSR)
        try:
            with pytest.raises(LabError, match="Permission denied"):
                unpack(learner.folder, course, fresh=["03"])
        finally:
            learner.path("notebooks").chmod(stat.S_IRWXU)
    assert "mine" in learner.path(THREE).read_text()


# Whatever happens, in whatever order

NAMES = (ZERO, THREE, EXERCISE, TRACE, "notebooks/03_events.ipynb")
EDITIONS = (FIRST, SECOND, RENAMED, {ZERO: "zero, edition 4"})
NEAR = ("", ".new", ".old", ".new-2")


def near(name: str, ending: str) -> str:
    stem, suffix = name.rsplit(".", 1)
    return f"{stem}{ending}.{suffix}"


paths = st.builds(near, st.sampled_from(NAMES), st.sampled_from(NEAR))
steps = st.one_of(
    st.tuples(st.just("unpack"), st.sampled_from(range(len(EDITIONS))), st.booleans()),
    st.tuples(st.just("fresh"), st.sampled_from(range(len(EDITIONS))), st.sampled_from(NAMES)),
    st.tuples(st.just("change"), paths),
    st.tuples(st.just("break"), paths),
    st.tuples(st.just("create"), paths),
    st.tuples(st.just("rename"), paths, paths),
    st.tuples(st.just("delete"), paths),
    st.tuples(st.just("forget")),
)


def written_by_learner(folder: Path) -> set[str]:
    return {mine for text in texts(folder).values() for mine in re.findall(r"mine-\d+", text)}


@pytest.fixture(scope="module")
def courses(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return [edition(tmp_path_factory.mktemp("course"), files) for files in EDITIONS]


@settings(max_examples=40)
@given(plan=st.lists(steps, min_size=3, max_size=12))
def test_nothing_that_a_learner_wrote_is_ever_lost(
    courses: list[Path], plan: list[tuple[Any, ...]]
) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "my-lab")
        unpack(folder, courses[0])
        for n, (what, *arguments) in enumerate(plan):
            before = written_by_learner(folder)
            if what in ("unpack", "fresh"):
                number, option = arguments
                try:
                    if what == "unpack":
                        unpack(folder, courses[number], solutions=option)
                    else:
                        unpack(folder, courses[number], fresh=[option])
                except LabError as error:
                    assert "The course has no" in str(error)
                assert written_by_learner(folder) >= before
            elif what == "forget":
                folder.joinpath(manifest.NAME).write_text("")
            else:
                act(what, folder, arguments, f"mine-{n}")


def act(what: str, folder: Path, names: list[str], mine: str) -> None:
    """Let a learner do something to a file, if it is there."""
    path = folder / names[0]
    if what == "create":
        write(path, mine)
    elif not path.exists():
        return
    elif what == "change":
        try:
            change(path, mine)
        except json.JSONDecodeError:
            write(path, mine)
    elif what == "break":
        path.write_text(f"{path.read_text()[:40]}{mine}")
    elif what == "rename":
        path.replace(folder / names[1])
    else:
        path.unlink()
