from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from websockets.frames import Frame, Opcode

from labserver.errors import LabError
from labserver.figures.palette import CONNECTION
from labserver.figures.sequence import HOVER_POINTS, SHOWN_MAX, sequence
from labserver.trace.trace import Trace
from labserver.wire.tape import Direction, Piece, PieceKind, Tape
from tests.figures.test_wire_text import HOSTILE
from tests.wire.conversations import CONVERSATIONS, DOWN, HANDSHAKE, UP, pieces, trace_of, ws

MS = 1_000_000


def trace_of_frames(*given: tuple[int, int, Direction, bytes], connection: int = 1) -> Trace:
    """A handshake, and then text frames: sent and arrived (in ms; -1: never), which way, what."""
    tape = Tape()
    for piece in pieces(HANDSHAKE, ends=False, connection=connection):
        tape.add(piece)
    for sent, arrived, direction, said in given:
        data = ws(direction, Frame(Opcode.TEXT, said))
        arrived_ns = arrived if arrived < 0 else arrived * MS
        tape.add(
            Piece(sent * MS, arrived_ns, connection, direction, PieceKind.DATA, data, len(data))
        )
    return Trace(tape)


def arrows(figure: Any) -> list[tuple[float, float, float, float]]:
    """Where they begin and end: x, y, x, y; from top to bottom."""
    found = []
    for trace in figure.data:
        if trace.mode == "lines+markers":
            points = list(zip(trace.x, trace.y, strict=True))
            found += [(*points[at], *points[at + 1]) for at in range(0, len(points), 3)]
    return sorted(found, key=lambda arrow: arrow[1])


def labels(figure: Any) -> list[str]:
    return [text for trace in figure.data if trace.mode == "text" for text in trace.text]


def hovers(figure: Any) -> list[str]:
    return [text for trace in figure.data if trace.meta for text in trace.meta]


def test_an_arrow_goes_from_its_sender_to_the_other_side_and_down() -> None:
    trace = trace_of_frames((1, 41, UP, b"a"), (50, 90, DOWN, b"b"))
    *_, up, down = arrows(sequence(trace))
    assert (up[0], up[2], down[0], down[2]) == (0, 1, 1, 0)
    assert up[1] < up[3] < down[1] < down[3]


def test_each_message_has_a_row_of_its_own_however_little_time_there_was() -> None:
    same = trace_of_frames(*[(1, 1, DOWN, b"%d" % number) for number in range(40)])
    starts = [start for _, start, _, _ in arrows(sequence(same))]
    assert min(later - at for at, later in pairwise(starts)) > 0.99


def test_what_is_sent_while_a_message_is_under_way_starts_above_its_arrival() -> None:
    trace = trace_of_frames((10, 90, UP, b"a"), (20, 100, DOWN, b"b"), (30, 31, UP, b"c"))
    *_, slow, crossing, fast = arrows(sequence(trace))
    assert slow[1] < crossing[1] < fast[1] < fast[3] < slow[3] < crossing[3]


def test_on_a_time_axis_the_slope_is_the_delay() -> None:
    trace = trace_of_frames((100, 140, UP, b"a"), (200, 240, DOWN, b"b"))
    *_, up, down = arrows(sequence(trace, time=True))
    assert up == pytest.approx((0, 100, 1, 140))
    assert down == pytest.approx((1, 200, 0, 240))


@pytest.mark.parametrize("time", [False, True])
def test_what_never_arrived_ends_half_way_in_a_cross(time: bool) -> None:
    trace = trace_of_frames((1, 41, UP, b"a"), (50, -1, UP, b"b"))
    figure = sequence(trace, time=time)
    assert [x for _, _, x, _ in arrows(figure)[-2:]] == [1, 0.5]
    symbols = [s for t in figure.data if t.mode == "lines+markers" for s in t.marker.symbol]
    assert symbols.count("x-thin") == 1
    assert "never arrived" in [trace.name for trace in figure.data]
    assert "never arrived" in hovers(figure)[-1]


