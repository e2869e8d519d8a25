"""E08: the value of Sec-WebSocket-Accept."""

from __future__ import annotations

import base64
import hashlib
import random
from collections.abc import Iterator

from labserver.exercises.e08_accept_key.play import TYPES, play
from labserver.practice.checking.exercise import Case, Diagnosis, Exercise, Failure
from labserver.wire.websocket_accept import GUID, accept_key

RULE = "RFC 6455 §4.2.2, step 5.4: the SHA-1 digest of key and GUID, in base64"

STUB = '''\
def accept_key(key: str) -> str:
    """Return the Sec-WebSocket-Accept value for a Sec-WebSocket-Key."""
    raise NotImplementedError
'''


def cases() -> Iterator[Case]:
    """RFC 6455's own example, then keys of 16 random bytes."""
    yield Case(("dGhlIHNhbXBsZSBub25jZQ==",), RULE, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    draws = random.Random(8)
    for _ in range(20):
        yield Case((base64.b64encode(draws.randbytes(16)).decode(),), RULE)


def is_hexdigest(failure: Failure) -> bool:
    """Whether 40 hexadecimal digits were encoded."""
    digest = hashlib.sha1((failure.given[0] + GUID).encode()).hexdigest()
    return failure.actual in (base64.b64encode(digest.encode()).decode(), digest)


def has_other_guid(failure: Failure) -> bool:
    """Whether it is the right sum of the wrong text."""
    return (
        type(failure.actual) is str and len(base64.b64decode(failure.actual, validate=True)) == 20
    )


def decodes_the_key(failure: Failure) -> bool:
    """Whether the key's 16 bytes were taken instead of its text."""
    raw = base64.b64decode(failure.given[0]) + GUID.encode()
    return bool(failure.actual == base64.b64encode(hashlib.sha1(raw).digest()).decode())


EXERCISE = Exercise(
    id="E08",
    name="accept_key",
    title="the accept key",
    lesson=4,
    points=1,
    questions=(1,),
    stub=STUB,
    cases=cases,
    reference=accept_key,
    play=play,
    types=TYPES,
    hints=(
        "What does RFC 6455 §1.3 append to the key, before anything is computed?",
        "Base64 of the 20 bytes of the SHA-1 digest of key + GUID, not of its hexadecimal form."
        " The GUID is in RFC 6455 §1.3.",
        "base64.b64encode(hashlib.sha1((key + GUID).encode()).____()).decode()",
    ),
    follow_up=(
        "Does this prove who the server is?",
        "No. The computation contains no secret, so anybody can do it. It proves that the "
        "response was made for this very request by something that understands WebSocket, "
        "and not by a cache or by a server that merely echoes. Only TLS proves who the "
        "server is.",
    ),
    diagnoses=(
        Diagnosis(
            "you encoded the 40 hexadecimal digits of the digest, not its 20 bytes.", is_hexdigest
        ),
        Diagnosis(
            "you decoded the key first. It goes into the digest as the text from the header.",
            decodes_the_key,
        ),
        Diagnosis(
            "this is a digest, but of another text. The GUID is a fixed string in upper case"
            " (RFC 6455 §1.3), and comes after the key.",
            has_other_guid,
        ),
    ),
)
