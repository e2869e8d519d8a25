"""What is sent and received in the benchmarks, the same on every server."""

from __future__ import annotations

TEXT_BYTES = 274  # as in labserver: a CHAT_MESSAGE of 128 characters with id, offset and time
MARK = b"!"  # once in each message, and nowhere else, not even in a frame's header
TEXT = MARK + b"x" * (TEXT_BYTES - 1)
SPOKEN = b'{"type":"CHAT_MESSAGE","data":{"content":"%s"}}' % (MARK + b"x" * 127)

# The same as a Socket.IO event (Engine.IO 4 message, Socket.IO 5 event), as long as the others.
FRAMING = b'42["chat","%s"]'
IO_TEXT = MARK + b"x" * (TEXT_BYTES - len(FRAMING % MARK))
IO_SPOKEN = FRAMING % (MARK + b"x" * 127)
IO_CONNECT = b"40"

# The same as a block of an event stream, and as a page of messages.
BLOCK = b"id: 0123abcd-1234\nevent: CHAT_MESSAGE\ndata: %s\n\n" % TEXT


def page(after: int, said: int) -> bytes:
    """Return the answer for a client that has `after` of `said` messages."""
    return b'{"events":["%s"],"cursor":"x-%d"}' % (b'","'.join([TEXT] * (said - after)), said)
