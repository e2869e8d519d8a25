"""Connections over time: what each was busy with, and so when the server could send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from labserver.errors import LabError
from labserver.figures.chart import Chart, dress
from labserver.figures.lanes import Bar, Busy, Lanes, Tick, ended_s, is_lost, lanes_of
from labserver.figures.marks import Clock, Marks, draw_marks
from labserver.figures.palette import EMPHASIS, OTHERS, PAPER, TECHNIQUE, TEXT, TEXT_PX, words
from labserver.figures.wire_text import duration, plain
from labserver.trace.trace import Trace
from labserver.wire.tape import Direction

MARKS_MAX = 1500  # bars and ticks; past it, those that coincide are drawn as one
MOMENTS = (20, 400)  # the least and the most per width; then one mark of each kind per moment
LANES_MAX = 60
LANE, LANE_MIN = 24, 12  # pixels
LANES_HEIGHT_MIN, LANES_HEIGHT_MAX = 90, 1000  # pixels
SUBTITLE, BOTTOM = 22, 96  # pixels, around the lanes
HEAD = 1.1  # lanes; the height of a group's name
BAR, LINE = 0.5, 0.04  # of a lane
TICK = {Direction.UP: -0.16, Direction.DOWN: 0.16}  # of a lane from its middle
LABEL_CHARACTERS = 20
UNSEEN = {"webrtc": "signalling alone, its messages go over UDP"}

FILL = {Busy.ANSWERED: 0.65, Busy.EMPTY: 0.0, Busy.TOLD: 0.0, Busy.OPEN: 0.35, Busy.WAITING: 0.0}
PATTERN = {Busy.EMPTY: ".", Busy.WAITING: "/"}
LOST_LOOK = {"symbol": "x-thin", "size": 9, "line": {"width": 2, "color": EMPHASIS}}


class NamedLanes(NamedTuple):
    """A trace with its name and colour."""

    name: str
    colour: str
    read: Lanes

    @property
    def reach(self) -> float:
        """The share of time in which the server could speak, on the best connection."""
        time = self.read.ended - self.read.began
        return max(lane.reach_s for lane in self.read.lanes) / time if time else 1.0


class Scale(NamedTuple):
    """The time axis: its unit, and how many units a second has."""

    unit: str
    factor: float


def swimlanes(
    traces: Mapping[str, Trace],
    *,
    title: str = "",
    mark: Marks | None = None,
    around_s: float = 0.0,
) -> Chart:
    """Draw what each TCP connection was busy with over time: one lane each, grouped by technique.

    All lanes share one clock, which counts from the first message, whichever server was started
    first. What nobody has closed is open until the last message of all.

    A bar lasts from a request to its answer: for a poll that is answered at once it is a sliver,
    for one that is held it is long. A hollow bar is a request with which the client says
    something. A stream or a socket is one long pale bar with a tick for each message: upwards in
    its upper half, downwards in its lower half. Times are the client's: when it sends something,
    and when it has received it.

    While a bar is filled, the client is within reach: the server can send it something. Each group
    says for which share of the time this is true of its best connection; of WebRTC only the
    signalling passes the relay, and it says so instead. Of more than 60
    connections only the first are shown, and of more than 1,500 bars and ticks those that coincide
    are merged; then the figure says so.

    Args:
        traces: by technique; any other name is a label, and gets a free colour.
        title: the insight; by default, which clients are least and most within reach.
        mark: what happened when, such as `{"dan speaks": message}`: a sentence with a message of
            one of the traces, a time as `time.time()` returns it, or several of them. With a
            single trace, a small number is in seconds since it began, as in `message.sent`.
        around_s: show only so many seconds before the first mark and after the last, as if what
            nobody has closed were open until then; 0 for all.

    Raises:
        LabError: if no trace has a message, or a mark cannot be placed.
    """
    colours = _colours(list(traces))
    some = {name: trace for name, trace in traces.items() if len(trace)}
    if not some:
        raise LabError("No messages were recorded: send some while the server records.")
    clock = Clock(list(some.values()))
    shifts = dict(zip(some, clock.shifts_s, strict=True))
    marks = clock.marks(mark)
    until = max(ended_s(trace) + shifts[name] for name, trace in some.items())
    if marks and around_s > 0:
        until = max(until, marks[-1].at + around_s)
    groups = [
        NamedLanes(
            name, colours[name], lanes_of(trace, shifts[name], until if clock.shared else None)
        )
        for name, trace in some.items()
    ]
    began = min([0.0, *(each.at for each in marks)])
    ended = max([until, *(each.at for each in marks)])
    if marks and around_s > 0:
        began = max(began, marks[0].at - around_s)
        ended = min(ended, marks[-1].at + around_s)
    time = ended - began
    insight = title or _insight(groups)
    heads = [_head(group) for group in groups]
    for lane in (lane for group in groups for lane in group.read.lanes):
        lane.cut_to(began, ended)
    bounded = _bound(groups, time)
    scale = Scale("ms", 1000) if time < 2 else Scale("s", 1)

    figure = Chart()
    names: dict[float, str] = {}
    y = 0.0
    for group, head in zip(groups, heads, strict=True):
        figure.add_annotation(
            x=0,
            xref="paper",
            xanchor="left",
            y=y,
            text=head,
            showarrow=False,
            align="left",
            font={"size": TEXT_PX},
            bgcolor=PAPER,  # a mark's line ends at the words
        )
        y += HEAD
        rows = [y + at for at in range(len(group.read.lanes))]
        names |= {
            row: str(lane.connection) for row, lane in zip(rows, group.read.lanes, strict=True)
        }
        _draw(figure, group, rows, scale)
        y += len(rows)
    _explain(figure, groups)
    height = max(LANES_HEIGHT_MIN, LANE_MIN * y, min(LANE * y, LANES_HEIGHT_MAX))
    dress(
        figure,
        insight,
        x=f"time since {'the' if clock.shared else 'its'} first message ({scale.unit})",
        y="connection",
    )
    margin = 0.01 * time or 1e-6
    figure.update_xaxes(
        range=[scale.factor * (began - margin), scale.factor * (began + time + margin)],
        zeroline=False,
    )
    figure.update_yaxes(
        range=[y - 0.4, -0.6],
        tickvals=list(names),
        ticktext=list(names.values()),
        showgrid=False,
        zeroline=False,
        showline=False,
    )
    room = draw_marks(figure, marks, (began, began + time), scale.factor)
    _lay_out(figure, bounded, int(height), room)
    return figure


def _lay_out(figure: Chart, subtitle: str, height: int, marks_px: int) -> None:
    """Make room for title and marks above and the legend below, and overlay bars of all kinds."""
    top = figure.layout.margin.t + marks_px + (SUBTITLE if subtitle else 0)
    figure.update_layout(
        height=height + top + BOTTOM,
        barmode="overlay",
        bargap=0,
        hovermode="closest",
        hoverlabel={"align": "left"},
        margin={"t": top, "b": BOTTOM},
        title_subtitle_text=subtitle,
    )


def _colours(names: Sequence[str]) -> dict[str, str]:
    """Return a colour for each name: a technique's own, or one that no technique has."""
    others = [name for name in names if name not in TECHNIQUE]
    return TECHNIQUE | {name: OTHERS[at % len(OTHERS)].colour for at, name in enumerate(others)}


