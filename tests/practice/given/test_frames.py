import pickle

from labserver.practice.given.frames import Close, Frame, Message, Pong, ProtocolError


def test_a_frame_is_its_three_parts() -> None:
    fin, opcode, payload = Frame(True, 1, b"Hello")
    assert (fin, opcode, payload) == (True, 1, b"Hello")


def test_what_frames_make_is_told_apart_by_its_type() -> None:
    made = [Message(1, b"Hello"), Pong(b""), Close(b"")]
    assert [type(one).__name__ for one in made] == ["Message", "Pong", "Close"]
    assert Message(2, b"a")._asdict() == {"opcode": 2, "payload": b"a"}


def test_an_error_carries_its_close_code_to_another_process() -> None:
    error = pickle.loads(pickle.dumps(ProtocolError(1002, "reserved bit")))
    assert error.code == 1002
    assert "reserved bit" in str(error)
