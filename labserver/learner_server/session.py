"""One connection, made of parts: bytes in, bytes out; no sockets, no time.

`answered` is the handshake; what follows it is a `Session`, which echoes each message.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from labserver.exercises.e09_answer_upgrade.exercise import fields_of
from labserver.learner_server.parts import MESSAGE_MAX, Calls, PartFailed, header_text
from labserver.practice.given.answers import Response
from labserver.practice.given.frames import Close, Frame, Message, Pong, ProtocolError

TEXT, CLOSE, PONG = 1, 8, 10
CONTROL = 8  # opcodes from here on


def answered(calls: Calls, raw: bytes) -> tuple[int, bytes]:
    """Answer a handshake.

    Args:
        calls: calls the parts.
        raw: the request's head.

    Returns:
        The answer's status, and its bytes.

    Raises:
        PartFailed: if a part fails.
    """
    response = calls.call("answer_upgrade", calls.parts.answer_upgrade, raw, [])
    if type(response) is not Response:
        raise PartFailed("answer_upgrade", f"returned {type(response).__name__}, not a Response")
    if not isinstance(response.status, int):  # HTTPStatus is one
        raise PartFailed(
            "answer_upgrade", f"returned {response.status!r} as the status, not an int"
        )
    headers = _headers(response)
    if response.status == 101 and "accept_key" in calls.parts.own:
        headers["Sec-WebSocket-Accept"] = calls.accept(fields_of(raw)["sec-websocket-key"])
    return int(response.status), head_of(int(response.status), headers)


def _headers(response: Response) -> dict[str, str]:
    part = "answer_upgrade"
    if type(response.headers) is not dict:
        raise PartFailed(part, f"returned headers as a {type(response.headers).__name__}")
    for pair in response.headers.items():
        for text in pair:
            if type(text) is not str:
                raise PartFailed(part, f"returned {text!r} in the headers, not a str")
            header_text(part, text)
    return dict(response.headers)


def head_of(status: int, headers: dict[str, str], body: bytes = b"") -> bytes:
    """Return a response's bytes; any status but 101 ends the connection."""
    if status != HTTPStatus.SWITCHING_PROTOCOLS:
        headers = headers | {"Content-Length": str(len(body)), "Connection": "close"}
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {one}" for name, one in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def close_frame(code: int, reason: str = "") -> bytes:
    """Return the lab's own close frame, for when the learner's parts cannot be called."""
    text = reason.encode()[:123].decode(errors="ignore").encode()  # a close frame holds no more
    payload = code.to_bytes(2) + text
    return bytes([0x80 | CLOSE, len(payload)]) + payload


class Session:
    """A connection after its handshake.

    Args:
        calls: calls the parts.

    Attributes:
        closing: whether a close frame is to be sent, after which nothing more is received.

    Raises:
        PartFailed: if a part fails when it is created.
    """

    def __init__(self, calls: Calls) -> None:
        parts = calls.parts
        self.closing = False
        self._calls = calls
        self._out: list[bytes] = []
        self._size = 0  # of the message that is open, so far
        self._is_text = False  # whether that message is
        self._decoder = calls.call("decoder", parts.decoder, "server", MESSAGE_MAX)
        self._assembler = calls.call("assembler", parts.assembler)
        self._utf8 = calls.call("utf8", parts.utf8)

    def receive(self, data: bytes) -> None:
        """Take what was read; `take` then gives what is to be sent.

        Raises:
            PartFailed: if a part fails.
        """
        try:
            feed = self._bound("decoder", self._decoder, "feed")
            for frame in self._calls.frames(feed, data):
                for brought in self._brought(frame):
                    self._act(brought)
        except ProtocolError as error:
            self._fail(error.code)

    def take(self) -> bytes:
        """Return what is to be sent."""
        out, self._out = self._out, []
        return b"".join(out)

    def _brought(self, frame: Frame) -> list[Message | Pong | Close]:
        brought = self._calls.brought(self._bound("assembler", self._assembler, "on_frame"), frame)
        if frame.opcode < CONTROL and not self.closing:
            self._look(frame)
        return brought

    def _look(self, frame: Frame) -> None:
        """Check a message's size and encoding as it grows."""
        if frame.opcode:
            self._size, self._is_text = 0, frame.opcode == TEXT
        self._size += len(frame.payload)
        if self._size > MESSAGE_MAX:
            raise ProtocolError(1009)
        if self._is_text:
            push = self._bound("utf8", self._utf8, "push")
            self._calls.characters(push, frame.payload, frame.fin)

    def _act(self, brought: Message | Pong | Close) -> None:
        if isinstance(brought, Message):
            self._out.append(self._calls.octets(brought.opcode, brought.payload))
        elif isinstance(brought, Pong):
            self._out.append(self._calls.octets(PONG, brought.payload))
        else:
            self._close(self._calls.reply(brought.payload).send)

    def _fail(self, code: Any) -> None:
        if not isinstance(code, int) or not 0 <= code <= 0xFFFF:
            raise PartFailed(
                self._calls.calling, f"raised ProtocolError({code!r}), which is not a close code"
            )
        self._close(int(code).to_bytes(2))

    def _close(self, payload: bytes) -> None:
        self._out.append(self._calls.octets(CLOSE, payload))
        self.closing = True

    def _bound(self, part: str, made: Any, method: str) -> Any:
        return self._calls.call(part, getattr, made, method)
