"""WebSocket frames (RFC 6455 §5) of both directions, however the bytes are cut.

A frame with something wrong has an error, and reading goes on, as the header alone tells where
the frame ends. Only a length that nobody would send ends the reading: nothing after it can be
trusted. Payloads are unmasked by the C extension of the websockets library.
"""

from __future__ import annotations

import codecs

from labserver.wire.decoder import UndecodedStream, cut_off
from labserver.wire.message import Decoded
from labserver.wire.preview import byte_count
from labserver.wire.tape import Direction
from labserver.wire.websocket_frame import (
    BINARY,
    CLOSE,
    CONTINUATION,
    OPCODES,
    TEXT,
    Frame,
    Inflated,
    close_name,
    masked_with,
)
from labserver.wire.websocket_inflate import Inflater, negotiated

FRAME_MAX = 16 * 1024 * 1024  # bytes; the default of websockets is 1 MiB
HELD_PIECES = 1000  # of a frame that may be held before they are joined
COPY_MAX = 1024  # bytes; for less, a slice costs less than a view

SHORTEST = {126: 126, 127: 65536}  # the least that an extended length may be (§5.2)

_TEXT_ALONE, _BINARY_ALONE = 0x80 | TEXT, 0x80 | BINARY


class WebSocketDecoder:
    """Decodes both directions of a connection after its 101.

    Args:
        extensions: the `Sec-WebSocket-Extensions` of the 101.
    """

    def __init__(self, extensions: str = "") -> None:
        self._readers = {
            Direction.UP: FrameReader(masked=True, takeover=negotiated(extensions, "client")),
            Direction.DOWN: FrameReader(masked=False, takeover=negotiated(extensions, "server")),
        }

    def feed(self, direction: Direction, data: bytes) -> list[tuple[Direction, Decoded]]:
        """Return the frames that `data` completes, each with its direction."""
        return [(direction, frame) for frame in self._readers[direction].feed(data)]

    def end(self, direction: Direction, *, clean: bool) -> list[tuple[Direction, Decoded]]:
        """Return what is left, as no more will come in this direction."""
        return [(direction, rest) for rest in self._readers[direction].end()]


