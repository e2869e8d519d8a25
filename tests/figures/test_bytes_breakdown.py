from __future__ import annotations

import pytest

from labserver.errors import LabError
from labserver.figures.bytes_breakdown import bytes_breakdown
from labserver.trace.trace import Trace
from labserver.wire.tape import Tape
from tests.wire.conversations import CONVERSATIONS, DOWN, HANDSHAKE, pieces, trace_of

POLLED = trace_of(CONVERSATIONS["keep-alive"])
SOCKET = trace_of((*HANDSHAKE, (DOWN, b"\x81\x05Hello" * 40)))


def sums(traces: dict[str, Trace], per_message: int | None = None) -> list[float]:
    """The length of each bar without the estimate."""
    figure = bytes_breakdown(traces, per_message=per_message)
    bars = [bar.x for bar in figure.data if bar.name != "TCP/IP (estimate)"]
    return [sum(sizes) for sizes in zip(*bars, strict=True)]


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_the_parts_add_up_to_what_was_on_the_wire(name: str) -> None:
    trace = trace_of(CONVERSATIONS[name])
    wire = int(trace.bytes()["wire"].sum())
    assert sums({name: trace}) == [wire]
    figure = bytes_breakdown({name: trace})
    estimate = next(bar for bar in figure.data if bar.name == "TCP/IP (estimate)")
    assert wire + estimate.x[0] == int(trace.bytes()["total_estimate"].sum())
    (end,) = figure.layout.annotations
    assert end.text.startswith(f"<b>{wire:,}</b>")


def test_the_title_says_what_one_trace_spent() -> None:
    title = bytes_breakdown({"websocket": SOCKET}).layout.title.text
    assert title == "200 of 584 bytes were payload, 52 % HTTP headers"


def test_the_title_compares_what_a_message_costs() -> None:
    figure = bytes_breakdown({"long_polling": SOCKET, "a": POLLED}, per_message=10)
    wire = [trace.bytes()["wire"].sum() for trace in (SOCKET, POLLED)]
    title = figure.layout.title.text
    assert title == (
        f"A message costs {wire[0] / 10:.0f} bytes by long polling, {wire[1] / 10:.0f} by a:"
        f" {wire[0] / wire[1]:.1f} times"
    )
    assert figure.layout.xaxis.title.text == "bytes per chat message on the wire"
    assert sums({"a": SOCKET}, per_message=10) == [pytest.approx(wire[0] / 10)]


def test_of_several_the_one_with_the_least_payload_is_named() -> None:
    title = bytes_breakdown({"long_polling": POLLED, "websocket": SOCKET}).layout.title.text
    assert title.startswith("By long polling, 18 of ")


def test_some_kinds_only_have_no_estimate() -> None:
    figure = bytes_breakdown({"frames": SOCKET.only(kind="WebSocket frame")})
    assert [bar.name for bar in figure.data] == ["payload", "framing"]
    assert sums({"frames": SOCKET.only(kind="WebSocket frame")}) == [280]


def test_parts_are_told_apart_without_colour() -> None:
    figure = bytes_breakdown({"a": SOCKET})
    looks = {(bar.marker.color, bar.marker.pattern.shape) for bar in figure.data}
    assert len(looks) == len(figure.data) == 4
    assert {bar.marker.pattern.fillmode for bar in figure.data} == {"overlay"}
    estimate = figure.data[-1]
    assert estimate.marker.pattern.shape


@pytest.mark.parametrize("label", ["<script>alert(1)</script>", "<b>%{x}</b>", "a\x1b\n$x$"])
def test_a_label_is_text(label: str) -> None:
    figure = bytes_breakdown({label: SOCKET, "b": POLLED})
    shown = [*figure.data[0].y, figure.layout.title.text, *(a.y for a in figure.layout.annotations)]
    for text in shown:
        assert "<script" not in text
        assert "<b>" not in text
        assert text.isprintable()
        assert "$" not in text


def test_nothing_to_show_is_an_error_and_not_an_empty_picture() -> None:
    for traces in ({}, {"a": Trace(), "b": Trace()}):
        with pytest.raises(LabError, match="contain no bytes"):
            bytes_breakdown(traces)
    with pytest.raises(LabError, match="at least 1"):
        bytes_breakdown({"a": SOCKET}, per_message=0)


def test_a_silent_trace_beside_one_that_spoke_is_an_empty_bar() -> None:
    assert sums({"silent": Trace(), "spoke": SOCKET}) == [0, 584]


def test_bytes_of_a_frame_that_has_not_ended_are_not_decoded() -> None:
    tape = Tape()
    for piece in pieces((*HANDSHAKE, (DOWN, b"\x81\x05Hel")), ends=False):
        tape.add(piece)
    bars = {bar.name: bar.x[0] for bar in bytes_breakdown({"a": Trace(tape)}).data}
    assert bars["not decoded"] == 5
