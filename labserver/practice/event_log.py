"""The public name of `labserver.practice.given.event_log`, which learners' notebooks import."""

from labserver.practice.given.event_log import Event, EventLog

__all__ = ["Event", "EventLog"]
