"""The mailbox in SQLite: a message that was accepted outlives the process.

SQLite blocks, so it has a thread of its own. It is only one thread, so that letters are numbered
in the order in which they arrive. When a letter is acknowledged its text is removed at once, and
its row after a day: until then a late retry by the sender is recognized as a duplicate.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from labserver.chat.interfaces import Kept, Letter
from labserver.errors import LabError

IN_MEMORY = ":memory:"
TOMBSTONE_S = 24 * 3600

_SCHEMA = """
CREATE TABLE IF NOT EXISTS letters (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    id TEXT NOT NULL,
    content TEXT NOT NULL,
    ts TEXT NOT NULL,
    acknowledged_at INTEGER,
    UNIQUE (sender, id)
);
CREATE INDEX IF NOT EXISTS unacknowledged
    ON letters (recipient, number) WHERE acknowledged_at IS NULL;
CREATE INDEX IF NOT EXISTS acknowledged
    ON letters (acknowledged_at) WHERE acknowledged_at IS NOT NULL;
"""

_NOW = "CAST(strftime('%s', 'now') AS INTEGER)"  # unixepoch() came with SQLite 3.38

T = TypeVar("T")


class SqliteMailbox:
    """Direct messages in one SQLite file, which several processes may share.

    Args:
        path: the file, which is created if it is missing; `:memory:` lasts as long as the object.

    Raises:
        LabError: if the file cannot be opened as a mailbox.
    """

    def __init__(self, path: str | Path = IN_MEMORY) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lab-mailbox")
        self._connection = self._thread.submit(_connect, str(path)).result()

    async def keep(self, letter: Letter) -> Kept:
        """Store `letter` durably; if (sender, id) is known already, the result is not fresh."""
        return await self._run(lambda: self._keep(letter))

    async def pending(self, recipient: str) -> Sequence[Letter]:
        """Return what `recipient` has not acknowledged, in the order in which it was kept."""
        return await self._run(lambda: self._pending(recipient))

    async def drop(self, recipient: str, numbers: Sequence[int]) -> None:
        """Remove the letters with these numbers, which were acknowledged."""
        await self._run(lambda: self._drop(recipient, numbers))

    async def aclose(self) -> None:
        """Close the file and end the thread."""
        try:
            await self._run(self._connection.close)
        except RuntimeError:  # the interpreter is ending, and has ended the thread already
            self._connection.close()
        self._thread.shutdown()

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _keep(self, letter: Letter) -> Kept:
        with self._connection:
            cursor = self._connection.execute(
                "INSERT INTO letters (sender, recipient, id, content, ts) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (sender, id) DO NOTHING RETURNING number",
                (letter.sender, letter.recipient, letter.id, letter.content, letter.ts),
            )
            row = cursor.fetchone()
        if row is not None:
            return Kept(row[0], fresh=True)
        (number,) = self._connection.execute(
            "SELECT number FROM letters WHERE sender = ? AND id = ?", (letter.sender, letter.id)
        ).fetchone()
        return Kept(number, fresh=False)

    def _pending(self, recipient: str) -> list[Letter]:
        rows = self._connection.execute(
            "SELECT sender, recipient, id, content, ts, number FROM letters"
            " WHERE recipient = ? AND acknowledged_at IS NULL ORDER BY number",
            (recipient,),
        )
        return [Letter(*row) for row in rows]

    def _drop(self, recipient: str, numbers: Sequence[int]) -> None:
        with self._connection:
            self._connection.executemany(
                f"UPDATE letters SET acknowledged_at = {_NOW}, content = ''"
                " WHERE recipient = ? AND number = ? AND acknowledged_at IS NULL",
                [(recipient, number) for number in numbers],
            )
            self._connection.execute(
                f"DELETE FROM letters WHERE acknowledged_at < {_NOW} - ?", (TOMBSTONE_S,)
            )


def _connect(path: str) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(path, timeout=5, check_same_thread=False)
        # A write-ahead log lets other processes read at the same time, and survives a kill -9;
        # only a power failure can lose the last commits (synchronous=NORMAL).
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.executescript(_SCHEMA)
    except sqlite3.Error as error:
        raise LabError(
            f"{path} cannot be used as a mailbox ({error}): name another file, or move it away."
        ) from error
    return connection
