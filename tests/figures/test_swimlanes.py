from __future__ import annotations

from typing import Any

import pytest

from labserver.errors import LabError
from labserver.figures.palette import TECHNIQUE
from labserver.figures.swimlanes import LANES_MAX, MARKS_MAX, swimlanes
from labserver.trace.trace import Trace
from labserver.wire.tape import Piece, PieceKind, Tape
from tests.figures.test_lanes import GET, OK, at_seconds
from tests.figures.test_wire_text import HOSTILE
from tests.wire.conversations import CONVERSATIONS, DOWN, HANDSHAKE, UP, pieces, trace_of

POLLS = at_seconds((0, 0, UP, GET), (1, 1, DOWN, OK), (9, 9, UP, GET), (10, 10, DOWN, OK))
HELD = at_seconds((0, 0, UP, GET), (8, 8, DOWN, OK), (8, 8, UP, GET), (10, 10, DOWN, OK))


def drawn(figure: Any) -> list[Any]:
    """What is not the legend's, nor a line behind."""
    return [trace for trace in figure.data if trace.customdata is not None]


def hovers(figure: Any) -> list[str]:
    return [text for trace in drawn(figure) for text in trace.customdata]


def frames(count: int, said: bytes = b"x") -> Trace:
    tape = Tape()
    for piece in pieces(HANDSHAKE, ends=False):
        tape.add(piece)
    data = bytes([0x81, len(said)]) + said
    for at in range(count):
        tape.add(Piece(3000 + at, 3000 + at, 1, DOWN, PieceKind.DATA, data, len(data)))
    return Trace(tape)


def test_a_held_poll_is_longer_than_one_that_is_answered_at_once() -> None:
    figure = swimlanes({"short_polling": POLLS, "long_polling": HELD})
    assert [tuple(trace.x) for trace in drawn(figure)] == [(1, 1), (8, 2)]
    assert [tuple(trace.base) for trace in drawn(figure)] == [(0, 9), (0, 8)]


def test_the_title_says_when_the_server_could_speak() -> None:
    figure = swimlanes({"short_polling": POLLS, "long_polling": HELD})
    assert figure.layout.title.text.replace("<br>", " ") == (
        "Within reach 20% of the time by short polling, 100% by long polling"
    )
    assert swimlanes({"sse": POLLS}, title="Mine").layout.title.text == "Mine"
    assert swimlanes({"sse": POLLS}).layout.title.text == "Within reach 20% of the time by sse"


def test_a_technique_has_its_colour_and_another_name_one_that_no_technique_has() -> None:
    figure = swimlanes({"every 10 ms": POLLS, "short_polling": POLLS, "every 1 s": POLLS})
    first, second, third = (trace.marker.line.color for trace in drawn(figure))
    assert second == TECHNIQUE["short_polling"]
    assert len({first, second, third}) == 3
    assert not {first, third} & set(TECHNIQUE.values())


def test_each_connection_has_a_lane_with_its_number() -> None:
    figure = swimlanes({"websocket": trace_of(HANDSHAKE, HANDSHAKE), "sse": trace_of(HANDSHAKE)})
    assert figure.layout.yaxis.ticktext == ("1", "2", "1")
    heads = [note.text for note in figure.layout.annotations]
    assert "<b>websocket</b>: within reach" in heads[0]
    assert "2 connections, 10 messages" in heads[0]
    assert "1 connection, 5 messages" in heads[1]
    rows = figure.layout.yaxis.tickvals
    assert {y for trace in drawn(figure) for y in trace.y} == set(rows)


def test_ticks_up_stand_above_ticks_down() -> None:
    figure = swimlanes({"websocket": trace_of(CONVERSATIONS["websocket"])})
    (row,) = figure.layout.yaxis.tickvals
    (ticks,) = (trace for trace in drawn(figure) if trace.type == "scatter")
    for y, text in zip(ticks.y, ticks.customdata, strict=True):
        assert (y < row) == ("<br>up at" in text)
    assert len(set(ticks.y)) == 2


def test_what_never_arrived_is_a_cross() -> None:
    figure = swimlanes({"sse": at_seconds((0, 0, UP, GET), (1, -1, DOWN, OK))})
    (cross,) = (trace for trace in drawn(figure) if trace.type == "scatter")
    assert cross.marker.symbol == "x-thin"
    assert "the response never arrived" in cross.customdata[0]
    assert "never arrived" in [trace.name for trace in figure.data]


def test_the_legend_names_only_what_is_there() -> None:
    names = [trace.name for trace in swimlanes({"short_polling": POLLS}).data if trace.name]
    assert names == ["request until its response"]


@pytest.mark.parametrize("text", [*HOSTILE, "%{x}"])
def test_what_was_said_and_what_a_trace_is_called_is_text(text: str) -> None:
    figure = swimlanes({text: frames(3, text.encode())})
    for hover in hovers(figure):
        assert not set("<>$\n\x00") & set(hover.replace("<br>", ""))
    assert {t.hovertemplate for t in drawn(figure)} == {"%{customdata}<extra></extra>"}
    title = figure.layout.title.text.replace("<br>", " ")
    assert not set("<>$\n\x00") & set(title)
    (head,) = (note.text for note in figure.layout.annotations)
    assert head.count("<") == 4  # its own


def test_a_hundred_thousand_messages_are_few_marks_and_it_says_so() -> None:
    figure = swimlanes({"websocket": frames(100_000)})
    said = figure.layout.title.subtitle.text
    assert said == "100,003 messages: those within 0.000257 ms are drawn as one"
    assert 100 < len(hovers(figure)) < MARKS_MAX
    counted = [int(t.split()[0].replace(",", "")) for t in hovers(figure) if "messages down" in t]
    assert sum(counted) == 100_000


def test_five_hundred_are_drawn_one_by_one() -> None:
    figure = swimlanes({"websocket": frames(500)})
    assert figure.layout.title.subtitle.text == ""
    assert len(hovers(figure)) == 502  # the handshake, and the bar


def test_of_too_many_connections_the_first_are_shown_and_it_says_so() -> None:
    tape = Tape()
    for connection in range(1, 1001):
        for piece in pieces(((UP, GET), (DOWN, OK)), connection=connection):
            tape.add(piece)
    figure = swimlanes({"short_polling": Trace(tape), "sse": POLLS})
    assert figure.layout.title.subtitle.text.startswith("31 of 1,001 connections shown")
    assert len(figure.layout.yaxis.ticktext) < LANES_MAX
    assert "1,000 connections" in figure.layout.annotations[0].text


def test_every_conversation_can_be_drawn() -> None:
    figure = swimlanes({name: trace_of(said) for name, said in CONVERSATIONS.items()})
    assert len(figure.layout.annotations) == len(CONVERSATIONS)
    assert {trace.type for trace in drawn(figure)} == {"bar", "scatter"}


def test_a_trace_without_messages_is_left_out_and_no_trace_is_an_error() -> None:
    figure = swimlanes({"sse": Trace(Tape()), "websocket": POLLS})
    assert len(figure.layout.annotations) == 1
    with pytest.raises(LabError, match="send some while"):
        swimlanes({"sse": Trace(Tape())})
    with pytest.raises(LabError, match="send some while"):
        swimlanes({})
