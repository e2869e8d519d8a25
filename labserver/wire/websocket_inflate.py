"""permessage-deflate (RFC 7692), inflated for display within bounds.

A message may inflate to a thousand times its size. Past `INFLATED_MAX` it is cut off; then later
messages cannot be inflated either if they refer to it (context takeover).
"""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterator

from labserver.wire.websocket_frame import Inflated

INFLATED_MAX = 4 * 1024 * 1024  # bytes of one message; a chat message has at most 64 KiB
KEPT = 16 * 1024  # bytes of a frame that are kept for display
STEP = 64 * 1024  # bytes inflated at a time
TAIL = b"\x00\x00\xff\xff"  # the sender removes it (RFC 7692 §7.2.1)


def negotiated(extensions: str, side: str) -> bool | None:
    """Return what a 101's `Sec-WebSocket-Extensions` says about the frames that `side` sends.

    Args:
        extensions: the header field's value.
        side: `client` or `server`.

    Returns:
        Whether the context is taken over from message to message; None if nothing is
        compressed.
    """
    for extension in extensions.lower().split(","):
        name, *parameters = (part.strip() for part in extension.split(";"))
        if name == "permessage-deflate":
            return f"{side}_no_context_takeover" not in parameters
    return None


class Inflater:
    """Inflates what one side sends, one message at a time.

    Args:
        takeover: whether a message may refer to those before it.
    """

    def __init__(self, takeover: bool) -> None:
        self._takeover = takeover
        self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
        self._lost = ""  # why nothing can be inflated any more
        self._size = 0  # of the message so far
        self._utf8: codecs.IncrementalDecoder | None = None
        self.error = ""

    def begin(self, is_text: bool) -> None:
        """Begin a message."""
        if not self._takeover:
            self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
            self._lost = ""
        self._size = 0
        self._utf8 = codecs.getincrementaldecoder("utf-8")() if is_text else None

    def inflate(self, data: bytes, *, final: bool) -> Inflated:
        """Return a frame's payload, inflated; `error` then says what is wrong with it."""
        self.error = self._lost
        if self._lost:
            return Inflated(0, b"")
        start, size = bytearray(), 0
        try:
            for piece in self._pieces(data + TAIL if final else data):
                size += len(piece)
                start += piece[: KEPT - len(start)]
                self._check(piece)
            if final:
                self._check(b"", final=True)
        except zlib.error:
            self._lose("the payload is not DEFLATE data (RFC 1951)")
        return Inflated(size, bytes(start))

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        while True:
            limit = min(STEP, INFLATED_MAX + 1 - self._size)
            piece = self._stream.decompress(data, limit)
            self._size += len(piece)
            yield piece
            if self._size > INFLATED_MAX:
                self._lose(f"inflates to more than {INFLATED_MAX:,} bytes: cut off")
                return
            if self._stream.eof:  # a block says that it is the last (RFC 7692 §7.2.3.5)
                data = self._stream.unused_data
                self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
                if TAIL.endswith(data):
                    return
            else:
                data = self._stream.unconsumed_tail
                if not data and len(piece) < limit:
                    return

    def _lose(self, error: str) -> None:
        self.error = error
        self._lost = "not inflated, as an earlier part could not be"

    def _check(self, piece: bytes, *, final: bool = False) -> None:
        if self._utf8 is None:
            return
        try:
            self._utf8.decode(piece, final)
        except UnicodeDecodeError:
            self._utf8 = None
            self.error = self.error or "the inflated text is not UTF-8 (§8.1)"
