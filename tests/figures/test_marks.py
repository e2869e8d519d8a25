from __future__ import annotations

import pytest

from labserver.errors import LabError
from labserver.figures.marks import LINE_PX, Clock
from labserver.figures.sequence import sequence
from labserver.figures.swimlanes import swimlanes
from labserver.trace.trace import Trace
from labserver.wire.message import Kind
from tests.figures.test_lanes import GET, OK, at_seconds
from tests.wire.conversations import DOWN, UP

S = 1_000_000_000
NOON = 1_796_040_000


def polls(began_s: float | None = None) -> Trace:
    """A poll one second after the server began, answered two seconds after it."""
    trace = requests(at_seconds((1, 1, UP, GET), (2, 2, DOWN, OK)))
    trace._source.tape.began_ns = None if began_s is None else int(began_s * S)
    return trace


def requests(trace: Trace) -> Trace:
    """Return a trace without the message that its client has connected."""
    return trace.only(kind=(Kind.HTTP_REQUEST, Kind.HTTP_RESPONSE))


def test_traces_are_laid_on_one_clock_by_when_their_servers_began() -> None:
    figure = swimlanes({"short_polling": polls(NOON + 5), "long_polling": polls(NOON)})
    bars = [trace for trace in figure.data if trace.customdata is not None]
    assert [tuple(trace.base) for trace in bars] == [(5,), (0,)]
    assert figure.layout.xaxis.title.text == "time since the first message (s)"


def test_traces_that_do_not_know_when_they_began_each_count_from_their_first_message() -> None:
    figure = swimlanes({"short_polling": polls(NOON + 5), "long_polling": polls()})
    bars = [trace for trace in figure.data if trace.customdata is not None]
    assert [tuple(trace.base) for trace in bars] == [(0,), (0,)]
    assert figure.layout.xaxis.title.text == "time since its first message (ms)"


def test_a_message_is_marked_where_it_stands_in_its_lane() -> None:
    late, early = polls(NOON + 5), polls(NOON)
    (mark,) = Clock([early, late]).marks({"the answer": late[1]})
    assert mark == (6, "the answer")
    figure = swimlanes({"sse": early, "websocket": late}, mark={"the answer": late[1]})
    (line,) = figure.layout.shapes
    assert line.x0 == line.x1 == 6
    assert [note.text for note in figure.layout.annotations][-1] == "the answer"


def test_a_time_may_be_that_of_the_clock_on_the_wall_or_of_the_trace() -> None:
    trace = polls(NOON)
    assert Clock([trace]).marks({"now": NOON + 3.5})[0].at == pytest.approx(2.5)
    assert Clock([trace]).marks({"then": 3.5})[0].at == pytest.approx(2.5)
    assert [mark.at for mark in Clock([trace]).marks({"twice": [2.0, trace[0]]})] == [0, 1]


def test_what_cannot_be_placed_is_said() -> None:
    with pytest.raises(LabError, match="mark a message instead"):
        Clock([polls()]).marks({"now": NOON})
    with pytest.raises(LabError, match="several traces"):
        Clock([polls(NOON), polls(NOON)]).marks({"then": 1.0})
    with pytest.raises(LabError, match="in none of the traces"):
        Clock([polls(NOON)]).marks({"another's": polls(NOON)[0]})


def test_words_that_would_overlap_stand_above_each_other() -> None:
    trace = polls(NOON)
    near = {"a sentence about this moment": 1.5, "and one about the next": 1.51, "the end": 2.0}
    plain, marked = (swimlanes({"sse": trace}, mark=marks) for marks in (None, near))
    first, second, last = list(marked.layout.annotations)[-3:]
    assert (first.yshift, second.yshift) == (0, LINE_PX)
    assert last.xanchor == "right"  # at the edge the words stand before their line
    assert marked.layout.margin.t >= plain.layout.margin.t + 2 * LINE_PX


def test_only_what_is_around_a_mark_is_shown_if_that_is_asked_for() -> None:
    said = (0, 0, UP, GET), (1, 1, DOWN, OK), (50, 50, UP, GET), (51, 51, DOWN, OK)
    trace = requests(at_seconds(*said))
    figure = swimlanes({"sse": trace}, mark={"again": trace[2]}, around_s=0.5)
    assert figure.layout.xaxis.range == pytest.approx((49490, 50510))
    (bars,) = (each for each in figure.data if each.customdata is not None)
    assert tuple(bars.base) == (50_000,)


def test_in_a_ladder_a_mark_has_a_row_of_its_own() -> None:
    trace = polls(NOON)
    figure = sequence(trace, mark={"in between": 1.5, "afterwards": 9.0})
    rows = {note.text: note.y for note in figure.layout.annotations}
    starts = [y for each in figure.data if each.mode == "text" for y in each.y]
    assert starts[0] < rows["in between"] < starts[1] < rows["afterwards"]
    in_time = sequence(trace, time=True, mark={"in between": 1.5})
    assert in_time.layout.annotations[0].y == pytest.approx(500)


def test_a_sentence_is_text_and_no_markup() -> None:
    (mark,) = Clock([polls()]).marks({"<b>$x$</b>": 1.0})
    assert not set("<>$") & set(mark.text)
