from __future__ import annotations

from typing import Any

import pytest

from labserver.widgets import rerun


class Shell:
    """As much of ipykernel's shell as is asked for."""

    def __init__(self) -> None:
        self.cell, self.run = "cell-1", 0

    def get_parent(self) -> dict[str, Any]:
        return {"metadata": {"cellId": self.cell}, "header": {"msg_id": str(self.run)}}


class Window:
    closed = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Shell:
    shell = Shell()
    monkeypatch.setattr(rerun, "get_ipython", lambda: shell)
    monkeypatch.setattr(rerun, "_opened", {})
    return shell


def opened() -> Window:
    window = Window()
    rerun.close_on_rerun(window)
    return window


def test_a_cell_that_runs_again_closes_what_it_had_opened(shell: Shell) -> None:
    first, second = opened(), opened()
    shell.run += 1
    third = opened()
    assert (first.closed, second.closed, third.closed) == (True, True, False)


def test_another_cell_closes_nothing(shell: Shell) -> None:
    window = opened()
    shell.cell, shell.run = "cell-2", 1
    opened()
    assert not window.closed


def test_only_the_first_thing_of_each_run_is_the_first(shell: Shell) -> None:
    first = []
    for _ in range(2):
        shell.run += 1
        first += [rerun.first_of_this_run(), rerun.first_of_this_run()]
    assert first == [True, False, True, False]


def test_outside_a_notebook_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rerun, "get_ipython", lambda: None)
    assert not opened().closed
    assert not rerun.first_of_this_run()
