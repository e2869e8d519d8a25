"""A run: the lab's own parts pass it, `websockets` all but what is listed here, wrong ones fail."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as websockets_serve

from labserver.learner_server import conformance
from labserver.learner_server.cases import CASES, ConformanceCase, Item, frame
from labserver.learner_server.conformance import LEFT_OUT, RUN_MAX_S, Reply, judged, run
from labserver.learner_server.parts import MESSAGE_MAX, PartFailed
from labserver.learner_server.scoreboard import ScoreboardRow
from labserver.wire.websocket import FrameReader
from labserver.wire.websocket_frame import Frame
from tests.exercises.wrong import wrong_of
from tests.learner_server.conftest import Serve
from tests.waiting import DEADLINE_S, within

KEYWORD = {"e08": "accept_key", "e11": "encode", "e12": "decoder", "e13": "assembler"}

# What `websockets` answers otherwise, and why that is no mistake of the cases.
OTHERWISE = {
    "version 8": "400, where RFC 6455 §4.4 has 426",
    "a length of 2⁶³": "1009: over its limit as well, and it looks at that alone",
    "within a message": "1002: it takes a message that is not finished for a broken one",
}

SHAKES = {
    "the RFC's own key",
    "another key",
    "field names in lower case",
    "Upgrade: WebSocket",
    "Connection: keep-alive, Upgrade",
}
SEVERAL_IN_ONE = {
    "three texts in one write",
    "a text and the first byte of another",
    "ten pings",
    "two such texts, one after the other",
}
IN_PIECES = {"text, byte by byte", "binary of 126 bytes, byte by byte"}
MANY_READS = {
    f"{kind} of {size} bytes" for kind in ("text", "binary") for size in ("65,535", "65,536")
}
LARGE = {"262,145 bytes in three frames", "262,144 bytes"}
OF_126 = {"text of 126 bytes", "binary of 126 bytes", "binary of 126 bytes, byte by byte"}

# Wrong solution → the cases that it fails, and what is said of each of them.
FAILS: dict[str, tuple[set[str], str]] = {
    "e08.lower_case_guid": (SHAKES, "Sec-WebSocket-Accept is "),
    "e08.knows_the_example": (
        {"another key"},
        "Sec-WebSocket-Accept is s3pPLMBiTxaQ9kYGzzhZRbK+xOo=, not Bz3qJYTGdOe8gUSpLosEdiLKDrk=",
    ),
    "e11.length_126_in_7_bits": (OF_126, ""),
    "e11.always_64_bits": (
        OF_126 | {"text of 65,535 bytes", "binary of 65,535 bytes"},
        "has a shorter form (§5.2)",
    ),
    "e11.border_at_65535": (
        {"text of 65,535 bytes", "binary of 65,535 bytes"},
        "a length of 65,535 has a shorter form (§5.2)",
    ),
    "e12.OneReadIsOneFrame": (SEVERAL_IN_ONE | IN_PIECES | MANY_READS | LARGE, ""),
    "e12.ReturnsNothingWhenShort": (
        IN_PIECES | MANY_READS | LARGE,
        "E12 FrameDecoder returned None, not a list",
    ),
    "e12.AcceptsUnmasked": (
        {"a frame without a mask"},
        "text 'Hello' came, but nothing asks for it",
    ),
    "e12.AcceptsReservedBits": (
        {"RSV1 in a text", "RSV2 in a text", "RSV3 in a text", "RSV1 in a ping"},
        "came, but nothing asks for it",
    ),
    "e12.AcceptsReservedOpcodes": ({f"opcode {one}" for one in "34567BCDEF"}, ""),
    "e12.AcceptsLongPings": ({"a ping of 126 bytes", "a close of 126 bytes"}, ""),
    "e12.AcceptsTheTopBit": ({"a length of 2⁶³"}, "close 1009 came instead of close 1002"),
    "e12.WaitsForThePayload": (
        {"a frame that declares 262,145 bytes"},
        "no close frame came",
    ),
    "e13.PingIntoTheMessage": (
        {"a ping between fragments"},
        "text 'Helnowlo' came instead of text 'Hello'",
    ),
    "e13.PingsWait": ({"a ping between fragments"}, "text 'Hello' came instead of pong 'now'"),
    "e13.NewTextStartsOver": (
        {"a text within a text", "a binary within a text"},
        "came, but nothing asks for it",
    ),
    "e13.ContinuesNothing": (
        {"a continuation of nothing", "a continuation after the end"},
        "text 'lo' came, but nothing asks for it",
    ),
    "e13.FragmentedPing": ({"a ping without FIN", "a close without FIN"}, ""),
    "e13.AnswersPongs": (
        {"an unsolicited pong"},
        "pong 'unasked' came instead of text 'Hello'",
    ),
    "e13.AsksTheBuffer": ({"empty first and last frames"}, "text 'Hello' did not come"),
    "e13.GoesOnAfterClose": (
        {"a text and a ping after it"},
        "after a close frame no other may follow (§5.5.1)",
    ),
    "e13.ErrorOfItsOwn": (
        {"a text within a text", "a binary within a text"},
        "E13 Assembler raised ValueError: a message is open",
    ),
}


# On a busy machine two writes may be one read: such a decoder then fails in more.
AT_LEAST = {"e12.OneReadIsOneFrame"}


def failed(rows: tuple[ScoreboardRow, ...]) -> dict[str, str]:
    return {row.case: row.why for row in rows if not row.passed}


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take longer over a case than a learner should wait."""
    monkeypatch.setattr(conformance, "CASE_MAX_S", DEADLINE_S)
    monkeypatch.setattr(conformance, "RUN_MAX_S", DEADLINE_S)


