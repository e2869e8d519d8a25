"""The public name of `labserver.practice.given.sse_events`, which learners' notebooks import."""

from labserver.practice.given.sse_events import Event, Reset

__all__ = ["Event", "Reset"]
