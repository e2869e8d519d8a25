from __future__ import annotations

from labserver.wire.message import Kind, Message
from labserver.wire.tape import Direction


def test_what_is_not_payload_is_overhead() -> None:
    message = Message(
        number=1,
        kind=Kind.WEBSOCKET_FRAME,
        connection=1,
        direction=Direction.DOWN,
        began=0.0,
        sent=0.0,
        arrived=0.0,
        raw=b"\x81\x05Hello",
        payload=5,
    )
    assert message.overhead == 2
