"""Lanes and counters that move while people chat: each message appears as it passes the relay.

The kernel keeps the counters, and sends them ten times per second at most, together with when
messages passed during the last ten seconds. Each packet says everything anew, so that one that
Jupyter drops is made up for by the next, and a page that was reloaded has all with the first. The
browser moves the lanes by itself in between.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import traitlets
from anyio import CancelScope, to_thread

from labserver.errors import LabError
from labserver.figures.palette import TECHNIQUE, words
from labserver.runtime.loop import lab_loop
from labserver.runtime.server import Server
from labserver.widgets.assets import es_module, stylesheet
from labserver.widgets.window import Window
from labserver.wire.message import Kind, Message
from labserver.wire.tape import Direction

_HERE = Path(__file__).parent

LOOK_S = 0.1  # ten times per second looks live to the eye
WINDOW_S = 10  # what the lanes show
BIN_S = 0.05  # messages closer than this are one stroke of the lane
LANES_MAX = 12
UNSEEN = {"webrtc": "webrtc (signalling)"}  # its messages go over UDP, past the relay
WITHOUT_BYTES = (Kind.CONNECT, Kind.CLOSE)


class Live(Window):
    """A lane and counters per server, or per connection if there is only one server.

    Args:
        servers: running servers that record, at least one.

    Raises:
        LabError: if there is none, or one of them does not record.
    """

    _esm = es_module(_HERE / "live.mjs")
    _css = stylesheet(_HERE / "live.css")

    window_s = traitlets.Float(WINDOW_S).tag(sync=True)
    bin_s = traitlets.Float(BIN_S).tag(sync=True)
    now = traitlets.Dict().tag(sync=True)

    def __init__(self, servers: Sequence[Server]) -> None:
        if not servers:
            raise LabError("Give lab.live at least one server: lab.live(server).")
        self._sources = [_Source(server, per_connection=len(servers) == 1) for server in servers]
        self._open = True
        super().__init__(now=self._read(over=False))
        lab_loop.spawn(self._look)

    def __repr__(self) -> str:
        counted = [lane for source in self._sources for lane in source.lanes()]
        said = (f"{lane.name} {lane.messages:,}" for lane in counted)
        return f"<Live: messages so far: {', '.join(said) or 'none'}>"

    def close(self) -> None:
        """Stop watching, and remove the widget."""
        self._open = False
        super().close()

    async def _look(self) -> None:
        # In another thread, because this decodes what is new on the tape, and servers run on
        # the lab's own.
        running = True
        try:
            while self._open and running:
                running = any(source.server.running for source in self._sources)
                await to_thread.run_sync(self._tell, not running)
                await asyncio.sleep(LOOK_S)
        finally:
            if self._open and running:  # the loop is stopping
                with CancelScope(shield=True):
                    await to_thread.run_sync(self._tell, True)

    def _tell(self, over: bool) -> None:
        if self._open and (over or any(source.has_news() for source in self._sources)):
            self.now = self._read(over=over)

    def _read(self, *, over: bool) -> dict[str, Any]:
        now_s = time.time()
        for source in self._sources:
            source.read()
        lanes = [lane for source in self._sources for lane in source.lanes()]
        return {"at": now_s, "over": over, "lanes": [lane.row(now_s) for lane in lanes]}


class _Source:
    """A server, and how much of its trace has been read."""

    def __init__(self, server: Server, *, per_connection: bool) -> None:
        self.server = server
        self._trace = server.trace
        self._per_connection = per_connection
        self._began_s = (self._trace.began_ns or 0) / 1e9
        self._read = 0
        self._lanes: dict[int, _Lane] = {}
        if not per_connection:
            name = words(server.technique)
            self._lanes[0] = _Lane(UNSEEN.get(server.technique, name), server)

    def has_news(self) -> bool:
        return len(self._trace) > self._read

    def read(self) -> None:
        """Count what is new."""
        for message in self._trace[self._read :]:
            self._read += 1
            if message.kind not in WITHOUT_BYTES:
                self._lane_of(message.connection).count(message, self._began_s)

    def lanes(self) -> list[_Lane]:
        return list(self._lanes.values())

    def _lane_of(self, connection: int) -> _Lane:
        if not self._per_connection:
            return self._lanes[0]
        key = connection
        if connection not in self._lanes and len(self._lanes) >= LANES_MAX:
            key = 0
        name = f"connection {connection}" if key else "all later connections"
        return self._lanes.setdefault(key, _Lane(name, self.server))


class _Lane:
    """What has passed in a lane."""

    def __init__(self, name: str, server: Server) -> None:
        self.name = name
        self.messages = 0
        self._requests = 0
        self._bytes = 0
        self._technique = server.technique
        # When messages passed, as the number of a bin since 1970, with how many went up and down.
        self._strokes: deque[list[int]] = deque(maxlen=int(WINDOW_S / BIN_S))

    def count(self, message: Message, began_s: float) -> None:
        self.messages += 1
        self._requests += message.kind is Kind.HTTP_REQUEST
        self._bytes += message.size
        at = int((began_s + message.sent) / BIN_S)
        if not self._strokes or self._strokes[-1][0] < at:
            self._strokes.append([at, 0, 0])
        self._strokes[-1][1 if message.direction is Direction.UP else 2] += 1

    def row(self, now_s: float) -> list[Any]:
        """Return what the browser shows of it, in the order in which live.mjs reads it."""
        oldest = int((now_s - WINDOW_S) / BIN_S)
        strokes = [stroke for stroke in self._strokes if stroke[0] >= oldest]
        return [
            self.name,
            TECHNIQUE[self._technique],
            self.messages,
            self._requests,
            self._bytes,
            strokes,
        ]
