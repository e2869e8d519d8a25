"""Wrong ideas about a frame as bytes."""

from __future__ import annotations

import struct

from labserver.exercises.e10_mask.exercise import mask

Key = bytes | None


def _refuse(opcode: int, payload: bytes, fin: bool) -> None:
    if opcode >= 8 and (len(payload) > 125 or not fin):
        raise ValueError(opcode)


def _frame(first: int, length: bytes, payload: bytes, key: Key) -> bytes:
    masked = bytes([length[0] | (0 if key is None else 0x80)]) + length[1:]
    return bytes([first]) + masked + (payload if key is None else key + mask(payload, key))


def _length(size: int, short: int = 125, middle: int = 65535, order: str = "!") -> bytes:
    if size <= short:
        return bytes([size])
    if size <= middle:
        return struct.pack(f"{order}BH", 126, size)
    return struct.pack(f"{order}BQ", 127, size)


def length_126_in_7_bits(op: int, data: bytes, fin: bool = True, key: Key = None) -> bytes:
    _refuse(op, data, fin)
    return _frame(fin << 7 | op, _length(len(data), short=127), data, key)


def mask_bit_missing(op: int, data: bytes, fin: bool = True, key: Key = None) -> bytes:
    _refuse(op, data, fin)
    rest = data if key is None else key + mask(data, key)
    return bytes([fin << 7 | op]) + _length(len(data)) + rest


def masked_in_name_only(op: int, data: bytes, fin: bool = True, key: Key = None) -> bytes:
    _refuse(op, data, fin)
    masked = 0 if key is None else 0x80
    return bytes([fin << 7 | op, masked | len(data)]) + (key or b"") + data


def little_endian(op: int, data: bytes, fin: bool = True, key: Key = None) -> bytes:
    _refuse(op, data, fin)
    return _frame(fin << 7 | op, _length(len(data), order="<"), data, key)


def long_pings(op: int, data: bytes, fin: bool = True, key: Key = None) -> bytes:
    return _frame(fin << 7 | op, _length(len(data)), data, key)


def always_64_bits(op: int, data: bytes, fin: bool = True, key: Key = None) -> bytes:
    _refuse(op, data, fin)
    return _frame(fin << 7 | op, _length(len(data), middle=0), data, key)


def border_at_65535(op: int, data: bytes, fin: bool = True, key: Key = None) -> bytes:
    _refuse(op, data, fin)
    return _frame(fin << 7 | op, _length(len(data), middle=65534), data, key)


def forgets_fin(op: int, data: bytes, fin: bool = True, key: Key = None) -> bytes:
    _refuse(op, data, fin)
    return _frame(0x80 | op, _length(len(data)), data, key)


# Wrong solution → a part of what the learner is told first.
MESSAGES = {
    "length_126_in_7_bits": "126 and 127 are escape values",
    "mask_bit_missing": "must set 0x80 in byte 1",
    "masked_in_name_only": "the key is there, but the payload after it is not",
    "little_endian": "the high byte comes first",
    "long_pings": "must not be sent",
    "always_64_bits": "wrong.",
    "border_at_65535": "wrong.",
    "forgets_fin": "wrong.",
}
