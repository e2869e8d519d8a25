"""Sec-WebSocket-Accept: how a server answers a client's key (RFC 6455 §1.3, §4.2.2).

It contains no secret: anyone who can read the request can compute it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3; it has no other use
KEY_BYTES = 16  # which a key encodes (RFC 6455 §4.1)


@dataclass(frozen=True, slots=True)
class AcceptStep:
    """One step from the key to the answer.

    Attributes:
        what: what is done in this step.
        text: the result as a person reads it; in hex if it is not text.
        data: the result.
    """

    what: str
    text: str
    data: bytes


def accept_key(key: str) -> str:
    """Return the Sec-WebSocket-Accept that answers a Sec-WebSocket-Key (RFC 6455 §4.2.2).

    Args:
        key: as it was sent. This text is hashed, and not the bytes that it encodes.

    Raises:
        UnicodeEncodeError: if it contains a character that a header field cannot have.
    """
    return base64.b64encode(_digest(key)).decode()


def accept_steps(key: str) -> tuple[AcceptStep, ...]:
    """Return the steps from a Sec-WebSocket-Key to its Sec-WebSocket-Accept.

    Args:
        key: as it was sent.

    Returns:
        Five steps: the key; what it decodes to, which is not used; the key with the GUID appended;
        the SHA-1 digest of that; the digest in Base64.

    Raises:
        UnicodeEncodeError: if the key contains a character that a header field cannot have.
    """
    digest = _digest(key)
    accept = accept_key(key)
    nonce = key_bytes(key)
    return (
        AcceptStep("the key, as it was sent", key, _octets(key)),
        AcceptStep(
            "decoded from Base64 (not used: the hash is over the text)",
            "it is not Base64" if nonce is None else nonce.hex(" "),
            nonce or b"",
        ),
        AcceptStep("the key's text, and the GUID after it", key + GUID, _octets(key + GUID)),
        AcceptStep("SHA-1 of that, 20 bytes", digest.hex(" "), digest),
        AcceptStep("Base64 of those 20 bytes", accept, accept.encode()),
    )


def key_bytes(key: str) -> bytes | None:
    """Return the bytes that a key encodes, which must be 16; None if it is not Base64."""
    try:
        return base64.b64decode(_octets(key), validate=True)
    except binascii.Error:
        return None


def _digest(key: str) -> bytes:
    return hashlib.sha1(_octets(key + GUID), usedforsecurity=False).digest()


def _octets(text: str) -> bytes:
    """Return a header field's text as the bytes that were sent (RFC 9110 §5.5)."""
    return text.encode("latin-1")
