"""Sec-WebSocket-Accept: what a server makes of a client's key (RFC 6455 §1.3, §4.2.2).

No secret is in it: who can read the request can compute it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3; it stands nowhere else
KEY_BYTES = 16  # that a key stands for (RFC 6455 §4.1)


@dataclass(frozen=True, slots=True)
class AcceptStep:
    """One step from the key to the answer.

    Attributes:
        what: is done in this step.
        text: its result as a person reads it; bytes that are no text as hex.
        data: its result.
    """

    what: str
    text: str
    data: bytes

    def __str__(self) -> str:
        return f"{self.what}: {self.text}"


def accept_key(key: str) -> str:
    """The Sec-WebSocket-Accept that answers a Sec-WebSocket-Key.

    Args:
        key: as it was sent. The hash is over this text, not over the bytes it stands for.

    Raises:
        UnicodeEncodeError: if it cannot stand in a header.
    """
    return base64.b64encode(_digest(key)).decode()


def accept_steps(key: str) -> tuple[AcceptStep, ...]:
    """The way from a Sec-WebSocket-Key to its Sec-WebSocket-Accept, step by step.

    Args:
        key: as it was sent.

    Returns:
        The key; what it decodes to, which is shown and not used; key and GUID together; the
        SHA-1 digest of that; its Base64.

    Raises:
        UnicodeEncodeError: if the key cannot stand in a header.
    """
    digest = _digest(key)
    accept = accept_key(key)
    nonce = key_bytes(key)
    return (
        AcceptStep("the key, as it was sent", key, _octets(key)),
        AcceptStep(
            "decoded from Base64 (not used: the hash is over the text)",
            "it is no Base64" if nonce is None else nonce.hex(" "),
            nonce or b"",
        ),
        AcceptStep("the key's text, and the GUID after it", key + GUID, _octets(key + GUID)),
        AcceptStep("SHA-1 of that, 20 bytes", digest.hex(" "), digest),
        AcceptStep("Base64 of those 20 bytes", accept, accept.encode()),
    )


def key_bytes(key: str) -> bytes | None:
    """What a key stands for, which must be 16 bytes; None: it is no Base64."""
    try:
        return base64.b64decode(_octets(key), validate=True)
    except binascii.Error:
        return None


def _digest(key: str) -> bytes:
    return hashlib.sha1(_octets(key + GUID), usedforsecurity=False).digest()


def _octets(text: str) -> bytes:
    """A header's text as bytes, and each byte as it was (RFC 9110 §5.5)."""
    return text.encode("latin-1")
