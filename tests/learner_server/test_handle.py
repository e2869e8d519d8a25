"""`lab.serve_yours`: what a notebook holds."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest
from websockets.sync.client import connect

import labserver as lab
from labserver.errors import LabError
from labserver.exercises.e12_frame_decoder.exercise import FrameDecoder
from labserver.learner_server.handle import serve_yours
from labserver.practice.shown import Shown
from labserver.wire.message import Kind
from labserver.wire.websocket_accept import accept_key
from tests.learner_server.conftest import Serve


class Stub:
    """As the exercises give it out."""

    def __init__(self, *given: Any) -> None:
        raise NotImplementedError


def encode_stub(opcode: int, payload: bytes) -> bytes:
    raise NotImplementedError


def test_it_is_part_of_the_labs_face() -> None:
    assert lab.serve_yours is serve_yours


def test_one_function_is_enough_to_be_connected_with(serve: Serve) -> None:
    asked: list[str] = []

    def mine(key: str) -> str:
        asked.append(key)
        return accept_key(key)

    yours = serve(accept_key=mine)
    assert repr(yours) == f"<echo server {yours.url}, with your accept_key>"
    with connect(yours.url, proxy=None) as client:
        client.send("Grüße 👋")
        assert client.recv() == "Grüße 👋"
        client.send(bytes(70_000))
        assert client.recv() == bytes(70_000)
    assert (client.close_code, len(asked)) == (1000, 1)


def test_the_same_call_again_replaces(serve: Serve) -> None:
    first = serve()
    second = serve(port=first.port)
    assert not first.running
    assert second.port == first.port
    assert second.say("hi") == "hi"
    assert repr(first).endswith("all of it the lab's own, stopped>")


def test_what_passes_is_on_the_trace_and_a_run_is_not(serve: Serve) -> None:
    with serve() as yours:
        yours.say("Hello")
        assert yours.conformance().passed > 0
    frames = [one.summary for one in yours.trace.only(kind=Kind.WEBSOCKET_FRAME)]
    assert len(frames) == 4
    assert sum("Hello" in one for one in frames) == 2


def test_a_stub_ends_in_a_sentence(serve: Serve) -> None:
    yours = serve(encode=encode_stub, decoder=Stub, assembler=Stub)
    assert "E12 FrameDecoder is not attempted yet" in repr(yours.say("hi"))
    board = yours.conformance()
    assert board.summary.endswith(
        " Not attempted yet: E11 encode_frame, E12 FrameDecoder, E13 Assembler."
    )
    assert {row.why for row in board.rows if not row.passed and row.group != "handshake"} == {
        "E12 FrameDecoder is not attempted yet"
    }


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"accept_key": lambda key: key}, "the client refused your handshake: .*Accept"),
        ({"accept_key": lambda key: None}, "no handshake: 500 E08 accept_key returned None"),
        ({"encode": lambda opcode, payload: b""}, "nothing came back within 3 s"),
        ({"encode": lambda opcode, payload: b"\xff\xff"}, "closed"),
    ],
)
def test_what_does_not_work_is_said(serve: Serve, parts: dict[str, Any], told: str) -> None:
    said = serve(**parts).say("hi")
    assert isinstance(said, Shown)
    assert told.split(": .*", maxsplit=1)[0] in said.text


def test_other_servers_live_while_the_learners_code_hangs(serve: Serve) -> None:
    class Loops(FrameDecoder):
        def feed(self, data: bytes) -> Any:
            while True:
                pass

    chat = lab.start("websocket", record=False)
    yours = serve(decoder=Loops)
    assert yours.conformance().passed <= 5, "the handshakes that are refused, at most"
    assert {error.stuck for error in yours.errors} == {True}
    with chat.client("alice") as alice:
        assert alice.send("hi") is not None


def test_what_cannot_be_broken_off_is_named_and_left_behind(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    go_on = threading.Event()

    class Waits(FrameDecoder):
        def feed(self, data: bytes) -> Any:
            go_on.wait(60)

    yours = serve(decoder=Waits)
    try:
        assert "did not return within 1 s" in repr(yours.say("hi"))
        with caplog.at_level(logging.WARNING, "labserver"):
            lab.stop_all()
    finally:
        go_on.set()
    assert not yours.running
    (record,) = caplog.records
    assert record.getMessage().startswith("your code cannot be interrupted and runs on: in feed")


def test_a_stopped_server_says_what_to_do(serve: Serve) -> None:
    yours = serve()
    yours.stop()
    yours.stop()
    for use in (yours.conformance, lambda: yours.say("hi")):
        with pytest.raises(LabError, match="run the cell that starts it"):
            use()


def test_a_part_that_is_none_starts_nothing(serve: Serve) -> None:
    running = serve()
    with pytest.raises(LabError, match="takes Assembler itself"):
        serve(assembler="Assembler")
    assert running.running


def test_a_busy_port_is_an_error_that_leaves_nothing(serve: Serve) -> None:
    chat = lab.start("websocket", record=False)
    with pytest.raises(LabError, match="use port 0"):
        serve(port=chat.port)
