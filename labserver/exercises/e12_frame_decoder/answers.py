"""Wrong ideas about a stream of frames: each changes one thing in a decoder that works."""

from __future__ import annotations

from labserver.exercises.e10_mask.exercise import mask
from labserver.practice.given.frames import Frame, ProtocolError

OPCODES = frozenset([0, 1, 2, 8, 9, 10])


class Base:
    """A decoder that works, with a setting for everything that can go wrong."""

    opcodes = OPCODES
    reserved = 0x70
    asks_for_mask = True
    asks_for_no_mask = True
    control_max = 125
    top_bit = True
    early = True

    def __init__(self, role: str, max_payload: int) -> None:
        self.role, self.max = role, max_payload
        self.buffer = b""

    def feed(self, data: bytes) -> list[Frame]:
        self.buffer += data
        out = []
        while (frame := self.next()) is not None:
            out.append(frame)
        return out

    def next(self) -> Frame | None:
        b = self.buffer
        if len(b) < 2:
            return None
        opcode, masked, size = b[0] & 15, b[1] >> 7, b[1] & 127
        if b[0] & self.reserved or opcode not in self.opcodes:
            raise ProtocolError(1002)
        if self.role == "server" and not masked and self.asks_for_mask:
            raise ProtocolError(1002)
        if self.role == "client" and masked and self.asks_for_no_mask:
            raise ProtocolError(1002)
        if opcode >= 8 and size > self.control_max:
            raise ProtocolError(1002)
        start = 2 + {126: 2, 127: 8}.get(size, 0)
        if len(b) < start:
            return None
        size = int.from_bytes(b[2:start]) if start > 2 else size
        if size >> 63 and self.top_bit:
            raise ProtocolError(1002)
        if size > self.max and self.early:
            raise ProtocolError(1009)
        end = start + 4 * masked + size
        if len(b) < end:
            return None
        if size > self.max:
            raise ProtocolError(1009)
        self.buffer = b[end:]
        payload = b[end - size : end]
        return Frame(b[0] > 127, opcode, mask(payload, b[start : start + 4]) if masked else payload)


class OneReadIsOneFrame(Base):
    def feed(self, data: bytes) -> list[Frame]:
        self.buffer = data
        frame = self.next()
        if frame is None:
            raise IndexError("index out of range")
        return [frame]


class ReturnsWhatCame(Base):
    def feed(self, data: bytes) -> list[Frame]:
        self.buffer = data
        if (frame := self.next()) is not None:
            return [frame]
        return [Frame(data[0] > 127, data[0] & 15, data[2:])]


class DropsTheRemainder(Base):
    def feed(self, data: bytes) -> list[Frame]:
        self.buffer += data
        frame = self.next()
        if frame is None:
            return []
        self.buffer = b""
        return [frame]


class ForgetsBetweenReads(Base):
    def feed(self, data: bytes) -> list[Frame]:
        self.buffer = b""
        return super().feed(data)


class AcceptsUnmasked(Base):
    asks_for_mask = False


class AcceptsMasked(Base):
    asks_for_no_mask = False


class AcceptsReservedBits(Base):
    reserved = 0


class AcceptsReservedOpcodes(Base):
    opcodes = frozenset(range(16))


class AcceptsLongPings(Base):
    control_max = 127


class AcceptsTheTopBit(Base):
    top_bit = False


class WaitsForThePayload(Base):
    early = False


class RefusesWholeFrames(Base):
    opcodes = frozenset(range(16))
    reserved = 0
    asks_for_mask = asks_for_no_mask = False
    control_max = 127

    def next(self) -> Frame | None:
        strict = Base(self.role, self.max)
        strict.buffer = self.buffer
        return super().next() and strict.next()


class IntegersForFin(Base):
    def next(self) -> Frame | None:
        frame = super().next()
        return frame and frame._replace(fin=int(frame.fin))  # type: ignore[arg-type]


class ReturnsNothingWhenShort(Base):
    def feed(self, data: bytes) -> list[Frame]:
        return super().feed(data) or None  # type: ignore[return-value]


# Wrong solution → a part of what the learner is told first.
MESSAGES = {
    "OneReadIsOneFrame": "you got part of a frame and raised. TCP has no",
    "ReturnsWhatCame": "you returned a frame before all its bytes had come.",
    "DropsTheRemainder": "you returned one and lost one",
    "ForgetsBetweenReads": "the frame's last byte came, but the frame was not",
    "AcceptsUnmasked": "the server must close with 1002 (RFC 6455 §5.1)",
    "AcceptsMasked": "the client must close with 1002 (RFC 6455 §5.1)",
    "AcceptsReservedBits": "a reserved bit is set",
    "AcceptsReservedOpcodes": "this opcode is reserved",
    "AcceptsLongPings": "at most 125 bytes",
    "AcceptsTheTopBit": "its top bit must be 0",
    "RefusesWholeFrames": "you wait for a payload that will be refused anyway:",
    "WaitsForThePayload": "before it fills your memory",
    "IntegersForFin": "wrong.",
    "ReturnsNothingWhenShort": "wrong.",
}
