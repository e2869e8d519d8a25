"""What the exercises about server-sent events use: an event, and a gap that cannot be filled.

Small on purpose, and separate from labserver.wire, whose events also know their size on the wire.
"""

from __future__ import annotations

from typing import NamedTuple


class Event(NamedTuple):
    """An event as a listener receives it (WHATWG HTML §9.2.6).

    Attributes:
        type: `message` unless the stream says otherwise.
        data: its lines, joined by LF.
        id: the last event id at its blank line, which may come from an earlier event.
    """

    type: str
    data: str
    id: str


class Reset(NamedTuple):
    """The missed events are no longer available: the client must read the state again.

    Attributes:
        last_event_id: the id that the client sent when it reconnected.
    """

    last_event_id: str
