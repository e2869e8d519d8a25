"""A trace as one file: what was on the wire, compressed.

    `LABTRACE`, one byte for the version, then zlib (RFC 1950) of msgpack: the server's port and
    the pieces, with their times as differences to the piece before.

A file may come from anywhere: sizes are checked before anything is stored, and what is read is
checked against its types. A file is written under another name and then renamed.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec

from labserver.atomic_file import write_atomically
from labserver.errors import LabError
from labserver.wire.tape import LIMIT_BYTES, LIMIT_PIECES, Direction, Piece, PieceKind

MAGIC = b"LABTRACE"
VERSION = 1
INFLATED_MAX = (
    LIMIT_BYTES + 48 * LIMIT_PIECES
)  # bytes; a piece has at most 48 bytes besides its data
FILE_MAX = INFLATED_MAX + 1024 * 1024  # incompressible data grows a little

Natural = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
Time = Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)]


class _SavedPiece(
    msgspec.Struct, array_like=True, frozen=True, gc=False, forbid_unknown_fields=True
):
    """A piece; `under_way` is how long it travelled, -1 if it never arrives."""

    after: Time  # since the piece before was sent
    under_way: Annotated[int, msgspec.Meta(ge=-1, le=2**62)]
    connection: Annotated[int, msgspec.Meta(ge=0, le=2**31)]
    direction: Direction
    kind: PieceKind
    size: Natural
    data: bytes


class _SavedTrace(msgspec.Struct, frozen=True):
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)]
    pieces: Annotated[list[_SavedPiece], msgspec.Meta(max_length=LIMIT_PIECES)]
    began_ns: Time | None = None  # since 1970; files of older versions do not say it


def write_trace(
    path: Path, pieces: Sequence[Piece], port: int, began_ns: int | None = None
) -> Path:
    """Write pieces to a file, completely or not at all.

    Args:
        path: the file.
        pieces: what was on the tape.
        port: the server's.
        began_ns: when the tape began, in nanoseconds since 1970; None if that is not known.

    Raises:
        LabError: if it cannot be written.
    """
    kept, last = [], 0
    for piece in pieces:
        under_way = -1 if piece.arrived_ns < 0 else max(0, piece.arrived_ns - piece.sent_ns)
        kept.append(
            _SavedPiece(
                piece.sent_ns - last,
                under_way,
                piece.connection,
                piece.direction,
                piece.kind,
                piece.size,
                piece.data,
            )
        )
        last = piece.sent_ns
    body = zlib.compress(msgspec.msgpack.encode(_SavedTrace(port, kept, began_ns)), 6)
    return write_whole(path, MAGIC + bytes([VERSION]) + body)


def read_trace(path: Path) -> tuple[list[Piece], int, int | None]:
    """Read the pieces of a file, the server's port, and when the tape began, if that is known.

    Raises:
        LabError: if there is no such file, or it is not a trace, damaged or of a newer version.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            content = file.read(min(size, FILE_MAX) + 1)
    except OSError as error:
        raise LabError(f"{path} cannot be read: {_reason(error)}.") from None
    if not content.startswith(MAGIC) or len(content) <= len(MAGIC):
        raise LabError(f"{path} is not a trace: Trace.save() writes them.")
    version = content[len(MAGIC)]
    if version > VERSION:
        raise LabError(f"{path} was saved by a newer labserver (version {version}): update it.")
    if size > FILE_MAX:
        raise LabError(f"{path} is not a trace: it is larger than any that can be saved.")
    stream = zlib.decompressobj()
    try:
        body = stream.decompress(content[len(MAGIC) + 1 :], INFLATED_MAX)
        if not stream.eof or stream.unused_data:
            raise _damaged(path, "it is incomplete, or something follows it")
        file_ = msgspec.msgpack.decode(body, type=_SavedTrace)
    except (zlib.error, msgspec.MsgspecError, RecursionError) as error:
        raise _damaged(path, str(error)) from None
    pieces, sent = [], 0
    for each in file_.pieces:
        sent += each.after
        if len(each.data) not in (0, each.size):
            raise _damaged(path, "the size of a piece is wrong")
        arrived = -1 if each.under_way < 0 else sent + each.under_way
        pieces.append(
            Piece(sent, arrived, each.connection, each.direction, each.kind, each.data, each.size)
        )
    return pieces, file_.port, file_.began_ns


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file completely or not at all: under another name first, then renamed.

    Raises:
        LabError: if it cannot be written.
    """
    try:
        write_atomically(path, content)
    except OSError as error:
        raise LabError(f"{path} cannot be written: {_reason(error)}.") from None
    return path


def _damaged(path: Path, why: str) -> LabError:
    return LabError(f"{path} is damaged ({why}): fetch it again, or record it again.")


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
