"""The public name of `labserver.practice.given.event_log`: learners' notebooks import it."""

from labserver.practice.given.event_log import Event, EventLog

__all__ = ["Event", "EventLog"]
