"""The frame layer of HTTP/2 (RFC 9113 §4), with the header lists that HPACK gives (RFC 7541).

Header compression refers to what was sent before in the same direction. So once a header block
is broken, later ones cannot be read either, and their frames say so.
"""

from __future__ import annotations

import hpack

from labserver.wire.decoder import UndecodedStream, cut_off
from labserver.wire.http2_frame import (
    ACK,
    CONTINUATION,
    END_HEADERS,
    HEAD,
    HEADERS,
    PREFACE,
    PUSH_PROMISE,
    SETTINGS,
    Fields,
    Http2Frame,
    settings,
)
from labserver.wire.message import Decoded
from labserver.wire.tape import Direction

FRAME_MAX = 1024 * 1024  # bytes; without SETTINGS_MAX_FRAME_SIZE it is 16 KiB (§4.2)
BLOCK_MAX = 256 * 1024  # bytes of a header block over all its CONTINUATION frames
TABLE_MAX = 64 * 1024  # bytes of HPACK's dynamic table; the default is 4 KiB

_LOST = "the header block is not read, as an earlier one was broken"


class Http2Decoder:
    """Decodes both directions of a connection."""

    def __init__(self) -> None:
        self._readers = {
            direction: _FrameReader(preface=direction is Direction.UP) for direction in Direction
        }

    def feed(self, direction: Direction, data: bytes) -> list[tuple[Direction, Decoded]]:
        """Return the frames that `data` completes, each with its direction."""
        reader = self._readers[direction]
        decoded = reader.feed(data)
        other = self._readers[Direction.DOWN if direction is Direction.UP else Direction.UP]
        for frame in decoded:
            if isinstance(frame, Http2Frame) and not frame.is_preface and frame.type == SETTINGS:
                other.heed(settings(frame.raw))
        return [(direction, frame) for frame in decoded]

    def end(self, direction: Direction, *, clean: bool) -> list[tuple[Direction, Decoded]]:
        """Return what is left, as no more will come in this direction."""
        return [(direction, rest) for rest in self._readers[direction].end()]


class _FrameReader:
    """Reads the frames of one direction."""

    def __init__(self, *, preface: bool) -> None:
        self._preface = preface
        self._held = bytearray()
        self._undecoded: UndecodedStream | None = None
        self._frame_max = 2**14
        self._hpack = hpack.Decoder()
        self._block: bytearray | None = None  # a header block that has begun
        self._broken = False

    def heed(self, values: dict[str, int]) -> None:
        """Apply the settings of the peer, which say what it accepts from this direction."""
        self._frame_max = values.get("MAX_FRAME_SIZE", self._frame_max)
        if (size := values.get("HEADER_TABLE_SIZE")) is not None:
            self._hpack.max_allowed_table_size = min(size, TABLE_MAX)

    def feed(self, data: bytes) -> list[Decoded]:
        if self._undecoded is not None:
            return self._undecoded.feed(data)
        held = self._held
        held += data
        decoded: list[Decoded] = []
        if self._preface and len(held) >= len(PREFACE):
            self._preface = False
            if not held.startswith(PREFACE):
                return self._give_up("byte 0: not the connection preface (§3.4)")
            decoded.append(Http2Frame(PREFACE))
            del held[: len(PREFACE)]
        while len(held) >= HEAD and not self._preface:
            length = int.from_bytes(held[:3], "big")
            if length > FRAME_MAX:
                return decoded + self._give_up(
                    f"byte 0: a frame of {length:,} bytes is not read (§4.2)"
                )
            if len(held) < HEAD + length:
                break
            raw = bytes(held[: HEAD + length])
            del held[: HEAD + length]
            decoded.append(self._look(Http2Frame(raw)))
        return decoded

    def end(self) -> list[Decoded]:
        if self._undecoded is not None:
            return self._undecoded.end()
        rest, self._held = bytes(self._held), bytearray()
        return cut_off(rest, "an HTTP/2 frame")

    def _give_up(self, error: str) -> list[Decoded]:
        self._undecoded = UndecodedStream(error)
        return self._undecoded.feed(bytes(self._held))

    def _look(self, frame: Http2Frame) -> Http2Frame:
        errors = []
        if frame.size - HEAD > self._frame_max:
            errors.append(f"byte 0: longer than the {self._frame_max:,} bytes allowed (§4.2)")
        if self._block is not None and frame.type != CONTINUATION:
            errors.append("byte 3: CONTINUATION must follow an unfinished header block (§6.10)")
            self._block, self._broken = None, True
        fields: Fields = ()
        if frame.type in (HEADERS, PUSH_PROMISE, CONTINUATION):
            fields, error = self._read_block(frame)
            errors += [error] if error else []
        elif frame.type == SETTINGS and not _is_settings(frame):
            errors.append("byte 0: SETTINGS has a wrong length (§6.5)")
        return Http2Frame(frame.raw, "; ".join(errors), fields)

    def _read_block(self, frame: Http2Frame) -> tuple[Fields, str]:
        start, end = frame.body
        if frame.type != CONTINUATION:
            self._block = bytearray()
        elif self._block is None:
            return (), "byte 3: CONTINUATION of nothing (§6.10)"
        assert self._block is not None
        self._block += frame.raw[start:end]
        if len(self._block) > BLOCK_MAX:
            self._block, self._broken = None, True
            return (), f"byte {start}: a header block of more than {BLOCK_MAX:,} bytes"
        if not frame.raw[4] & END_HEADERS:
            return (), ""
        block, self._block = bytes(self._block), None
        if self._broken:
            return (), f"byte {start}: {_LOST}"
        try:
            decoded = self._hpack.decode(block, raw=True)
        except hpack.HPACKError as error:
            self._broken = True
            return (), f"byte {start}: the header block is broken: {error} (RFC 7541)"
        return tuple((_text(name), _text(value)) for name, value, *_ in decoded), ""


def _is_settings(frame: Http2Frame) -> bool:
    length = frame.size - HEAD
    return length == 0 if frame.raw[4] & ACK else length % 6 == 0


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")
