"""Traces in files: what is saved comes back, and what is not a trace is refused with a sentence."""

from __future__ import annotations

import tracemalloc
import zlib
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labserver.errors import LabError
from labserver.trace import file as trace_file
from labserver.trace.file import MAGIC, read_trace, write_trace
from labserver.trace.trace import Trace
from labserver.wire.tape import Direction, Piece, PieceKind, Tape
from tests.wire.conversations import CONVERSATIONS, trace_of

PIECES = st.lists(
    st.builds(
        lambda sent, way, connection, direction, what, data: Piece(
            sent, sent + way if way >= 0 else -1, connection, direction, what, data, len(data)
        ),
        st.integers(0, 2**40),
        st.integers(-1, 2**40),
        st.integers(0, 1000),
        st.sampled_from(Direction),
        st.sampled_from(PieceKind),
        st.binary(max_size=50),
    ),
    max_size=20,
)


@settings(suppress_health_check=list(HealthCheck))
@given(PIECES, st.integers(0, 65535), st.none() | st.integers(0, 2**62))
def test_what_is_saved_comes_back(
    tmp_path: Path, pieces: list[Piece], port: int, began_ns: int | None
) -> None:
    path = write_trace(tmp_path / "a.trace", pieces, port, began_ns)
    assert read_trace(path) == (pieces, port, began_ns)


def test_a_trace_comes_back_message_by_message(tmp_path: Path) -> None:
    trace = trace_of(*CONVERSATIONS.values(), port=4711)
    path = trace.save(tmp_path / "chat.trace")
    again = Trace.load(str(path))
    assert list(again) == list(trace)
    assert again.port == 4711
    assert again.messages().equals(trace.messages())


def test_of_some_messages_their_connections_are_saved(tmp_path: Path) -> None:
    trace = trace_of(*CONVERSATIONS.values())
    frames = trace.only(kind="WebSocket frame")
    again = Trace.load(frames.save(tmp_path / "frames.trace"))
    assert again.connections == frames.connections
    assert [m.raw for m in again.only(kind="WebSocket frame")] == [m.raw for m in frames]


def test_a_tape_that_was_full_says_so_again(tmp_path: Path) -> None:
    tape = Tape(limit_bytes=1)
    tape.add(Piece(0, 0, 1, Direction.UP, PieceKind.DATA, b"abc", 3))
    assert Trace.load(Trace(tape).save(tmp_path / "full.trace")).full


def file_of(body: bytes, version: int = 1) -> bytes:
    return MAGIC + bytes([version]) + zlib.compress(body)


def piece(**changes: object) -> list[object]:
    given = {
        "after": 0,
        "way": 0,
        "connection": 1,
        "direction": "up",
        "what": "data",
        "size": 1,
        "data": b"a",
    }
    return list((given | changes).values())


def packed(*pieces: object, port: object = 80) -> bytes:
    return file_of(msgspec.msgpack.encode({"port": port, "pieces": pieces}))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is not a trace"),
        (b"PK\x03\x04", "is not a trace"),
        (MAGIC, "is not a trace"),
        (file_of(b"", 2), "newer labserver"),
        (MAGIC + b"\x01", "fetch it again"),
        (MAGIC + b"\x01rubbish", "damaged"),
        (packed(piece())[:-3], "damaged"),
        (packed(piece()) + b"x", "damaged"),
        (file_of(b"\xc1"), "damaged"),
        (file_of(b"\x91" * 100_000), "damaged"),  # nested
        (packed(port=-1), "damaged"),
        (packed(piece(direction="left")), "damaged"),
        (packed(piece(connection="x")), "damaged"),
        (packed(piece(size=5)), "size of a piece is wrong"),
        (packed(piece(after=2**63)), "damaged"),
        (packed([1, 2]), "damaged"),
        (packed([*piece(), 1]), "damaged"),
    ],
)
def test_what_is_no_trace_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "x.trace"
    path.write_bytes(content)
    with pytest.raises(LabError, match=says) as caught:
        Trace.load(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="cannot be read: no such file"):
        Trace.load(tmp_path / "none.trace")
    with pytest.raises(LabError, match="cannot be written: no such file"):
        trace_of().save(tmp_path / "none" / "a.trace")


@settings(suppress_health_check=list(HealthCheck), max_examples=200)
@given(st.data())
def test_a_damaged_file_is_refused_or_read(tmp_path: Path, data: st.DataObject) -> None:
    whole = packed(piece(), piece(after=7))
    at = data.draw(st.integers(0, len(whole) - 1))
    path = tmp_path / "x.trace"
    path.write_bytes(whole[:at] + data.draw(st.binary(max_size=4)) + whole[at + 1 :])
    try:
        list(Trace.load(path))
    except LabError as error:
        assert str(error).endswith((".", ": update it."))


def test_a_small_file_does_not_become_a_large_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_file, "INFLATED_MAX", 1_000_000)
    path = tmp_path / "bomb.trace"
    path.write_bytes(file_of(bytes(200_000_000)))
    tracemalloc.start()
    try:
        with pytest.raises(LabError, match="incomplete, or something follows it"):
            Trace.load(path)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_a_list_is_refused_by_its_declared_length(tmp_path: Path) -> None:
    path = tmp_path / "long.trace"
    path.write_bytes(file_of(b"\x82\xa4port\x50\xa6pieces\xdd\x7f\xff\xff\xff"))
    with pytest.raises(LabError, match="damaged"):
        Trace.load(path)


def test_it_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.trace"
    path.write_text("before")

    def fail(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(LabError, match="no space left"):
        trace_of().save(path)
    assert path.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir()] == ["a.trace"]
