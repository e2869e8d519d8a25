"""What the bytes of a conversation were spent on, one bar per technique."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from labserver.errors import LabError
from labserver.figures.chart import Chart, dress
from labserver.figures.palette import GOOD, TEXT, TEXT_PX, words
from labserver.figures.wire_text import plain
from labserver.trace.trace import Trace

LABEL_CHARACTERS = 24
BAR_HEIGHT = 58  # pixels
BOTTOM = 100  # pixels: the axis and a legend of two lines


class _Part(NamedTuple):
    """A column of `Trace.bytes()`, its name in the figure, and its look."""

    column: str
    name: str
    colour: str
    hatch: str = ""


PARTS = (
    _Part("payload", "payload", GOOD),
    _Part("framing", "framing", "#E69F00", "/"),
    _Part("http_headers", "HTTP headers", "#56B4E9"),
    _Part("opaque", "opaque (encrypted or unknown)", "#999999", "x"),
    _Part("not_decoded", "not decoded", "#CC79A7", "."),
)
ESTIMATE = _Part("tcp_ip_estimate", "TCP/IP (estimate)", "rgba(128, 128, 128, 0.12)", "\\")


class _Breakdown(NamedTuple):
    """What one conversation's bytes were spent on.

    Attributes:
        label: the name of the conversation.
        parts: bytes by column.
        wire: what TCP carried, bytes.
        estimate: what TCP/IP would add, bytes; None if it is not known.
    """

    label: str
    parts: dict[str, int]
    wire: int
    estimate: int | None


def bytes_breakdown(traces: Mapping[str, Trace], *, per_message: int | None = None) -> Chart:
    """Draw what the bytes were spent on: a stacked bar per trace, with its total at the end.

    Payload, framing, HTTP headers, opaque bytes and bytes not decoded add up to what TCP carried.
    What TCP/IP would add is an estimate; it is hatched, and added to the total as such.

    Args:
        traces: by technique, or by any other name.
        per_message: how many chat messages were sent; if given, the bars show bytes per message.

    Raises:
        LabError: if there is nothing to show, or `per_message` is less than 1.
    """
    if per_message is not None and per_message < 1:
        raise LabError("per_message is the number of chat messages; it must be at least 1.")
    rows = [_break_down(label, trace) for label, trace in traces.items()]
    if not any(row.wire for row in rows):
        raise LabError("These traces contain no bytes: send a message while they are recorded.")
    share = per_message or 1
    labels = [_name(row) for row in rows]
    figure = Chart()
    for part in PARTS:
        sizes = [row.parts[part.column] / share for row in rows]
        if any(sizes):
            _add(figure, part, labels, sizes)
    if any(row.estimate for row in rows):
        _add(figure, ESTIMATE, labels, [(row.estimate or 0) / share for row in rows])
    for label, row in zip(labels, rows, strict=True):
        figure.add_annotation(
            x=(row.wire + (row.estimate or 0)) / share,
            y=label,
            text=_end(row, share),
            showarrow=False,
            xanchor="left",
            align="left",
            xshift=6,
            font={"size": TEXT_PX},
        )
    unit = "bytes per chat message" if per_message else "bytes"
    dress(
        figure,
        _title(rows, per_message),
        x=f"{unit} on the wire",
        y="",
    )
    largest = max(row.wire + (row.estimate or 0) for row in rows) / share
    figure.update_layout(
        height=figure.layout.margin.t + BOTTOM + BAR_HEIGHT * len(rows),
        barmode="stack",
        bargap=0.35,
        uniformtext={"minsize": TEXT_PX, "mode": "hide"},
        margin={"b": BOTTOM},
        legend={"traceorder": "normal"},
    )
    figure.update_xaxes(
        range=[0, 1.5 * largest], tickformat=",", nticks=7
    )  # with room for the totals
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def _break_down(label: str, trace: Trace) -> _Breakdown:
    table = trace.bytes()
    added = table["tcp_ip_estimate"]
    return _Breakdown(
        label,
        {part.column: int(table[part.column].sum()) for part in PARTS},
        int(table["wire"].sum()),
        None if added.isna().any() else int(added.sum()),
    )


def _add(figure: Chart, part: _Part, labels: list[str], sizes: list[float]) -> None:
    figure.add_bar(
        x=sizes,
        y=labels,
        orientation="h",
        name=part.name,
        text=[_number(size) if size else "" for size in sizes],
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        textfont={"color": TEXT if part is ESTIMATE else "#111111"},
        marker={
            "color": part.colour,
            "line": {"color": TEXT, "width": 1},
            "pattern": {
                "shape": part.hatch,
                "fillmode": "overlay",  # over the part's colour, not instead of it
                "fgcolor": TEXT,
                "fgopacity": 0.35,
                "size": 7,
            },
        },
        hovertemplate=f"%{{y}}, {part.name}: %{{x:,.0f}} bytes<extra></extra>",
    )


def _number(size: float) -> str:
    return f"{size:,.1f}" if size < 10 and size != int(size) else f"{size:,.0f}"


def _end(row: _Breakdown, share: int) -> str:
    payload = _percent(row.parts["payload"], row.wire)
    total = f"<b>{_number(row.wire / share)}</b>"
    if row.estimate:
        together = _number((row.wire + row.estimate) / share)
        total += f" + {_number(row.estimate / share)} = {together}"
    return f"{total}<br>{payload} payload"


def _percent(part: int, whole: int) -> str:
    if not part or not whole:
        return "0 %"
    share = 100 * part / whole
    return "under 1 %" if share < 1 else f"{share:.0f} %"


def _title(rows: list[_Breakdown], per_message: int | None) -> str:
    """Return what the figure shows, in one sentence."""
    some = [row for row in rows if row.wire]
    most = max(some, key=lambda row: row.wire)
    least = min(some, key=lambda row: row.wire)
    if per_message and len(some) > 1 and most.wire > least.wire:
        return (
            f"A message costs {_number(most.wire / per_message)} bytes by {_name(most)},"
            f" {_number(least.wire / per_message)} by {_name(least)}:"
            f" {most.wire / least.wire:.1f} times"
        )
    row = min(some, key=lambda row: row.parts["payload"] / row.wire)
    overhead = max(PARTS[1:], key=lambda part: row.parts[part.column])
    total = row.wire / (per_message or 1)
    payload = row.parts["payload"] / (per_message or 1)
    a_message = " per message" if per_message else ""
    by = f"By {_name(row)}, {{}} of {{}}" if len(some) > 1 else "{} of {}"
    title = f"{by.format(_number(payload), _number(total))} bytes{a_message} were payload"
    if spent := row.parts[overhead.column]:
        title += f", {_percent(spent, row.wire)} {overhead.name}"
    return title


def _name(row: _Breakdown) -> str:
    return plain(words(row.label), LABEL_CHARACTERS)
