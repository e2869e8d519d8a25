"""What is particular to the mailbox in SQLite; the rest is in test_mailboxes.py."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from labserver.backends.sqlite_mailbox import TOMBSTONE_S, SqliteMailbox
from labserver.errors import LabError
from tests.backends.listening import letter


async def test_a_mailbox_in_memory_needs_no_file() -> None:
    mailbox = await asyncio.to_thread(SqliteMailbox)
    await mailbox.keep(letter(1))
    assert len(await mailbox.pending("bob")) == 1
    await mailbox.aclose()


async def test_an_acknowledged_letter_loses_its_text_at_once(tmp_path: Path) -> None:
    path = tmp_path / "mail.db"
    mailbox = await asyncio.to_thread(SqliteMailbox, path)
    kept = await mailbox.keep(letter(1))
    await mailbox.drop("bob", [kept.at])
    assert _rows(path, "SELECT content FROM letters") == [("",)]
    await mailbox.aclose()


async def test_the_row_of_an_acknowledged_letter_goes_after_a_day(tmp_path: Path) -> None:
    path = tmp_path / "mail.db"
    mailbox = await asyncio.to_thread(SqliteMailbox, path)
    old, new = [(await mailbox.keep(letter(n))).at for n in (1, 2)]
    await mailbox.drop("bob", [old])
    _rows(
        path,
        f"UPDATE letters SET acknowledged_at = acknowledged_at - {TOMBSTONE_S + 1}"
        " WHERE acknowledged_at IS NOT NULL",
    )
    await mailbox.drop("bob", [new])
    assert _rows(path, "SELECT number FROM letters") == [(new,)]
    await mailbox.aclose()


async def test_closing_ends_the_thread() -> None:
    before = set(threading.enumerate())
    mailbox = await asyncio.to_thread(SqliteMailbox)
    own = [
        thread
        for thread in set(threading.enumerate()) - before
        if thread.name.startswith("lab-mailbox")
    ]
    assert len(own) == 1
    await mailbox.aclose()
    assert not own[0].is_alive()


def test_a_file_that_is_no_mailbox_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, and long enough to be taken for one" * 20)
    with pytest.raises(LabError, match="name another file"):
        SqliteMailbox(path)


def test_a_folder_that_is_missing_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="name another file"):
        SqliteMailbox(tmp_path / "missing" / "mail.db")


def _rows(path: Path, statement: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        with connection:
            return connection.execute(statement).fetchall()
    finally:
        connection.close()
