"""The secret and the mailbox that one user's servers share."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from labserver.chat.tokens import SECRET_BYTES_MIN
from labserver.errors import LabError
from labserver.runtime import state


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder that is not there yet."""
    path = tmp_path / "a" / "state"
    monkeypatch.setenv("LABSERVER_STATE", str(path))
    monkeypatch.delenv("LABSERVER_SECRET", raising=False)
    return path


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_the_secret_is_made_once_and_for_its_owner_alone(folder: Path) -> None:
    secret = state.secret()
    assert len(secret) >= SECRET_BYTES_MIN
    assert state.secret() == secret
    assert mode(folder) == 0o700
    assert mode(folder / "secret") == 0o600
    assert os.listdir(folder) == ["secret"]


def test_the_environment_comes_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABSERVER_SECRET", "mine")
    assert state.secret() == "mine"
    assert not folder.exists()


def test_many_processes_at_once_agree(folder: Path) -> None:
    program = "from labserver.runtime import state; print(state.secret())"
    processes = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    secrets = {process.communicate(timeout=60)[0] for process in processes}
    assert len(secrets) == 1
    assert os.listdir(folder) == ["secret"]


def test_a_secret_that_others_can_read_is_not_used(folder: Path) -> None:
    state.secret()
    (folder / "secret").chmod(0o644)
    with pytest.raises(LabError, match="delete it"):
        state.secret()


def test_a_folder_that_cannot_be_made_is_an_error(folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_text("a file")
    with pytest.raises(LabError, match="LABSERVER_STATE"):
        state.secret()


def test_a_secret_that_cannot_be_read_is_an_error(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "secret").mkdir(mode=0o700)
    with pytest.raises(LabError, match="LABSERVER_SECRET"):
        state.secret()


def test_without_a_variable_it_is_the_users_own_state_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("LABSERVER_STATE")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert state.folder().name == "labserver"
    assert tmp_path in state.folder().parents
    assert state.mailbox() == state.folder() / "mailbox.sqlite3"
