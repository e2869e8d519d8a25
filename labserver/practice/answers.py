"""The public name of `labserver.practice.given.answers`, which learners' notebooks import."""

from labserver.practice.given.answers import Choice, CloseReply, Overhead, PollCost, Req, Response

__all__ = ["Choice", "CloseReply", "Overhead", "PollCost", "Req", "Response"]