class FrameReader:
    """Reads the frames of one direction.

    Args:
        masked: whether the frames must be masked, as a client's must (§5.1).
        takeover: whether compression takes over its context; None if nothing is compressed.
    """

    def __init__(self, *, masked: bool, takeover: bool | None = None) -> None:
        self._mask = 0x80 if masked else 0
        self._inflater = None if takeover is None else Inflater(takeover)
        self._held: list[bytes | bytearray] = []  # the pieces of a frame that is not complete yet
        self._held_size = 0
        self._need = 2  # bytes that must be there before reading is worth while
        self._undecoded: UndecodedStream | None = None
        self._number = 0  # of the current message, or of the last one
        self._open = False  # a message has begun, and its last frame has not come yet
        self._compressed = False  # the current message is compressed
        self._closed = False  # a close frame has come
        self._utf8: codecs.IncrementalDecoder | None = None  # of an open text message

    def feed(self, data: bytes) -> list[Decoded]:
        """Return the frames that `data` completes."""
        if not self._held:
            return self._read(data, 0)
        decoded: list[Decoded] = []
        start = 0
        while self._held and self._held_size + len(data) - start >= self._need:
            # Only the frame that has begun is joined, as copying costs most.
            end = start + self._need - self._held_size
            first = b"".join((*self._held, data[start:end]))
            self._held.clear()
            self._held_size = 0
            decoded += self._read(first, 0)
            start = end
        if not self._held:
            return decoded + self._read(data, start)
        self._hold(data[start:])
        return decoded

    def _hold(self, data: bytes) -> None:
        self._held.append(data)
        self._held_size += len(data)
        if len(self._held) > HELD_PIECES:
            first, *others = self._held
            together = first if isinstance(first, bytearray) else bytearray(first)
            together += b"".join(others)
            self._held = [together]

    def _read(self, data: bytes, start: int) -> list[Decoded]:
        """Read the frames in `data` from `start` on, and hold what is left.

        This is the inner loop of a trace, and a call per frame would cost a third of its time. So
        the header is parsed here (§5.2), and ordinary frames, which are whole messages without a
        fault, are made here; `_look` checks all others.
        """
        if self._undecoded is not None:
            return self._undecoded.feed(data[start:])
        decoded: list[Decoded] = []
        size, need = len(data), 2
        while size - start >= 2:
            first, second = data[start], data[start + 1]
            body, length, is_shortest = start + 2, second & 0x7F, True
            if length >= 126:
                body += 2 if length == 126 else 8
                if body > size:
                    need = body - start
                    break
                least = SHORTEST[length]
                length = int.from_bytes(data[start + 2 : body], "big")
                is_shortest = length >= least
            if second & 0x80:
                body += 4  # the masking key
            end = body + length
            if end > size:
                need = (end if length <= FRAME_MAX else body) - start
                if length <= FRAME_MAX or body > size:
                    break
            if length > FRAME_MAX:
                return decoded + self._give_up(data, start, body, length)
            if not second & 0x80:
                payload = data[body:end]
            elif length < COPY_MAX:
                payload = masked_with(data[body:end], data[body - 4 : body])
            else:
                payload = masked_with(memoryview(data)[body:end], data[body - 4 : body])
            head = data[start:body]
            start = end
            if (
                is_shortest
                and second & 0x80 == self._mask
                and not self._open
                and not self._closed
                and (
                    (first == _TEXT_ALONE and (payload.isascii() or _is_utf8(payload)))
                    or first == _BINARY_ALONE
                )
            ):
                self._number += 1
                decoded.append(Frame(head, payload, self._number))
            else:
                decoded.append(self._look(Frame(head, payload)))
        self._need = need
        if start < size:
            self._hold(data[start:])
        return decoded

    def end(self) -> list[Decoded]:
        """Return what is left, as no more will come."""
        if self._undecoded is not None:
            return self._undecoded.end()
        rest = cut_off(b"".join(self._held), f"a frame of {byte_count(self._need)}")
        self._held.clear()
        self._held_size = 0
        return rest

    def _give_up(self, data: bytes, start: int, body: int, length: int) -> list[Decoded]:
        """Return the header of a frame whose length is absurd, and the rest as unknown bytes."""
        error = f"byte 2: declares {byte_count(length)}; more than {FRAME_MAX:,} are not read"
        if length >> 63:
            error += "; the first bit of a length must be 0 (§5.2)"
        self._undecoded = UndecodedStream("what follows a frame that is not read")
        return [Frame(data[start:body], b"", error=error), *self._undecoded.feed(data[body:])]

    def _look(self, frame: Frame) -> Frame:
        """Check a frame that is a fragment, a control frame, or wrong in some way."""
        errors = self._head_errors(frame)
        number, inflated = 0, None
        if frame.opcode >= CLOSE or frame.opcode not in OPCODES:
            if frame.opcode == CLOSE:
                self._closed = True
                errors += _close_errors(frame)
        else:
            begins = frame.opcode != CONTINUATION or not self._open
            if begins:
                self._begin(frame)
            self._open = not frame.fin
            number = self._number
            if self._compressed and self._inflater is not None:
                inflated = self._inflate(frame, errors)
            elif self._utf8 is not None:
                errors += self._text_errors(frame)
        return Frame(frame.head, frame.data, number, "; ".join(errors), inflated)

    def _begin(self, frame: Frame) -> None:
        self._number += 1
        is_text = frame.opcode == TEXT
        self._compressed = self._inflater is not None and bool(frame.rsv & 4)
        self._utf8 = None
        if self._compressed and self._inflater is not None:
            self._inflater.begin(is_text)
        elif is_text:
            self._utf8 = codecs.getincrementaldecoder("utf-8")()

    def _head_errors(self, frame: Frame) -> list[str]:
        opcode, length, short = frame.opcode, frame.length, frame.head[1] & 0x7F
        is_control = opcode >= CLOSE
        errors = []
        rsv = frame.rsv
        if self._inflater is not None and not is_control and opcode != CONTINUATION:
            rsv &= 3  # RSV1 says that the message is compressed (RFC 7692 §6)
        if rsv:
            errors.append(
                f"byte 0: RSV is {rsv:03b}, but no extension was negotiated that uses it (§5.2)"
            )
        if opcode not in OPCODES:
            errors.append(f"byte 0: opcode 0x{opcode:x} is reserved (§5.2)")
        elif is_control:
            if not frame.fin:
                errors.append("byte 0: a control frame must not be fragmented (§5.5)")
        elif opcode == CONTINUATION and not self._open:
            errors.append("byte 0: continues a message that has not begun (§5.4)")
        elif opcode != CONTINUATION and self._open:
            errors.append("byte 0: begins a message before the last one has ended (§5.4)")
        if self._closed:
            errors.append("byte 0: after a close frame no other may follow (§5.5.1)")
        if frame.head[1] & 0x80 != self._mask:
            who = "a client must mask its frames" if self._mask else "a server must not mask"
            errors.append(f"byte 1: {who} (§5.1)")
        if is_control and length > 125:
            errors.append(f"byte 1: a control frame has at most 125 bytes, not {length:,} (§5.5)")
        if short >= 126 and length < SHORTEST[short]:
            errors.append(f"byte 1: a length of {length:,} has a shorter form (§5.2)")
        return errors

    def _inflate(self, frame: Frame, errors: list[str]) -> Inflated:
        assert self._inflater is not None
        inflated = self._inflater.inflate(frame.data, final=frame.fin)
        if self._inflater.error:
            errors.append(f"byte {len(frame.head)}: {self._inflater.error}")
        return inflated

    def _text_errors(self, frame: Frame) -> list[str]:
        assert self._utf8 is not None
        before = len(self._utf8.getstate()[0])  # of a character that began in the last frame
        try:
            self._utf8.decode(frame.data, frame.fin)
        except UnicodeDecodeError as error:
            self._utf8 = None  # one error per message is enough
            at = len(frame.head) + max(0, error.start - before)
            return [f"byte {at}: not UTF-8: {error.reason} (§8.1)"]
        return []


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _close_errors(frame: Frame) -> list[str]:
    """Return what is wrong with the payload of a close frame (§5.5.1, §7.4)."""
    start, code = len(frame.head), frame.close_code
    if code is None:
        return [f"byte {start}: half a close code (§5.5.1)"] if frame.data else []
    errors = []
    if code in (1005, 1006, 1015):
        errors.append(f"byte {start}: {code} {close_name(code)} is never sent (§7.4.1)")
    elif not 1000 <= code < 5000 or close_name(code) == "unknown":
        errors.append(f"byte {start}: close code {code} is not defined (§7.4)")
    try:
        frame.data[2:].decode()
    except UnicodeDecodeError as error:
        errors.append(f"byte {start + 2 + error.start}: the reason is not UTF-8 (§5.5.1)")
    return errors
