from __future__ import annotations

from labserver.wire.tape import Direction, Piece, PieceKind, Tape


def piece(data: bytes) -> Piece:
    return Piece(0, 0, 1, Direction.UP, PieceKind.DATA, data, len(data))


def test_what_passes_is_kept_and_told() -> None:
    tape, heard = Tape(), []
    stop = tape.listen(heard.append)
    tape.add(piece(b"a"))
    stop()
    tape.add(piece(b"b"))
    assert [p.data for p in tape] == [b"a", b"b"]
    assert [p.data for p in heard] == [b"a"]


def test_past_its_limit_it_keeps_sizes_and_says_so() -> None:
    tape = Tape(limit_bytes=10)
    for data in (b"x" * 8, b"y" * 8, b"z"):
        tape.add(piece(data))
    assert tape.full
    assert [(p.data, p.size) for p in tape] == [(b"x" * 8, 8), (b"", 8), (b"", 1)]