def _insight(groups: Sequence[NamedLanes]) -> str:
    seen = [group for group in groups if group.name not in UNSEEN] or groups
    least, most = (f(seen, key=lambda group: group.reach) for f in (min, max))
    text = f"Within reach {least.reach:.0%} of the time by {_name(least)}"
    return text if least is most else f"{text}, {most.reach:.0%} by {_name(most)}"


def _head(group: NamedLanes) -> str:
    count = len(group.read.lanes)
    said = UNSEEN.get(group.name, f"within reach {group.reach:.0%} of the time")
    return (
        f'<span style="color:{group.colour}">■</span> <b>{_name(group)}</b>:'
        f" {said}, {count:,} connection"
        f"{'' if count == 1 else 's'}, {group.read.messages:,} messages"
    )


def _name(group: NamedLanes) -> str:
    return plain(words(group.name), LABEL_CHARACTERS)


def _bound(groups: Sequence[NamedLanes], time: float) -> str:
    """Limit what is drawn to what can be seen; return what the figure says about that."""
    said = []
    connections = sum(len(group.read.lanes) for group in groups)
    if connections > LANES_MAX:
        for group in groups:
            del group.read.lanes[max(1, LANES_MAX // len(groups)) :]
        shown = sum(len(group.read.lanes) for group in groups)
        said.append(f"{shown:,} of {connections:,} connections shown, the first of each")
    lanes = [lane for group in groups for lane in group.read.lanes]
    if time and sum(len(lane.bars) + len(lane.ticks) for lane in lanes) > MARKS_MAX:
        least, most = MOMENTS
        moment = time / max(least, min(most, MARKS_MAX // (2 * len(lanes))))
        for lane in lanes:
            lane.merge(moment)
        messages = sum(group.read.messages for group in groups)
        said.append(f"{messages:,} messages: those within {duration(moment)} are drawn as one")
    return "; ".join(said)


def _draw(figure: Chart, group: NamedLanes, rows: Sequence[float], scale: Scale) -> None:
    """Draw a group's lanes: thin lines while connections are open, bars, and ticks."""
    placed = list(zip(rows, group.read.lanes, strict=True))
    idle = [(row, start, end) for row, lane in placed for start, end in lane.idle]
    figure.add_bar(
        orientation="h",
        y=[row for row, _, _ in idle],
        base=[scale.factor * start for _, start, _ in idle],
        x=[scale.factor * (end - start) for _, start, end in idle],
        width=LINE,
        marker={"color": TEXT, "line": {"width": 0}},
        hoverinfo="skip",
        showlegend=False,
    )
    for busy in Busy:
        bars = [(row, bar) for row, lane in placed for bar in lane.bars if bar.busy is busy]
        if bars:
            figure.add_bar(
                orientation="h",
                y=[row for row, _ in bars],
                base=[scale.factor * bar.began for _, bar in bars],
                x=[scale.factor * (bar.ended - bar.began) for _, bar in bars],
                width=BAR,
                marker=_look(busy, group.colour),
                customdata=[_say_bar(bar) for _, bar in bars],
                hovertemplate="%{customdata}<extra></extra>",
                showlegend=False,
            )
    ticks = [(row, tick) for row, lane in placed for tick in lane.ticks]
    lost = [
        (row, bar.ended, _say_bar(bar))
        for row, lane in placed
        for bar in lane.bars
        if bar.answer is not None and is_lost(bar.answer)
    ]
    lost += [(row, tick.at, _say_tick(tick)) for row, tick in ticks if is_lost(tick.message)]
    arrived = [
        (row + TICK[tick.message.direction], tick.at, _say_tick(tick))
        for row, tick in ticks
        if not is_lost(tick.message)
    ]
    _mark(figure, arrived, scale, _tick_look(group.colour))
    _mark(figure, lost, scale, LOST_LOOK)


def _mark(
    figure: Chart,
    marks: Sequence[tuple[float, float, str]],
    scale: Scale,
    look: Mapping[str, Any],
) -> None:
    if marks:
        figure.add_scatter(
            x=[scale.factor * at for _, at, _ in marks],
            y=[row for row, _, _ in marks],
            mode="markers",
            marker=look,
            customdata=[text for _, _, text in marks],
            hovertemplate="%{customdata}<extra></extra>",
            showlegend=False,
        )


def _look(busy: Busy, colour: str) -> dict[str, Any]:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    look: dict[str, Any] = {"color": f"rgba({red}, {green}, {blue}, {FILL[busy]})"}
    # The outline keeps a poll of a millisecond visible, and two that touch apart.
    look["line"] = {"color": colour, "width": 0 if busy is Busy.OPEN else 1.5}
    if busy in PATTERN:
        look["pattern"] = {"shape": PATTERN[busy], "size": 5, "fgcolor": colour}
    return look


def _tick_look(colour: str) -> dict[str, Any]:
    return {"symbol": "line-ns", "size": 6, "line": {"width": 1.5, "color": colour}}


def _explain(figure: Chart, groups: Sequence[NamedLanes]) -> None:
    """Add a legend in grey, as colours belong to the techniques."""
    lanes = [lane for group in groups for lane in group.read.lanes]
    for busy in Busy:
        if any(bar.busy is busy for lane in lanes for bar in lane.bars):
            figure.add_bar(x=[None], y=[None], marker=_look(busy, TEXT), name=busy.value)
    ticks = [tick for lane in lanes for tick in lane.ticks]
    answers = [bar.answer for lane in lanes for bar in lane.bars if bar.answer is not None]
    looks: list[tuple[str, dict[str, Any]]] = []
    if any(not is_lost(tick.message) for tick in ticks):
        looks.append(("message: up above, down below", _tick_look(TEXT)))
    if any(map(is_lost, [*answers, *(tick.message for tick in ticks)])):
        looks.append(("never arrived", LOST_LOOK))
    for name, look in looks:
        figure.add_scatter(x=[None], y=[None], mode="markers", marker=look, name=name)


def _say_bar(bar: Bar) -> str:
    time = duration(bar.ended - bar.began)
    if bar.count > 1:
        return f"{bar.count:,} in {time}: {bar.busy.value}"
    messages = [each for each in (bar.request, bar.answer) if each is not None]
    said = [f"{each.number} · {plain(each.summary)}" for each in messages]
    if bar.answer is not None and is_lost(bar.answer):
        said.append("the response never arrived")
    return "<br>".join([*said, f"{bar.busy.value}: {time}"])


def _say_tick(tick: Tick) -> str:
    message = tick.message
    way = message.direction.value
    if tick.count > 1:
        return f"{tick.count:,} messages {way}"
    lost = ", never arrived" if is_lost(message) else ""
    return f"{message.number} · {plain(message.summary)}<br>{way} at {tick.at:,.3f} s{lost}"
