"""The size of a WebSocket frame's header against the size of its payload."""

from __future__ import annotations

import math
from bisect import bisect_right
from functools import partial

from websockets.frames import Frame, Opcode

from labserver.figures.chart import Chart, dress
from labserver.figures.palette import EMPHASIS, TECHNIQUE

SIZE_MAX = 1_000_000  # bytes: far enough past the last step to see it on a log axis
_WORDS = ("no", "one", "two", "three")


def header_steps() -> Chart:
    """Draw the size of the header against that of the payload, for both directions.

    The sizes are those of frames that the websockets library writes.
    """
    steps = _steps()
    edges = [1, *(edge for step in steps for edge in (step - 1, step)), SIZE_MAX]
    figure = Chart()
    for name, masked, colour, dash in (
        ("from a client: 4 bytes more, the masking key", True, TECHNIQUE["websocket"], "solid"),
        ("from a server", False, EMPHASIS, "dash"),
    ):
        heads = [header_size(size, masked=masked) for size in edges]
        figure.add_scatter(
            x=edges,
            y=heads,
            name=name,
            mode="lines",
            line={"color": colour, "dash": dash, "width": 3, "shape": "hv"},
            hovertemplate="%{x:,} bytes of payload: %{y} of header<extra></extra>",
        )
        for start, end, head in zip(edges[::2], edges[1::2], heads[::2], strict=True):
            # On a log axis an annotation's position is the exponent.
            figure.add_annotation(
                x=(math.log10(start) + math.log10(end)) / 2,
                y=head,
                text=str(head),
                showarrow=False,
                yshift=11,
                font={"size": 14},
            )
    said = " and ".join(f"at {step:,}" for step in steps)
    dress(
        figure,
        f"The header grows in {_WORDS[len(steps)]} steps, {said} bytes",
        x="payload (bytes, log)",
        y="header (bytes)",
    )
    ticks = sorted([1, 10, *steps, 1000, 10_000])
    figure.update_xaxes(
        type="log",
        range=[0, math.log10(SIZE_MAX) + 0.05],
        tickvals=ticks,
        ticktext=[f"{tick:,}" for tick in ticks],
    )
    figure.update_yaxes(range=[0, 16], dtick=2)
    return figure


def header_size(size: int, *, masked: bool) -> int:
    """Return the size of the header that websockets writes, in bytes.

    Args:
        size: the size of the payload, in bytes.
        masked: whether the frame is masked, as a client's must be.
    """
    return len(Frame(Opcode.BINARY, bytes(size)).serialize(mask=masked)) - size


def _steps() -> list[int]:
    """Return the sizes of payload at which the header grows."""
    head_of = partial(header_size, masked=False)
    sizes = range(SIZE_MAX + 1)
    steps = [bisect_right(sizes, head_of(0), key=head_of)]
    while steps[-1] in sizes:
        steps.append(bisect_right(sizes, head_of(steps[-1]), key=head_of))
    return steps[:-1]
