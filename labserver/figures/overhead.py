"""How many times as many bytes one technique needs as another, by size of the message."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from labserver.errors import LabError
from labserver.figures.chart import Chart, dress
from labserver.figures.palette import EMPHASIS, OTHERS

if TYPE_CHECKING:
    import pandas

CLAIM = 10  # the study note: "10× more efficient"


def overhead_ratio(
    ratios: pandas.DataFrame, *, column: str = "ratio", of: str = "long polling"
) -> Chart:
    """Draw the ratio of bytes on the wire, a line for each client's headers.

    Another line is the 10× that the study note claims.

    Args:
        ratios: one row per client and size: `client` (whose headers are sent), `size` of the
            payload in bytes, and how many times the bytes of a WebSocket that takes, as
            returned by `Overhead.ratios`.
        column: which of its ratios: `ratio`, or `bare`, as if the text were sent without JSON.
        of: the technique that is compared with WebSocket.

    Raises:
        LabError: if there is nothing to show.
    """
    if ratios.empty:
        raise LabError("Nothing was measured: run the measurement first.")
    ratios = ratios.assign(ratio=ratios[column])
    figure = Chart()
    for position, (client, line) in enumerate(ratios.groupby("client", sort=False)):
        look = OTHERS[position % len(OTHERS)]
        figure.add_scatter(
            x=line["size"],
            y=line["ratio"],
            name=str(client),
            mode="lines+markers" if len(line) > 1 else "markers",
            line={"color": look.colour, "dash": look.dash, "width": 2.5},
            marker={"symbol": look.symbol, "size": 9},
            hovertemplate="%{x:,} bytes: %{y:.1f} times",
        )
    figure.add_hline(y=CLAIM, line={"color": EMPHASIS, "dash": "dash"})
    figure.add_annotation(
        x=1,
        xref="x domain",
        xanchor="right",
        y=math.log10(CLAIM),  # on a log axis an annotation's position is the exponent
        yanchor="bottom",
        text=f"the note: {CLAIM}×",
        font={"color": EMPHASIS},
        showarrow=False,
    )
    dress(
        figure,
        _title(ratios, f"{of} against WebSocket"),
        x="payload of a message (bytes, log)",
        y=f"bytes of {of} / WebSocket (log)",
        height=380,
    )
    sizes = sorted(ratios["size"].unique())
    figure.update_xaxes(type="log", tickvals=sizes, ticktext=[f"{size:,}" for size in sizes])
    ticks = [1, 2, 5, 10, 20, 50]
    figure.update_yaxes(type="log", tickvals=ticks, ticktext=[f"{tick}×" for tick in ticks])
    return figure


def _title(ratios: pandas.DataFrame, names: str) -> str:
    reached = ratios[ratios["ratio"] >= CLAIM]
    if reached.empty:
        most = ratios.loc[ratios["ratio"].idxmax()]
        return f"Nowhere {CLAIM}×: {most.ratio:.1f} at most, for {most.client} ({names})"
    largest = reached.loc[reached["size"].idxmax()]
    least = ratios["ratio"].min()
    return (
        f"{CLAIM}× holds up to {largest['size']:,} bytes with {largest.client}'s headers,"
        f" and falls to {least:.2g}× ({names})"
    )
