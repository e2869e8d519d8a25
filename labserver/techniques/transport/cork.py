"""What is written to many connections in one turn of the loop, each written to once.

A system call a frame is most of what a fan-out costs. Where several frames go to a connection in
one turn of the event loop (a busy room, an answer beside what everybody hears), they leave
together at the end of the turn. Nothing waits longer than that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

FRAMES_MAX = 64  # at 64 KiB each as much as an outbox may hold


class Corked:
    """One connection's frames of this turn.

    Args:
        cork: the server's.
        write: takes bytes, without waiting.
    """

    __slots__ = ("frames", "put", "write")

    def __init__(self, cork: Cork, write: Callable[[bytes], None]) -> None:
        self.frames: list[bytes] = []
        self.write = write
        self.put = self._putting(cork)

    def _putting(self, cork: Cork) -> Callable[[bytes], None]:
        """What takes a frame: a closure, for it is called for each member of a room."""
        frames, append, add = self.frames, self.frames.append, cork.add

        def put(frame: bytes) -> None:
            append(frame)
            if len(frames) == 1:
                add(self)
            elif len(frames) == FRAMES_MAX:
                self.flush()

        return put

    def flush(self) -> None:
        """Write now: something else is to be written behind it."""
        if self.frames:
            frames = b"".join(self.frames)
            self.frames.clear()
            self.write(frames)


class Cork:
    """One server's connections that have something to write at the end of this turn."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Corked] = []

    def add(self, corked: Corked) -> None:
        """A connection's first frame of this turn is there."""
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(corked)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        frames: list[bytes] = []
        joined = b""
        for corked in waiting:
            if not corked.frames:
                continue  # flushed meanwhile
            if corked.frames != frames:  # a room has the same: joined once
                frames = corked.frames.copy()
                joined = b"".join(frames)
            corked.frames.clear()
            corked.write(joined)
