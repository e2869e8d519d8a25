"""Wrong ideas about masking."""

from __future__ import annotations

from itertools import cycle


def zips_payload_and_key(payload: bytes, key: bytes, offset: int = 0) -> bytes:
    return bytes(a ^ b for a, b in zip(payload, key, strict=False))


def ignores_offset(payload: bytes, key: bytes, offset: int = 0) -> bytes:
    if len(key) != 4:
        raise ValueError(key)
    return bytes(a ^ b for a, b in zip(payload, cycle(key), strict=False))


def takes_any_key(payload: bytes, key: bytes, offset: int = 0) -> bytes:
    return bytes(
        b ^ key[(i + offset) % (len(key) or 1)] if key else b for i, b in enumerate(payload)
    )


def fails_on_nothing(payload: bytes, key: bytes, offset: int = 0) -> bytes:
    assert payload
    return bytes(b ^ key[(i + offset) % 4] for i, b in enumerate(payload))


def a_bytearray(payload: bytes, key: bytes, offset: int = 0) -> bytearray:
    return bytearray(b ^ key[(i + offset) % 4] for i, b in enumerate(payload))


def drops_the_rest_of_large_ones(payload: bytes, key: bytes, offset: int = 0) -> bytes:
    if len(key) != 4:
        raise ValueError(key)
    return bytes(b ^ key[(i + offset) % 4] for i, b in enumerate(payload[:65536]))


# Wrong solution → a part of what the learner is told first.
MESSAGES = {
    "zips_payload_and_key": "only the first 4 bytes came back",
    "ignores_offset": "you restarted the key at 0",
    "takes_any_key": "must not be used",
    "fails_on_nothing": "wrong.",
    "a_bytearray": "wrong.",
    "drops_the_rest_of_large_ones": "wrong.",
}