@pytest.mark.usefixtures("patient")
def test_the_labs_own_parts_pass_everything(serve: Serve) -> None:
    board = serve().conformance()
    assert failed(board.rows) == {}
    assert [(row.group, row.case) for row in board.rows] == [
        (case.group, case.name) for case in CASES
    ]
    assert repr(board).startswith(f"{len(CASES)} of {len(CASES)} passed\n")


@pytest.mark.usefixtures("patient")
async def test_websockets_passes_but_for_what_is_listed() -> None:
    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with websockets_serve(
        echo, "127.0.0.1", 0, compression=None, max_size=MESSAGE_MAX
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        rows = await run(port, CASES, lambda peer: None)
    assert set(failed(rows)) == set(OTHERWISE)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("wrong", FAILS)
def test_a_wrong_part_fails_in_what_it_does_wrong(serve: Serve, wrong: str) -> None:
    module, _, name = wrong.partition(".")
    part = wrong_of(module.upper())[name]
    board = serve(**{KEYWORD[module]: part}).conformance()
    expected, told = FAILS[wrong]
    came = failed(board.rows)
    assert set(came) >= expected
    assert wrong in AT_LEAST or set(came) == expected
    for why in came.values():
        assert told in why


def test_a_part_that_never_answers_does_not_hold_up_the_run(serve: Serve) -> None:
    class Deaf:
        def __init__(self, role: str, max_payload: int) -> None: ...

        def feed(self, data: bytes) -> list[Any]:
            return []

    with within(2 * RUN_MAX_S):
        board = serve(decoder=Deaf).conformance()
    assert board.passed == 5, "the handshakes that are refused"
    assert "text 'Hello' did not come" in failed(board.rows)["a text in two frames"]


async def play(case: ConformanceCase, *answers: bytes) -> ScoreboardRow:
    """Against a server that says the same whatever it is asked, and closes when its client does."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for answer in answers:
            writer.write(answer)
        while await reader.read(1000):
            pass
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        (row,) = await run(server.sockets[0].getsockname()[1], [case], lambda peer: None)
    return row


HEAD = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
HELLO = next(case for case in CASES if case.name == "a text in two frames")
NO_KEY = next(case for case in CASES if case.name == "no key")
FIRST = CASES[0]


async def test_a_server_that_does_not_close_is_told_so() -> None:
    row = await play(HELLO, HEAD, b"\x81\x05Hello", b"\x88\x02\x03\xe8")
    assert row.why == (
        "after the close frames the server must close the connection (§7.1.1):"
        " it did not end within 2 s"
    )


async def test_what_makes_no_whole_frame_is_told() -> None:
    row = await play(HELLO, HEAD, b"\x81\x7e\x05\x00Hello")
    assert row.why == "text 'Hello' did not come, but 9 bytes that do not make a whole frame"
    assert row.received == "9 bytes that do not make a whole frame"


async def test_a_handshake_without_its_fields_is_told() -> None:
    row = await play(FIRST, HEAD.replace(b"Upgrade: websocket\r\n", b""))
    assert row.why == "the 101 lacks Upgrade: websocket"
    row = await play(FIRST, HEAD.replace(b"Connection: Upgrade\r\n", b""))
    assert row.why == "the 101 lacks Connection: Upgrade"
    row = await play(FIRST, HEAD.replace(b"Accept", b"Deny"))
    assert row.why.startswith("Sec-WebSocket-Accept is missing, not s3pP")


async def test_another_status_is_told() -> None:
    row = await play(NO_KEY, HEAD)
    assert (row.received, row.expected) == ("101, accept s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "400")
    assert row.why == "the handshake was answered with 101"


async def test_where_nobody_listens_each_case_says_so() -> None:
    async with await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
    (row,) = await run(port, [HELLO], lambda peer: None)
    assert row.why == "the handshake was not answered: the connection was cut"


def test_after_some_that_hang_the_others_are_left_out() -> None:
    row = judged(HELLO, Reply(ended=LEFT_OUT), None)
    assert (row.passed, row.why) == (False, LEFT_OUT)


def test_what_failed_in_a_part_is_the_reason() -> None:
    failure = PartFailed("encode", "is not attempted yet", not_attempted=True)
    row = judged(HELLO, Reply(head=HEAD, frames=[Frame(b"\x88\x02", b"\x03\xf3")]), failure)
    assert (row.why, row.not_attempted) == ("E11 encode_frame is not attempted yet", True)


def test_bytes_are_shown_as_what_they_are() -> None:
    frames = FrameReader(masked=False).feed(
        frame(2, b"\xff\x00", masked=False) + frame(8, masked=False)
    )
    heard = Reply(head=HEAD, frames=[one for one in frames if isinstance(one, Frame)], ended="end")
    heard.size = 6
    row = judged(HELLO, heard, None)
    assert row.received == "binary ff 00, a close without a code"
    assert row.why == "binary ff 00 came instead of text 'Hello'"
    assert HELLO.answers == (Item(1, b"Hello"),)
