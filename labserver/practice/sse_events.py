"""The public name of `labserver.practice.given.sse_events`: learners' notebooks import it."""

from labserver.practice.given.sse_events import Event, Reset

__all__ = ["Event", "Reset"]
