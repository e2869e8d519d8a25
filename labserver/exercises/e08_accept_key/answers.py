"""Wrong ideas about the accept key."""

from __future__ import annotations

import base64
import hashlib

from labserver.wire.websocket_accept import GUID


def hexdigest_then_base64(key: str) -> str:
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).hexdigest().encode()).decode()


def lower_case_guid(key: str) -> str:
    return base64.b64encode(hashlib.sha1((key + GUID.lower()).encode()).digest()).decode()


def guid_first(key: str) -> str:
    return base64.b64encode(hashlib.sha1((GUID + key).encode()).digest()).decode()


def decoded_key(key: str) -> str:
    raw = base64.b64decode(key) + GUID.encode()
    return base64.b64encode(hashlib.sha1(raw).digest()).decode()


def bytes_instead_of_text(key: str) -> bytes:
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest())


def knows_the_example(key: str) -> str:
    return "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


# Wrong solution → a part of what the learner is told first.
MESSAGES = {
    "hexdigest_then_base64": "the 40 hexadecimal digits of the digest, not its 20 bytes",
    "lower_case_guid": "The GUID is a fixed string in upper case (RFC 6455 §1.3)",
    "guid_first": "but of another text",
    "decoded_key": "you decoded the key first",
    "bytes_instead_of_text": "wrong.",
    "knows_the_example": "but of another text",
}
