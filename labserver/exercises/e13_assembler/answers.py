"""Wrong ideas about fragments: each changes one thing in an assembler that works."""

from __future__ import annotations

from typing import Any

from labserver.practice.given.frames import Close, Frame, Message, Pong, ProtocolError

Out = list[Message | Pong | Close]


class Base:
    """An assembler that works; what can go wrong has its own method."""

    def __init__(self) -> None:
        self.kind: int | None = None
        self.buffer = b""
        self.closed = False

    def on_frame(self, frame: Frame) -> Out:
        if self.closed:
            return []
        return self.control(frame) if frame.opcode >= 8 else self.data(frame)

    def control(self, frame: Frame) -> Out:
        if not frame.fin:
            raise ProtocolError(1002)
        if frame.opcode == 8:
            self.closed = True
            return [Close(frame.payload)]
        return [Pong(frame.payload)] if frame.opcode == 9 else []

    def data(self, frame: Frame) -> Out:
        if frame.opcode == 0 and not self.is_open():
            raise ProtocolError(1002)
        if frame.opcode:
            self.begin(frame)
        self.buffer += frame.payload
        return self.finish(frame) if frame.fin else []

    def is_open(self) -> bool:
        return self.kind is not None

    def begin(self, frame: Frame) -> None:
        if self.is_open():
            raise ProtocolError(1002)
        self.kind = frame.opcode

    def finish(self, frame: Frame) -> Out:
        message = Message(self.kind or 0, self.buffer)
        self.kind, self.buffer = None, b""
        return [message]


class PingIntoTheMessage(Base):
    def control(self, frame: Frame) -> Out:
        if self.is_open():
            self.buffer += frame.payload
        return super().control(frame)


class NewTextStartsOver(Base):
    def begin(self, frame: Frame) -> None:
        self.kind, self.buffer = frame.opcode, b""


class NewTextGoesOn(Base):
    def begin(self, frame: Frame) -> None:
        self.kind = frame.opcode


class ContinuesNothing(Base):
    def data(self, frame: Frame) -> Out:
        if frame.opcode == 0 and not self.is_open():
            self.kind = 1
        return super().data(frame)


class FragmentedPing(Base):
    def control(self, frame: Frame) -> Out:
        return super().control(frame._replace(fin=True))


class PingsWait(Base):
    def __init__(self) -> None:
        super().__init__()
        self.waiting: Out = []

    def control(self, frame: Frame) -> Out:
        out = super().control(frame)
        if not self.is_open() or frame.opcode == 8:
            return out
        self.waiting += out
        return []

    def finish(self, frame: Frame) -> Out:
        waited, self.waiting = self.waiting, []
        return super().finish(frame) + waited


class NothingBetween(Base):
    def control(self, frame: Frame) -> Out:
        if self.is_open():
            raise ProtocolError(1002)
        return super().control(frame)


class AnswersPongs(Base):
    def control(self, frame: Frame) -> Out:
        return super().control(frame._replace(opcode=9) if frame.opcode == 10 else frame)


class LastFramesOpcode(Base):
    def finish(self, frame: Frame) -> Out:
        self.kind = frame.opcode
        return super().finish(frame)


class NeverEmptiesTheBuffer(Base):
    def finish(self, frame: Frame) -> Out:
        message = Message(self.kind or 0, self.buffer)
        self.kind = None
        return [message]


class AsksTheBuffer(Base):
    def is_open(self) -> bool:
        return bool(self.buffer)


class GoesOnAfterClose(Base):
    def on_frame(self, frame: Frame) -> Out:
        self.closed = False
        return super().on_frame(frame)


class CloseEndsTheMessage(Base):
    def control(self, frame: Frame) -> Out:
        if frame.opcode == 8 and self.is_open():
            return [*self.finish(frame), *super().control(frame)]
        return super().control(frame)


class ErrorOfItsOwn(Base):
    def begin(self, frame: Frame) -> None:
        if self.is_open():
            raise ValueError("a message is open")
        self.kind = frame.opcode


class TextAsStr(Base):
    def finish(self, frame: Frame) -> Out:
        (message,) = super().finish(frame)
        text: Any = message.payload.decode("latin-1")
        return [message._replace(payload=text)]


# Wrong solution → a part of what the learner is told first.
MESSAGES = {
    "PingIntoTheMessage": "leave the buffer alone",
    "NewTextStartsOver": "inside an unfinished one is a protocol error: 1002",
    "NewTextGoesOn": "inside an unfinished one is a protocol error: 1002",
    "ContinuesNothing": "there is no message for this frame to continue: a",
    "FragmentedPing": "FIN must be set",
    "PingsWait": "Answer at once",
    "NothingBetween": "control frames may come between fragments: that is",
    "AnswersPongs": "a pong is not answered",
    "LastFramesOpcode": "a message has the opcode of its first frame; 0 is",
    "NeverEmptiesTheBuffer": "this message contains parts of the previous one.",
    "AsksTheBuffer": "an empty fragment opens a message",
    "GoesOnAfterClose": "the peer has closed: discard everything after its",
    "CloseEndsTheMessage": "wrong.",
    "ErrorOfItsOwn": "wrong.",
    "TextAsStr": "wrong.",
}
