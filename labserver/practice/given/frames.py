"""What the exercises about WebSocket frames use: a frame, what follows from frames, and an error.

Small on purpose, and separate from labserver.wire, whose Frame also knows where its bytes were.
"""

from __future__ import annotations

from typing import NamedTuple


class Frame(NamedTuple):
    """One WebSocket frame, unmasked (RFC 6455 §5.2).

    Attributes:
        fin: whether it is the last frame of its message.
        opcode: 0 continuation, 1 text, 2 binary, 8 close, 9 ping, 10 pong.
        payload: the bytes it carries.
    """

    fin: bool
    opcode: int
    payload: bytes


class Message(NamedTuple):
    """A complete message (RFC 6455 §5.4).

    Attributes:
        opcode: 1 text, 2 binary.
        payload: the payloads of all its frames.
    """

    opcode: int
    payload: bytes


class Pong(NamedTuple):
    """A pong that must be sent (RFC 6455 §5.5.3).

    Attributes:
        payload: the bytes it carries.
    """

    payload: bytes


class Close(NamedTuple):
    """The peer has sent a close frame (RFC 6455 §5.5.1).

    Attributes:
        payload: the payload of its close frame.
    """

    payload: bytes


class ProtocolError(Exception):
    """The peer broke the protocol.

    Args:
        code: the close code to answer with (RFC 6455 §7.4.1), such as 1002.
        reason: what was wrong, for the log.
    """

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
