"""What the exercises about server-sent events hand on: an event, and that a gap cannot be filled.

Small on purpose, and apart from labserver.wire, whose blocks also know their size on the stream.
"""

from __future__ import annotations

from typing import NamedTuple


class Event(NamedTuple):
    """An event as a listener gets it (WHATWG HTML §9.2.6).

    Attributes:
        type: `message` unless the stream says otherwise.
        data: its lines, with LF between them.
        id: the last event id at its blank line; it may come from an earlier event.
    """

    type: str
    data: str
    id: str


class Reset(NamedTuple):
    """What was missed cannot be had: the client must read the state anew.

    Attributes:
        last_event_id: the id that the client came back with.
    """

    last_event_id: str
