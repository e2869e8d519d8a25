"""The public name of `labserver.practice.given.frames`, which learners' notebooks import."""

from labserver.practice.given.frames import Close, Frame, Message, Pong, ProtocolError

__all__ = ["Close", "Frame", "Message", "Pong", "ProtocolError"]