def test_a_silence_is_one_remark_and_the_times_stand_at_the_rows() -> None:
    trace = trace_of_frames(
        (10, 20, UP, b"a"), (21, 31, DOWN, b"b"), (2031, 2041, UP, b"c"), (2042, 2052, DOWN, b"d")
    )
    figure = sequence(trace)
    assert [note.text for note in figure.layout.annotations] == ["<i>2 s of silence</i>"]
    assert figure.layout.yaxis.ticktext[-4:] == ("10", "21", "2,031", "2,042")
    assert not sequence(trace, time=True).layout.annotations


def test_the_title_says_how_many_messages_carry_payload() -> None:
    trace = trace_of_frames((1, 2, UP, b"a"), (3, 4, DOWN, b""))
    assert sequence(trace).layout.title.text == "5 messages, 1 of them with payload"
    assert sequence(trace[:1]).layout.title.text == "1 message, 0 of them with payload"
    assert sequence(trace, title="Mine").layout.title.text == "Mine"


def test_connections_are_told_apart_by_colour_dash_name_and_label() -> None:
    figure = sequence(trace_of(*[HANDSHAKE] * 6))
    looks = {
        trace.name: (trace.line.color, trace.line.dash)
        for trace in figure.data
        if trace.mode == "lines+markers"
    }
    assert list(looks) == ["connections 1, 5", "connections 2, 6", "connection 3", "connection 4"]
    assert tuple(looks.values()) == CONNECTION
    assert "<b>1</b> (1) a client has connected<i></i>" in labels(figure)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_was_said_is_text_and_no_markup(text: str) -> None:
    figure = sequence(trace_of_frames((1, 2, UP, text.encode())))
    for label in labels(figure):
        assert not set("<>$\n\x00") & set(
            label.replace("<b>", "").replace("</b>", "").replace("<i>", "").replace("</i>", "")
        )
    for hover in hovers(figure):
        said = hover.replace("<br>", "").replace("<b>", "", 1).replace("</b>", "", 1)
        assert not set("<>$\n\x00") & set(said)


def test_a_template_in_a_message_is_not_filled_in() -> None:
    figure = sequence(trace_of_frames((1, 2, UP, b"%{x} %{meta[0]}")))
    templates = [each for trace in figure.data if trace.meta for each in trace.hovertemplate]
    assert set(templates) == {f"%{{meta[{place}]}}<extra></extra>" for place in range(4)}
    assert "%{x} %{meta[0]}" in hovers(figure)[-1]


def test_where_rows_are_narrow_a_label_stands_for_those_that_have_none() -> None:
    trace = trace_of_frames(*[(number, number, DOWN, b"x") for number in range(1, 400)])
    figure = sequence(trace)
    assert len(labels(figure)) < 150
    unsaid = [label.split("+")[1].split()[0] for label in labels(figure) if "+" in label]
    assert sum(map(int, unsaid)) + len(labels(figure)) == len(trace) == len(arrows(figure))


def test_of_a_hundred_thousand_messages_it_shows_some_and_says_so() -> None:
    trace = trace_of_frames(*[(number, number, DOWN, b"x") for number in range(1, 99_998)])
    figure = sequence(trace)
    assert figure.layout.title.text == "100,000 messages"
    assert figure.layout.title.subtitle.text == (
        "500 of 100,000 messages shown: the first 250 and the last 250"
    )
    assert "<i>99,500 messages are not shown</i>" in [a.text for a in figure.layout.annotations]
    assert len(arrows(figure)) == SHOWN_MAX
    assert sum(len(each.x) for each in figure.data) < SHOWN_MAX * (HOVER_POINTS + 4) + 10
    assert figure.layout.height < 1800
    assert len(figure.data) < 10
    assert len(arrows(sequence(trace[:501], time=True))) == SHOWN_MAX
    assert sequence(trace[:500]).layout.title.subtitle.text is None


def test_every_conversation_can_be_drawn_in_both_ways() -> None:
    trace = trace_of(*CONVERSATIONS.values())
    for time in (False, True):
        assert len(arrows(sequence(trace, time=time))) == len(trace)


def test_no_message_is_an_error_and_not_an_empty_picture() -> None:
    with pytest.raises(LabError, match="send some while"):
        sequence(Trace(Tape()))
