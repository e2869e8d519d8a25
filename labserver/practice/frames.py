"""The public name of `labserver.practice.given.frames`: learners' notebooks import it."""

from labserver.practice.given.frames import Close, Frame, Message, Pong, ProtocolError

__all__ = ["Close", "Frame", "Message", "Pong", "ProtocolError"]
